"""When to try again: exponential with full jitter, at most four attempts an ask, and a budget a case so that retries can't storm."""

from collections.abc import Callable

ATTEMPTS = 4
FIRST_SECONDS = 0.2
LONGEST_SECONDS = 2.0
PATIENCE_SECONDS = 20.0  # of one ask, waiting included
CASE_RETRIES_PER_HOUR = 60


def pause(attempt: int, retry_after: float | None, draw: Callable[[], float]) -> float:
    """Seconds before the attempt after `attempt` (from 1); `draw` gives a number in [0, 1). What the system asks for is the least."""
    jittered = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** (attempt - 1)) * draw()
    return max(jittered, retry_after or 0.0)


def may_retry(attempt: int, wait: float, elapsed: float, case_retries: int) -> bool:
    """Whether another attempt is worth it within this ask."""
    return attempt < ATTEMPTS and elapsed + wait < PATIENCE_SECONDS and wait <= LONGEST_SECONDS * 2 and case_retries < CASE_RETRIES_PER_HOUR
