"""Several messages tell one thing: each field keeps its newest word."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.canonical.merge import merge

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
message = st.tuples(
    st.dictionaries(st.sampled_from(["value_minor", "priority", "regulated"]), st.integers(0, 3) | st.booleans() | st.none(), max_size=3),
    st.integers(0, 4).map(lambda h: NOON + timedelta(hours=h)),
)


def tell(*messages):
    known, times = {}, {}
    for told, at in messages:
        fresh, fresh_times = merge(known, times, told, at)
        known, times = known | fresh, times | fresh_times
    return known, times


class TestMerge:
    @pytest.mark.feature("M62")
    @given(st.lists(message, max_size=7), st.randoms(use_true_random=False))
    def test_ends_the_same_for_any_order_and_any_number_of_the_same_messages(self, messages, random):
        shuffled = [*messages, *messages]
        random.shuffle(shuffled)
        assert tell(*shuffled) == tell(*messages)

    def test_a_late_message_fills_gaps_and_overwrites_nothing_newer(self):
        known, _ = tell(({"priority": "high"}, NOON), ({"priority": "low", "sku": "INS-10"}, NOON - timedelta(days=3)))
        assert known == {"priority": "high", "sku": "INS-10"}

    def test_nothing_said_changes_nothing(self):
        assert merge({"sku": "A"}, {"sku": "2026"}, {"sku": None}, NOON) == ({}, {})
