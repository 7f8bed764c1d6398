"""Faults on demand: what a partner's systems do on a bad day, switched on for a time or a number of calls."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Literal, get_args

Kind = Literal["down", "hang", "error", "reset_after", "throttle", "drip", "lie"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass
class Fault:
    """One disturbance.

    down: the connection is reset before anything happens · hang: nothing comes for `delay` seconds, then a reset ·
    error: 500 · throttle: 429 with Retry-After · reset_after: the work is done, the answer is lost ·
    drip: the answer comes byte by byte over `delay` seconds · lie: success is answered and nothing is done.
    """

    kind: Kind
    partner: str | None = None
    system: str | None = None
    operation: str | None = None
    delay: float = 5.0
    times: int | None = None
    ends_at: float | None = None
    id: int = 0

    def concerns(self, partner: str, system: str, operation: str) -> bool:
        """Whether a call is disturbed by it; None stands for any."""
        asked = ((self.partner, partner), (self.system, system), (self.operation, operation))
        return all(mine is None or mine == theirs for mine, theirs in asked)


@dataclass
class Faults:
    """The faults now in force; `monotonic` gives seconds."""

    monotonic: Callable[[], float] = time.monotonic
    _faults: list[Fault] = field(default_factory=list)
    _ids: "count[int]" = field(default_factory=lambda: count(1))

    def add(self, fault: Fault, seconds: float | None = None) -> Fault:
        """Put a fault in force, for `seconds` or until it is cleared or used up."""
        fault.id = next(self._ids)
        fault.ends_at = None if seconds is None else self.monotonic() + seconds
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Everything works again."""
        self._faults.clear()

    def current(self) -> list[Fault]:
        """The faults in force, without those whose time or number is over."""
        now = self.monotonic()
        self._faults = [f for f in self._faults if (f.ends_at is None or f.ends_at > now) and f.times != 0]
        return list(self._faults)

    def strike(self, partner: str, system: str, operation: str) -> Fault | None:
        """The fault this call meets, counted down; None when it meets none."""
        met = next((f for f in self.current() if f.concerns(partner, system, operation)), None)
        if met is not None and met.times is not None:
            met.times -= 1
        return met
