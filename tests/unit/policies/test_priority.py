"""The score: named factors that add up, provisional while something needed is missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policies.document import Bonus, Levels, Prioritise, Steps, Table
from app.policies.priority import HIGHEST, by_type, score
from tests.unit.policies.examples import fact

RULES = Prioritise(
    value=Steps("order.value_minor", [(0, 0), (1000, 100), (5000, 250)]),
    tier=Table("customer.tier", {"gold": 200, "new": -50}),
    minutes_left=Steps("promise.minutes_left", [(-1000, 200), (0, 100), (60, 0)]),
    rules=[Bonus("order.regulated", 100, "regulated goods")],
    levels=Levels(500, 300, 100),
)
ALL = fact("order.value_minor", 1000) | fact("customer.tier", "gold") | fact("promise.minutes_left", -5)


class TestScore:
    @pytest.mark.feature("M205")
    def test_adds_named_factors_with_their_reasons(self):
        found = score(RULES, ALL, {0: True})
        assert [(factor.name, factor.points, factor.because) for factor in found.factors] == [
            ("value", 100, "order.value_minor is 1000"),
            ("tier", 200, "customer.tier is gold"),
            ("minutes_left", 200, "promise.minutes_left is -5"),
            ("rule 1", 100, "regulated goods"),
        ]
        assert (found.score, found.level, found.provisional) == (600, "P1", False)

    @pytest.mark.feature("M34")
    def test_a_missing_fact_gives_nothing_and_makes_it_provisional(self):
        found = score(RULES, {name: one for name, one in ALL.items() if name != "customer.tier"}, {0: None})
        assert (found.score, found.level, found.provisional, found.missing) == (300, "P2", True, ("customer.tier",))

    def test_only_what_is_needed_makes_it_provisional(self):
        rules = Prioritise(value=RULES.value, tier=RULES.tier, needs=["order.value_minor"])
        assert not score(rules, fact("order.value_minor", 5000), {}).provisional

    @pytest.mark.parametrize(("value", "points"), [(-1, None), (0, 0), (999, 0), (1000, 100), (4999, 100), (5000, 250), (10**12, 250)])
    def test_takes_the_last_step_whose_bound_is_not_above(self, value, points):
        (factor,) = score(Prioritise(value=RULES.value), fact("order.value_minor", value), {}).factors
        assert factor.points == (points or 0)

    def test_words_that_are_not_listed_and_values_of_another_type_give_nothing(self):
        assert score(RULES, fact("customer.tier", "bronze") | fact("order.value_minor", "5000"), {}).score == 0

    @given(st.integers(-(10**9), 10**9), st.sampled_from(["gold", "new", "?"]), st.booleans())
    def test_stays_between_nothing_and_the_highest(self, value, tier, held):
        found = score(RULES, fact("order.value_minor", value) | fact("customer.tier", tier), {0: held})
        assert 0 <= found.score <= HIGHEST

    def test_more_at_stake_never_scores_less(self):
        scores = [score(RULES, ALL | fact("order.value_minor", value), {}).score for value in range(0, 10_000, 500)]
        assert scores == sorted(scores)


def test_without_rules_the_level_is_the_types():
    assert [(by_type(level).level, by_type(level).provisional) for level in ("P1", "P4")] == [("P1", False), ("P4", False)]
