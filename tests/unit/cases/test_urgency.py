"""The queue's order as arithmetic: what counts, by how much, and why it stays right as time passes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cases.urgency import HORIZON, Standing, Weights, explain, span, urgent_at
from app.cases.weights import WeightsUnusable, check

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
PLAIN = Standing(since=NOW - timedelta(hours=1), level="P3", score=0, escalation=0, is_breached=False, is_answered=True, is_waiting=False)
FLAT = Weights(policy=0)


def stands(**changed: object) -> Standing:
    return msgspec.structs.replace(PLAIN, **changed)


def said(case: Standing, weights: Weights = FLAT) -> dict[str, tuple[int, str]]:
    return {factor.name: (factor.points, factor.text) for factor in explain(case, weights, NOW).because}


pytestmark = pytest.mark.feature("M4")


class TestWhy:
    def test_adds_up_to_the_score_in_plain_sentences(self) -> None:
        case = stands(
            due=NOW + timedelta(minutes=42), kind="first_response", is_answered=False, is_breached=True, escalation=2, score=700, level="P1",
            money_minor=4_520_000, currency="EUR", facts={"customer.tier": "gold", "order.regulated": True, "order.penalty_minor": 60_000},
        )  # fmt: skip
        why = explain(case, Weights(), NOW)
        assert {factor.text: factor.points for factor in why.because} == {
            "42 minutes to first response": HORIZON - 42,
            "P1 by policy (700 of 1000)": 350,
            "€45,200.00 at risk": 300,
            "a promise was broken": 240,
            "escalated 2 times": 240,
            "gold tier": 120,
            "regulated goods": 120,
            "€600.00 contract penalty": 60,
            "nobody has answered yet": 60,
        }
        assert why.score == sum(factor.points for factor in why.because)
        assert [abs(factor.points) for factor in why.because] == sorted((abs(factor.points) for factor in why.because), reverse=True)

    @pytest.mark.parametrize(
        ("case", "words"),
        [
            (stands(due=NOW + timedelta(hours=3, minutes=20), kind="resolution"), "3 h 20 min to resolution"),
            (stands(due=NOW - timedelta(minutes=12), kind="first_response"), "first response is 12 minutes late"),
            (stands(due=NOW, kind="resolution", is_paused=True), "resolution clock stands still"),
            (stands(), "open for 1 h, no clock runs"),
        ],
    )
    def test_names_the_clock_and_what_is_left_of_it(self, case: Standing, words: str) -> None:
        assert said(case)["time"][1] == words

    def test_says_when_an_amount_cannot_be_compared(self) -> None:
        points, words = said(stands(money_minor=9_000_000, currency="JPY"))["money"]
        assert (points, words) == (0, "¥9,000,000 at risk; no rate to EUR is set")
        assert said(stands(money_minor=9_000_000, currency="JPY"), Weights(rates={"JPY": 620_000}))["money"][0] == 300

    def test_leaves_out_what_weighs_nothing(self) -> None:
        case = stands(facts={"order.regulated": False, "customer.tier": "standard", "order.penalty_minor": None}, is_answered=False)
        assert set(said(case, Weights(unanswered=0))) == {"time"}

    def test_lets_a_case_wait_that_somebody_else_has_to_act_on(self) -> None:
        assert said(stands(is_waiting=True))["waiting"] == (-240, "somebody else has the ball")


class TestOrder:
    def test_brings_what_matters_forward_by_a_minute_a_point(self) -> None:
        due = NOW + timedelta(hours=2)
        assert urgent_at(stands(due=due), FLAT) == int(due.timestamp())
        assert urgent_at(stands(due=due, facts={"customer.tier": "gold"}), FLAT) == int((due - timedelta(minutes=120)).timestamp())

    def test_puts_what_is_late_first_and_the_latest_before_all(self) -> None:
        cases = [stands(due=NOW + timedelta(minutes=left), kind="resolution") for left in (-600, -10, 5, 300)]
        places = [urgent_at(case, FLAT) for case in cases]
        assert places == sorted(places)
        assert len(set(places)) == 4

    def test_counts_a_case_without_a_clock_from_when_it_was_opened(self) -> None:
        assert urgent_at(PLAIN, Weights(without_clock=60)) == int(NOW.timestamp())

    @given(
        st.lists(
            st.builds(
                Standing, since=st.just(NOW), level=st.just("P2"), score=st.integers(0, 1000), escalation=st.integers(0, 9), is_breached=st.booleans(),
                is_answered=st.booleans(), is_waiting=st.booleans(), money_minor=st.integers(1, 10**12), currency=st.sampled_from(("EUR", "USD", "JPY")),
                due=st.none() | st.datetimes(datetime(2026, 11, 20), datetime(2026, 11, 30), timezones=st.just(UTC)),
            ),
            min_size=2, max_size=6,
        ),
        st.integers(0, 60 * 24 * 30),
    )  # fmt: skip
    def test_stays_what_people_read_however_much_time_passes(self, cases: list[Standing], minutes: int) -> None:
        """The stored key, made once, and the score, made at any later moment, put the cases in the same order (to the minute shown)."""
        ordered = sorted(cases, key=lambda case: urgent_at(case, Weights()))
        later = NOW + timedelta(minutes=minutes)
        scores = [explain(case, Weights(), later).score for case in ordered]
        assert all(before >= after - 1 for before, after in pairwise(scores))


class TestWeights:
    @pytest.mark.parametrize(
        ("changed", "pointer"),
        [
            ({"money": [(100, 10), (50, 20)]}, "/weights/money"),
            ({"penalty": [(100, 10), (100, 20)]}, "/weights/penalty"),
            ({"money": [(0, 10), (50, 5)]}, "/weights/money"),
            ({"rates": {"EUR": 5}}, "/weights/rates/EUR"),
        ],
    )
    def test_never_let_more_money_wait_longer(self, changed: dict[str, object], pointer: str) -> None:
        with pytest.raises(WeightsUnusable) as refused:
            check(msgspec.structs.replace(Weights(), **changed))
        assert refused.value.errors[0].pointer == pointer

    @pytest.mark.parametrize(
        "written",
        [
            {"regulated": -1},
            {"breached": 10_081},
            {"colour": 1},
            {"money": [[1, 1]] * 21},
            {"currency": "euro"},
            {"tier": {"": 1}},
            {"policy": 1.5},
        ],
    )
    def test_have_bounds(self, written: dict[str, object]) -> None:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(written, Weights)

    def test_every_partner_starts_with_are_sound(self) -> None:
        check(Weights())
        assert msgspec.convert(msgspec.to_builtins(Weights()), Weights) == Weights()


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "0 minutes"), (1, "1 minute"), (59, "59 minutes"), (60, "1 h"), (200, "3 h 20 min"), (1440, "1 day"), (3000, "2 days 2 h")],
)
def test_a_span_reads_as_people_say_it(minutes: int, words: str) -> None:
    assert span(minutes) == words
