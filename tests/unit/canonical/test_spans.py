"""Durations as minutes, where they have a fixed number of them; promises kept and missed."""

from datetime import UTC, datetime, timedelta

import pytest

from app.canonical.promises import keeps, verdict
from app.canonical.spans import minutes

DUE = datetime(2026, 11, 23, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("span", "expected"),
    [("PT30M", 30), ("PT8H", 480), ("PT1H30M", 90), ("PT90S", 1), ("P2D", None), ("P1W", None), ("soon", None), (None, None), (5, None)],
)
def test_minutes_of_a_span(span, expected):
    assert minutes(span) == expected


class TestVerdict:
    @pytest.mark.feature("M19")
    @pytest.mark.parametrize(
        ("kept", "now", "expected"),
        [
            (None, 0, "open"),
            (None, 10, "open"),
            (None, 11, "missed"),
            (-5, 0, "kept"),
            (10, 60, "kept"),
            (11, 60, "missed"),
            (11, 0, "missed"),
        ],
    )
    def test_by_the_end_of_the_grace(self, kept, now, expected):
        at = None if kept is None else DUE + timedelta(minutes=kept)
        assert verdict(DUE, 10, at, DUE + timedelta(minutes=now)) == expected


@pytest.mark.parametrize(
    ("promised", "reached", "kept"),
    [
        ("picked_up", "picked_up", True), ("picked_up", "delivered", True), ("delivered", "out_for_delivery", False), ("picked_up", "acknowledged", False),
        ("delivered", "cancelled", False), ("picked_up", "returned", False), ("picked_up", "exception", False), ("delivered", "delivered", True),
    ],
)  # fmt: skip
def test_a_further_step_keeps_an_earlier_promise_and_an_end_without_delivery_none(promised, reached, kept):
    assert keeps(promised, reached) is kept
