"""The missed warehouse cutoff, from the warehouse's webhook to the closed case, for two partners at once.

The story is told once; each test is one step of it for one partner.
"""

import pytest

from simulator.story.book import Book
from tests.installation import Running, broken

PARTNERS = ("northwind", "harborline")

STEPS = [
    pytest.param(0, "stage", marks=pytest.mark.feature("M93")),
    pytest.param(1, "webhook", marks=pytest.mark.feature("M7")),
    pytest.param(2, "x12_214", marks=pytest.mark.feature("M9")),
    pytest.param(3, "duplicates_and_forgeries", marks=pytest.mark.feature("M11")),
    pytest.param(4, "provisional_decision", marks=pytest.mark.feature("M30")),
    pytest.param(5, "decision_with_answers", marks=pytest.mark.feature("M30", "M91")),
    pytest.param(6, "reroute_held", marks=pytest.mark.feature("M31")),
    pytest.param(7, "certificate", marks=pytest.mark.feature("M31")),
    pytest.param(8, "two_people_approve", marks=pytest.mark.feature("M30")),
    pytest.param(9, "customer_answers", marks=pytest.mark.feature("M100")),
    pytest.param(10, "effects_once", marks=pytest.mark.feature("M91")),
    pytest.param(11, "closed_after_recheck", marks=pytest.mark.feature("M30")),
    pytest.param(12, "counts_and_chain", marks=pytest.mark.feature("M93")),
]


class TestMissedCutoff:
    @pytest.mark.parametrize("partner", PARTNERS)
    @pytest.mark.parametrize(("step", "name"), STEPS)
    def test_holds_what_it_promises(self, told: Book, installation: Running, partner: str, step: int, name: str) -> None:
        checked = [check for check in told.checks if check.step == step and check.partner == partner]
        assert not broken(told, step, partner), installation.log_tail("worker") + installation.log_tail("api")
        assert checked, f"step {step} was not reached: {broken(told, partner=partner)}"
