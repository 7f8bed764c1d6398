"""The circuit breaker as arithmetic: five failures in a row open it, one probe at a time closes it again.

Time-outs, broken connections and 5xx count; a refusal is an answer, so it closes.
"""

from datetime import datetime, timedelta

import msgspec

FAILURES = 5
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(seconds=30)
PROBE = timedelta(seconds=20)  # a probe that never reports back (its process died) gives way to another after this


class State(msgspec.Struct, frozen=True):
    """One breaker: `retry_at` is when an open one lets a probe through, or when a probe under way is given up."""

    state: str = "closed"
    failures: int = 0
    trips: int = 0
    retry_at: datetime | None = None

    def lets_through(self, now: datetime) -> bool:
        """Whether a call may leave now."""
        return self.state == "closed" or self.retry_at is None or now >= self.retry_at

    def probing(self, now: datetime) -> "State":
        """As it is while the call that was let through is on its way."""
        return self if self.state == "closed" else State("half_open", self.failures, self.trips, now + PROBE)

    def succeeded(self) -> "State":
        """After an answer."""
        return State()

    def failed(self, now: datetime) -> "State":
        """After no answer, or one that says the system is broken; pauses double from trip to trip."""
        failures = self.failures + 1
        if self.state == "closed" and failures < FAILURES:
            return State("closed", failures, self.trips)
        pause = min(FIRST_PAUSE * 2 ** min(self.trips, 10), LONGEST_PAUSE)
        return State("open", failures, self.trips + 1, now + pause)


def next_slot(last: datetime | None, now: datetime, per_minute: int, burst: int = 10) -> tuple[datetime, float]:
    """The throttle (GCRA): the new mark to keep, and how many seconds the call must wait, none while within the burst."""
    step = timedelta(minutes=1) / per_minute
    mark = max(last or now, now) + step
    return mark, max(0.0, (mark - now - step * burst).total_seconds())
