"""The forms of a listener; who actually hears what stands on one page, app/listeners.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.events import Event
    from app.core.services import Shell, WorkItem
    from app.core.uow import UnitOfWork


def hears(pattern: str, event_type: str) -> bool:
    """Whether a listener to `pattern` (an event type, or a beginning ending in `*`) hears `event_type`."""
    return event_type.startswith(pattern[:-1]) if pattern.endswith("*") else pattern == event_type


@dataclass(frozen=True)
class Now:
    """Runs in the transaction of the event: pure state changes only."""

    pattern: str
    handle: Callable[[UnitOfWork, Event], Awaitable[None]]


@dataclass(frozen=True)
class Later:
    """Runs soon after, over batches of one tenant's events in the order of delivery; its database work happens exactly once."""

    name: str
    handle: Callable[[UnitOfWork, list[Event]], Awaitable[None]]
    pattern: str = "*"


@dataclass(frozen=True)
class Work:
    """Does what is due of one kind, for one tenant at a time."""

    kind: str
    handle: Callable[[Shell, list[WorkItem]], Awaitable[None]]
    batch: int = 50
    lease: timedelta = timedelta(seconds=6)  # renewed every third of it: what a killed worker held is another's within seconds
    most_tries: int = 5
    claims_itself: bool = False  # the handler leases by its own means (workflow runs)


@dataclass(frozen=True)
class Listeners:
    """Who hears what: injected into every UnitOfWork, so API and worker behave alike."""

    now: Sequence[Now] = ()
    later: Sequence[Later] = ()
    work: dict[str, Work] = field(default_factory=dict)

    def hearing(self, event_type: str) -> list[Now]:
        return [n for n in self.now if hears(n.pattern, event_type)]
