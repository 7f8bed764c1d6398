"""State never moves backwards; the end is the same whatever the order and number of the reports."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.canonical.milestones import MILESTONES, PHASES, Report, State, advance, is_stale

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(hour: int, milestone: str, **more) -> Report:
    return Report(milestone, NOON + timedelta(hours=hour), **more)


def told(*reports: Report) -> State:
    state = State()
    for report in reports:
        state, _ = advance(state, report)
    return state


reports = st.builds(
    Report,
    milestone=st.sampled_from(sorted(MILESTONES)),
    at=st.integers(0, 5).map(lambda h: NOON + timedelta(hours=h)),
    kind=st.sampled_from(["actual", "actual", "estimated", "planned"]),
    status_code=st.sampled_from(["", "AF", "X4"]),
    reason_code=st.sampled_from(["", "NS"]),
    expected_at=st.none() | st.integers(0, 5).map(lambda h: NOON + timedelta(hours=h)),
)


class TestAdvance:
    @pytest.mark.feature("M62")
    @given(st.lists(reports, max_size=8), st.randoms(use_true_random=False))
    def test_ends_the_same_for_any_order_and_any_number_of_the_same_reports(self, stream, random):
        shuffled = stream + random.choices(stream, k=len(stream)) if stream else []
        random.shuffle(shuffled)
        assert told(*shuffled) == told(*stream)

    @pytest.mark.feature("M62")
    @given(st.lists(reports, max_size=8))
    def test_never_goes_back_to_an_earlier_phase(self, stream):
        state, phase = State(), -1
        for report in stream:
            state, moved = advance(state, report)
            now = PHASES.get(state.status, -1)
            assert now >= phase and (not moved or state.status == report.milestone)
            phase = now

    def test_takes_the_later_of_two_scans(self):
        assert told(at(2, "departed"), at(1, "arrived")).status == "departed"

    def test_leaves_a_delivered_shipment_delivered(self):
        state = told(at(1, "delivered"), at(2, "departed"), at(3, "cancelled"))
        assert (state.status, state.last_seen_at) == ("delivered", NOON + timedelta(hours=3))

    def test_trouble_and_estimates_tell_no_progress(self):
        state = told(at(1, "departed"), at(2, "exception"), at(3, "estimated", expected_at=NOON), at(4, "delivered", kind="planned"))
        assert state.status == "departed" and state.eta == NOON

    def test_a_late_estimate_does_not_replace_a_newer_one(self):
        state = told(at(3, "estimated", expected_at=NOON + timedelta(days=1)), at(2, "estimated", expected_at=NOON))
        assert state.eta == NOON + timedelta(days=1)


class TestIsStale:
    @pytest.mark.feature("M62")
    @pytest.mark.parametrize(
        ("known", "said", "stale"),
        [
            ("departed", at(-1, "acknowledged"), True),
            ("departed", at(-1, "exception"), True),
            ("acknowledged", at(-1, "exception"), False),
            ("departed", at(-1, "delivery_attempted"), False),
            ("delivered", at(-1, "delivery_attempted"), True),
            ("departed", at(1, "exception"), False),
            ("departed", at(0, "departed"), False),
        ],
    )
    def test_when_the_shipment_had_moved_on(self, known, said, stale):
        assert is_stale(told(at(0, known)), said) is stale

    def test_never_of_a_shipment_nobody_heard_of(self):
        assert not is_stale(State(), at(0, "exception"))
