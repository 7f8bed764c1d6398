from datetime import UTC, datetime, timedelta

import pytest

from app.connectors.breaker import FAILURES, LONGEST_PAUSE, PROBE, State, next_slot

pytestmark = pytest.mark.feature("M143", "M60")
NOW = datetime(2026, 11, 23, 17, tzinfo=UTC)


def broken(times: int) -> State:
    state = State()
    for _ in range(times):
        state = state.failed(NOW)
    return state


class TestState:
    def test_stays_closed_below_the_limit_and_forgets_after_an_answer(self):
        assert broken(FAILURES - 1).lets_through(NOW)
        assert broken(FAILURES - 1).succeeded() == State()

    def test_opens_at_the_limit_and_lets_a_probe_through_later(self):
        state = broken(FAILURES)
        assert state.state == "open" and not state.lets_through(NOW)
        assert state.retry_at and state.lets_through(state.retry_at)

    def test_one_probe_at_a_time_until_it_is_given_up(self):
        later = NOW + timedelta(minutes=1)
        probing = broken(FAILURES).probing(later)
        assert not probing.lets_through(later) and probing.lets_through(later + PROBE)

    def test_a_failed_probe_opens_it_for_longer_up_to_a_bound(self):
        state, pauses = broken(FAILURES), []
        for _ in range(6):
            assert state.retry_at
            pauses.append(state.retry_at - NOW)
            state = state.probing(NOW).failed(NOW)
        assert pauses == sorted(pauses) and pauses[0] < pauses[1] and pauses[-1] == LONGEST_PAUSE

    def test_an_answer_closes_it(self):
        assert broken(FAILURES).probing(NOW).succeeded() == State()


class TestNextSlot:
    def test_lets_a_burst_through_and_spaces_the_rest(self):
        mark, waits = None, []
        for _ in range(13):
            mark, wait = next_slot(mark, NOW, per_minute=60)
            waits.append(wait)
        assert waits[:10] == [0.0] * 10 and waits[10:] == [1.0, 2.0, 3.0]

    def test_an_idle_minute_gives_the_burst_back(self):
        mark, _ = next_slot(NOW - timedelta(minutes=5), NOW, per_minute=60)
        assert mark == NOW + timedelta(seconds=1)
