"""What was promised and whether it held."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


class StoryBroken(Exception):
    """Something the next steps need did not happen, so the story of this partner ends here."""


@dataclass(frozen=True)
class Check:
    """One promised outcome. `detail` says what was seen where it did not hold."""

    partner: str
    step: int
    promise: str
    held: bool
    detail: str = ""


@dataclass
class Book:
    """The checks of a telling, safe to write from several partners' stories at once; `heard` is told of each."""

    heard: Callable[[Check], None] = lambda check: None
    checks: list[Check] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, check: Check) -> None:
        """Add one outcome."""
        with self._lock:
            self.checks.append(check)
            self.heard(check)

    @property
    def held(self) -> bool:
        """Whether anything was checked at all and all of it held."""
        return bool(self.checks) and all(check.held for check in self.checks)


@dataclass
class Page:
    """One step of one partner's story; checks written here carry both."""

    book: Book
    partner: str
    step: int

    def check(self, promise: str, held: object, detail: object = "") -> bool:
        """Write whether a promise held; returns it."""
        good = bool(held)
        self.book.write(Check(self.partner, self.step, promise, good, "" if good else str(detail)[:2000]))
        return good

    def equal(self, promise: str, seen: object, wanted: object) -> bool:
        """Write whether what was seen is what was wanted."""
        return self.check(promise, seen == wanted, f"saw {seen!r}, wanted {wanted!r}")

    def need(self, promise: str, held: object, detail: object = "") -> None:
        """A promise without which there is no going on; raises StoryBroken when it did not hold."""
        if not self.check(promise, held, detail):
            raise StoryBroken(f"{promise}: {detail}")
