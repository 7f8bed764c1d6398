"""What stands before an effect: who is spoken of, and that doubt refuses."""

import pytest

from app.policies.gates import Judgement, Rules, call_facts, judge, speaks_of
from tests.unit.policies.examples import NOW, fact, library, policy

RULES = Rules((policy(library("cutoff-missed")),))
CHEAP = call_facts("carrier.amend", {"amount_minor": 100, "currency": "EUR"}, "run:1", NOW)
FREE = fact("order.regulated", False)
HELD = fact("order.regulated", True)


@pytest.mark.parametrize(
    ("patterns", "capability", "spoken"),
    [
        (["carrier.amend"], "carrier.amend", True), (["carrier.amend"], "carrier.amend_all", False), (["carrier.*"], "carrier.amend", True),
        (["carrier.*"], "carriers.amend", False), (["notice:*"], "notice:eta-offer", True), (["notice:eta"], "notice:eta-offer", False), ([], "x", False),
    ],
)  # fmt: skip
def test_rules_speak_of_names_and_families(patterns, capability, spoken):
    assert speaks_of(patterns, capability) is spoken


class TestJudge:
    @pytest.mark.feature("M31", "M118")
    @pytest.mark.parametrize(
        ("facts", "refused", "bounded"),
        [
            (FREE, False, False),
            (HELD | fact("document.verified", ["compliance_certificate"]), False, False),
            (HELD | fact("document.verified", ["proof_of_delivery"]), True, False),
            (HELD, True, False),
            ({}, True, False),
            (fact("order.regulated", "no"), True, False),
            (FREE | fact("call.amount_minor", 50000), False, False),
            (FREE | fact("call.amount_minor", 50001), False, True),
            (FREE | fact("call.currency", "USD"), False, True),
            (FREE | fact("call.amount_minor", "100"), False, False),
            (FREE | fact("call.amount_minor", -1), False, True),
        ],
        ids=str,
    )
    async def test_lets_through_only_what_is_plainly_allowed(self, sandbox, facts, refused, bounded):
        judgement = await judge(sandbox, RULES, "carrier.amend", CHEAP | facts)
        assert (bool(judgement.refusals), bool(judgement.boundaries)) == (refused, bounded)

    @pytest.mark.feature("M118")
    @pytest.mark.parametrize("amount", ["5", True, None, 5.0])
    async def test_an_amount_nobody_names_needs_an_approval(self, sandbox, amount):
        unnamed = call_facts("carrier.amend", {"amount_minor": amount, "currency": "EUR", "option_id": None}, "user:1", NOW)
        judgement = await judge(sandbox, RULES, "carrier.amend", unnamed | FREE)
        assert [boundary.amount_minor for boundary in judgement.boundaries] == [None]

    async def test_what_no_rule_speaks_of_goes(self, sandbox):
        assert await judge(sandbox, RULES, "crm.add_note", {}) == Judgement()

    async def test_a_hostile_condition_refuses_itself_and_leaves_its_neighbour(self, sandbox):
        bomb = "[" + ",".join(str(n) for n in range(60)) + "]"
        loop = f"{bomb}.all(a, {bomb}.all(b, {bomb}.all(c, {bomb}.all(d, a + b + c + d >= 0))))"
        text = f"name: a\ntitle: b\ngate:\n  - {{rule: slow, capability: [x.y], when: '{loop}', reason: r, remedy: m}}\n"
        text += "limit:\n  - {rule: dear, capability: [x.y], amount: call.amount_minor, currency: EUR, above_minor: 5, approval: {kind: k}, reason: r}\n"
        judgement = await judge(sandbox, Rules((policy(text),)), "x.y", CHEAP)
        assert [refusal.rule for refusal in judgement.refusals] == ["slow"]
        assert [boundary.amount_minor for boundary in judgement.boundaries] == [100]
