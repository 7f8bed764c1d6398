"""From facts to a decision: candidates by index, conditions and details in the sandbox, an explained conclusion."""

import pytest

from app.canonical.events import parse_event
from app.canonical.taxonomy import taxonomy
from app.policies import evaluate
from app.policies.evaluate import PolicySet, Unsettled
from tests.unit.policies.examples import CUSTOMER, CUTOFF, NOT_PICKED_UP, both, fact, library, policy, told


async def decide(sandbox, policies: PolicySet, facts):
    """The three pure steps with the real sandbox between them."""
    candidates = policies.candidates(facts)
    matched, asked = evaluate.first_match(candidates, await sandbox.cel_many(evaluate.condition_jobs(candidates, facts)))
    if matched is None:
        return None, asked
    details = await sandbox.cel_many(evaluate.detail_jobs(matched, facts))
    return evaluate.conclude(matched, facts, details, taxonomy()), asked


def rule(name: str, on: str = "order.cutoff_missed", **more: str) -> str:
    lines = "".join(f"    {key}: {value}\n" for key, value in more.items())
    return f"name: {name}\ntitle: T\nprecedence: 50\nopen:\n  - rule: r\n    on: {on}\n    exception: {{type: cutoff.missed}}\n    group_by: {{order: order.number}}\n    title: T\n{lines}"


class TestTheStory:
    @pytest.mark.feature("M30", "M205", "M93")
    async def test_webhook_and_214_of_one_order_give_the_same_exception_and_key(self, sandbox):
        decisions = [(await decide(sandbox, both(), facts))[0] for facts in told(CUTOFF, NOT_PICKED_UP)]
        assert {d.group_key for d in decisions} == {"cutoff.missed|order:ORD-7731|promise:ship"}
        assert {(d.exception.type, d.exception.reason, d.exception.responsible) for d in decisions} == {
            ("cutoff.missed", "past_cutoff", "warehouse")
        }
        assert {d.title for d in decisions} == {"Order ORD-7731 missed the warehouse cutoff"}
        assert decisions[1].money_at_risk.minor == 4520000, "the second signal knows the order from the first"

    @pytest.mark.feature("M30", "M205")
    async def test_the_other_order_of_arrival_gives_the_same(self, sandbox):
        decisions = [(await decide(sandbox, both(), facts))[0] for facts in told(NOT_PICKED_UP, CUTOFF)]
        assert {d.group_key for d in decisions} == {"cutoff.missed|order:ORD-7731|promise:ship"}

    @pytest.mark.feature("M34", "M205")
    async def test_without_the_tier_the_priority_is_provisional_and_says_so(self, sandbox):
        (facts,) = told(CUTOFF)
        first, _ = await decide(sandbox, both(), facts)
        later, _ = await decide(sandbox, both(), facts | fact("customer.tier", "platinum"))
        assert first.priority.provisional and first.priority.missing == ("customer.tier",)
        assert not later.priority.provisional and later.priority.missing == ()
        assert (first.priority.level, later.priority.level) == ("P2", "P1")
        assert later.priority.score - first.priority.score == 300
        assert {f.name for f in later.priority.factors} == {"value", "tier", "minutes_left", "rule 1", "rule 2"}
        assert sum(f.points for f in later.priority.factors) == later.priority.score

    async def test_every_fact_the_decision_read_is_named(self, sandbox):
        (facts,) = told(CUTOFF)
        decision, _ = await decide(sandbox, both(), facts)
        assert {"order.number", "order.value_minor", "order.regulated", "customer.tier", "promise.minutes_left"} <= set(decision.read)


class TestCandidates:
    def test_only_rules_for_the_type_and_value_are_asked(self):
        texts = [rule(f"p{n}", "shipment.milestone_recorded", where=f"{{event.data.status_code: S{n}}}") for n in range(50)]
        policies = PolicySet(
            [policy(text, n) for n, text in enumerate([*texts, rule("any"), rule("other", "shipment.milestone_recorded")])]
        )
        (facts,) = told({**NOT_PICKED_UP, "data": {"status_code": "S7"}})
        assert [c.policy.document.name for c in policies.candidates(facts)] == ["other", "p7"]

    def test_the_customers_own_come_first_then_precedence_then_name(self):
        policies = PolicySet(
            [
                policy(rule("b"), 1),
                policy(rule("a"), 2),
                policy(rule("c").replace("50", "5"), 3),
                policy(rule("z").replace("50", "900"), 4, CUSTOMER),
            ]
        )
        (facts,) = told(CUTOFF)
        assert [c.policy.document.name for c in policies.candidates(facts)] == ["z", "c", "a", "b"]


class TestErrors:
    async def test_an_undecided_rule_belongs_to_itself_and_says_why(self, sandbox):
        policies = PolicySet(
            [
                policy(rule("a", when='customer.tier == "gold"'), 1),
                policy(rule("b", when="order.value_minor / 0 > 1"), 2),
                policy(rule("c"), 3),
            ]
        )
        (facts,) = told(CUTOFF)
        decision, asked = await decide(sandbox, policies, facts)
        assert decision is not None
        assert [(a.policy, a.outcome) for a in asked] == [("a", "undecided"), ("b", "undecided"), ("c", "matched")]
        assert "customer.tier" in asked[0].why

    async def test_an_exception_is_not_opened_without_its_grouping_key(self, sandbox):
        text = rule("a", on="shipment.milestone_recorded")
        (facts,) = told({**NOT_PICKED_UP, "refs": {"shipment": "SHP-1"}})
        with pytest.raises(Unsettled, match="grouping key order"):
            await decide(sandbox, PolicySet([policy(text)]), facts)

    async def test_an_own_field_of_another_type_fails_its_own_rule_only(self, sandbox):
        own = rule("a", when="event.data.wave > 5").replace("open:", "facts: {event.data.wave: int}\nopen:")
        (facts,) = told({**CUTOFF, "data": CUTOFF["data"] | {"wave": "nine"}})
        decision, asked = await decide(sandbox, PolicySet([policy(own, 1), policy(library("cutoff-missed"), 2)]), facts)
        assert decision is not None and asked[0].outcome in ("undecided", "matched") and asked[0].policy == "cutoff-missed"

    def test_a_grouping_value_cannot_forge_the_keys_form(self):
        event = parse_event({**CUTOFF, "refs": {"order": "A|promise:x"}})
        assert event.refs["order"] == "A|promise:x"
        result = evaluate.CelResult(value="A|promise:x")
        assert evaluate._group_key("cutoff.missed", [("order", result)]) == "cutoff.missed|order:A/promise:x"
