"""Which events are acts on a case, and whose hand did them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from app.core.events import Event
from app.core.ids import new_id
from app.intelligence.acts import act_of, case_of, cases_of

pytestmark = pytest.mark.feature("M135")

CASE, NOON = new_id(), datetime(2026, 11, 2, 12, tzinfo=UTC)


def event(type: str, actor: str = "user:0190aaaa-0000-7000-8000-000000000001", *, key: str | None = f"case:{CASE}", **data: Any) -> Event:
    return Event(
        id=new_id(), type=type, tenant_id=new_id(), customer_id=None, subject="x", occurred_at=NOON, recorded_at=NOON, actor=actor, cause=None,
        trace=None, data=data, key=key,
    )  # fmt: skip


class TestATouch:
    @pytest.mark.parametrize(
        "verb", ["acknowledged", "assigned", "snoozed", "woken", "planned", "called", "commented", "escalated", "resolved", "reopened"]
    )
    def test_is_each_command_by_hand(self, verb):
        for actor, hand in (("user:1", "person"), ("key:1", "integration"), ("link:1", "link")):
            act = act_of(event(f"case.{verb}", actor))
            assert act is not None and act.is_touch and act.hand == hand and act.case_id == CASE and act.at == NOON

    def test_names_the_person_so_that_a_customers_can_be_told_from_the_partners(self):
        assert act_of(event("case.commented")).user_id == UUID("0190aaaa-0000-7000-8000-000000000001")
        assert act_of(event("case.commented", "key:0190aaaa-0000-7000-8000-000000000001")).user_id is None

    def test_is_a_call_made_by_hand_once(self):
        called = {"key": "call:1", "case_id": str(CASE)}
        effect = [event(kind, effect=True, **called) for kind in ("call.started", "call.unknown", "call.succeeded")]
        question = [event("call.succeeded", effect=False, **called)]
        assert [act_of(e) is not None for e in effect] == [True, False, False]
        assert [act_of(e).is_touch for e in question] == [True]

    @pytest.mark.parametrize(
        "kind", ["case.opened", "case.grouped", "case.reprioritised", "case.waiting", "case.continued", "case.breached", "deviation.recorded", "approval.decided", "offer.answered", "document.uploaded"]
    )  # fmt: skip
    def test_is_nothing_that_follows_from_a_command_or_answers_one(self, kind):
        assert act_of(event(kind, case_id=str(CASE))) is None


class TestARunsAct:
    @pytest.mark.parametrize(
        "kind", ["case.resolved", "case.assigned", "offer.made", "approval.requested", "document.required", "notice.queued", "call.started"]
    )
    def test_counts_and_is_no_touch(self, kind):
        act = act_of(event(kind, "run:1", case_id=str(CASE)))
        assert act is not None and act.hand == "run" and not act.is_touch

    def test_is_not_what_clocks_do(self):
        assert act_of(event("case.escalated", "system:clock")) is None


class TestTheEnd:
    @pytest.mark.parametrize(("touched", "alone"), [(True, False), (False, True)])
    def test_says_whether_automation_was_alone(self, touched, alone):
        assert act_of(event("case.resolved", "run:1", touched=touched)).closed_alone is alone

    def test_by_the_house_itself_is_kept_too(self):
        assert act_of(event("case.resolved", "system:clock", touched=False)).hand == "other"


class TestTheCase:
    def test_is_the_one_an_event_names_or_stands_under(self):
        other = new_id()
        assert case_of(event("notice.queued", key="notice:1", case_id=str(other))) == other
        assert case_of(event("case.opened")) == CASE
        assert case_of(event("order.recorded", key="order:1")) is None
        assert case_of(event("case.opened", key="case:nonsense")) is None

    def test_a_new_one_changes_what_is_known_of_the_one_before(self):
        before = new_id()
        assert cases_of(event("case.opened", previous_id=str(before))) == {CASE, before}
        assert cases_of(event("case.resolved", previous_id=str(before))) == {CASE}
