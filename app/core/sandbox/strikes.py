"""Programs that had to be killed: three times, and a definition is suspended for a while, by its content."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable

from app.core.sandbox import limits
from app.core.sandbox.errors import SandboxFailure

_REMEMBERED = 10_000


class Strikes:
    """Counts kills by the hash of what was run; forgets the oldest beyond 10,000."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kills: OrderedDict[bytes, tuple[int, float]] = OrderedDict()

    def add(self, language: str, program: str) -> None:
        """One more kill."""
        key = _key(language, program)
        count, _ = self._current(key)
        self._kills[key] = (count + 1, self._clock())
        self._kills.move_to_end(key)
        while len(self._kills) > _REMEMBERED:
            self._kills.popitem(last=False)

    def suspension(self, language: str, program: str) -> SandboxFailure | None:
        """Why this program is not run now, or None."""
        if not self._kills:
            return None
        count, at = self._current(_key(language, program))
        if count < limits.STRIKES:
            return None
        left = int(at + limits.STRIKE_SECONDS - self._clock()) + 1
        message = f"This program was stopped at its limit {count} times and is suspended for {left} seconds; change it."
        return SandboxFailure(message, is_limit=True)

    def _current(self, key: bytes) -> tuple[int, float]:
        count, at = self._kills.get(key, (0, 0.0))
        return (count, at) if self._clock() - at < limits.STRIKE_SECONDS else (0, 0.0)


def _key(language: str, program: str) -> bytes:
    return hashlib.sha256(f"{language}\0{program}".encode()).digest()
