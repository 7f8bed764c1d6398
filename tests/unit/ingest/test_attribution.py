"""Whose signal: exactly one customer's claim attributes it; none or two leave it to a person."""

from uuid import UUID

import pytest

from app.canonical.events import parse_event
from app.ingest.attribution import FACTS, Rule, candidates, decide, facts

pytestmark = pytest.mark.feature("M1")
ACME, BOREAL = UUID(int=1), UUID(int=2)
RULES = [Rule(UUID(int=11), ACME, 'event.account == "ACME-01"'), Rule(UUID(int=12), BOREAL, 'event.account == "B"', source="edi")]
SAID = parse_event({"type": "order.cutoff_missed", "occurred_at": "2026-11-23T17:05:00Z", "account": "ACME-01", "refs": {"order": "ORD-1"}})
EVENT = facts(SAID, "wms")


class TestFacts:
    def test_are_typed_text_and_empty_where_absent(self) -> None:
        assert set(EVENT) == set(FACTS)
        assert (EVENT["event.account"], EVENT["event.refs.order"], EVENT["event.refs.bol"], EVENT["event.source"]) == (
            "ACME-01",
            "ORD-1",
            "",
            "wms",
        )


class TestDecide:
    def test_gives_the_event_to_the_one_customer_who_claims_it(self) -> None:
        assert decide(RULES, [True, False], EVENT).customer_id == ACME

    def test_takes_two_rules_of_one_customer_as_one_claim(self) -> None:
        assert decide([RULES[0], RULES[0]], [True, True], EVENT).customer_id == ACME

    def test_never_guesses_between_two_customers(self) -> None:
        verdict = decide(RULES, [True, True], EVENT)
        assert verdict.customer_id is None
        assert verdict.detail.startswith("2 customers claim account 'ACME-01'")

    def test_never_guesses_when_nobody_claims_it(self) -> None:
        verdict = decide(RULES, [False, "no such key: bol"], EVENT)
        assert verdict.customer_id is None
        assert "no such key: bol" in verdict.detail

    def test_lets_a_failing_rule_stop_nobody(self) -> None:
        assert decide(RULES, ["division by zero", True], EVENT).customer_id == BOREAL


class TestCandidates:
    def test_are_the_rules_for_the_source_and_those_for_any(self) -> None:
        assert candidates(RULES, "wms") == RULES[:1]
        assert candidates(RULES, "edi") == RULES
