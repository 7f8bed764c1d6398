"""The words of a timeline: all of it for the partner, plain words and few facts for the customer."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from app.cases import timeline
from app.core.events import Event

MOMENT = datetime(2026, 11, 23, 16, 5, tzinfo=UTC)


def _event(kind: str, actor: str = "user:7", **data: Any) -> Event:
    return Event(
        id=UUID(int=1), type=kind, tenant_id=UUID(int=2), customer_id=UUID(int=3), subject="case:1", occurred_at=MOMENT, recorded_at=MOMENT,
        actor=actor, cause=None, trace=None, data=data,
    )  # fmt: skip


class TestEntry:
    def test_tells_the_partner_everything(self) -> None:
        line = timeline.entry(_event("case.reprioritised", level="P1", score=750), "partner")
        assert line is not None
        assert (line.title, line.by, line.facts) == ("Priority is now P1", "user:7", {"level": "P1", "score": 750})

    def test_tells_the_customer_in_plain_words_and_only_what_is_theirs(self) -> None:
        line = timeline.entry(_event("case.resolved", outcome="rerouted", cause="warehouse.late", evidence_call_id="7"), "customer")
        assert line is not None
        assert (line.title, line.by, line.facts) == ("Solved: rerouted", "person", {"outcome": "rerouted", "cause": "warehouse.late"})

    @pytest.mark.parametrize(
        "kind", ["case.reprioritised", "case.warned", "case.breached", "approval.requested", "call.succeeded", "access.denied"]
    )
    def test_leaves_the_partners_own_business_out_for_the_customer(self, kind: str) -> None:
        assert timeline.entry(_event(kind), "customer") is None

    def test_leaves_an_inner_comment_out_for_the_customer(self) -> None:
        assert timeline.entry(_event("case.commented", text="They pay late.", internal=True), "customer") is None
        told = timeline.entry(_event("case.commented", text="We are on it.", internal=False), "customer")
        assert told is not None
        assert told.title == "We are on it."

    def test_shows_an_event_it_does_not_know_under_its_own_name(self) -> None:
        line = timeline.entry(_event("reading.recorded", actor="key:1", celsius=9), "partner")
        assert line is not None
        assert line.title == "reading.recorded"

    @pytest.mark.parametrize(("actor", "by"), [("run:1", "workflow"), ("link:1", "link"), ("key:1", "integration"), ("source:1", "system")])
    def test_names_no_actors_to_the_customer(self, actor: str, by: str) -> None:
        line = timeline.entry(_event("case.acknowledged", actor=actor), "customer")
        assert line is not None
        assert line.by == by

    def test_takes_braces_in_data_for_text(self) -> None:
        line = timeline.entry(_event("case.opened", title="{type.__class__} {0}"), "customer")
        assert line is not None
        assert line.title == "We noticed a problem: {type.__class__} {0}"

    def test_says_a_sentence_also_when_a_word_is_missing(self) -> None:
        line = timeline.entry(_event("case.opened"), "partner")
        assert line is not None
        assert line.title == "Case opened"
