"""Putting a case aside until a moment or until something happens; it says who is awaited, and never outlasts the case's next clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, get_args
from uuid import UUID

from sqlalchemy import select

from app.cases import clocks, log
from app.cases.models import Case
from app.cases.schemas import Awaited
from app.cases.telling import SNOOZE, tell
from app.core.errors import Conflict, FieldError, Invalid
from app.core.events import Event
from app.core.uow import UnitOfWork

AWAITED: Final[tuple[Awaited, ...]] = get_args(Awaited)
LONGEST: Final = timedelta(days=7)
"""How long a case may rest that no clock runs for."""
LONGEST_WHEN_LATE: Final = timedelta(hours=4)
"""How long one may rest whose clocks have all run out."""

_HAPPENS: Final[dict[Awaited, tuple[str, ...]]] = {
    "answer": ("offer.answered", "offer.expired"),
    "approval": ("approval.decided", "approval.expired"),
    "document": ("document.uploaded", "document.verified"),
    "carrier": ("shipment.milestone_recorded",),
    "comment": ("case.commented",),
    "signal": ("case.grouped",),
}
_WAKES: Final[dict[str, Awaited]] = {what: awaited for awaited, types in _HAPPENS.items() for what in types}
_SAID: Final[dict[Awaited, str]] = {
    "answer": "the offer was answered",
    "approval": "the approval was decided",
    "document": "a document arrived",
    "carrier": "the carrier reported",
    "comment": "somebody commented",
    "signal": "another signal joined",
}


class SnoozePastClock(Conflict):
    """A case can't rest longer than its next clock runs; choose an earlier time."""

    def __init__(self, latest: datetime) -> None:
        self.latest = latest
        detail = f"A case can't rest longer than its next clock runs: {latest:%d %b %H:%M} UTC at the latest."
        remedy = f"Choose {latest.isoformat()} or earlier."
        super().__init__(detail, errors=[FieldError("/until", "past the next clock", remedy)], extra={"latest": latest.isoformat()})


class SnoozeInThePast(Invalid):
    """A case rests until a moment to come."""

    status = 422


async def latest(uow: UnitOfWork, case: Case) -> datetime:
    """Until when the case may rest: its next running clock, at most seven days; four hours when every clock has run out."""
    running = [clock for clock in await clocks.known(uow, case.id) if clock.paused_at is None and clock.round == case.round]
    ahead = [clock.due_at for clock in running if clock.due_at > uow.now]
    return min([*ahead, uow.now + (LONGEST_WHEN_LATE if running and not ahead else LONGEST)])


async def put_aside(uow: UnitOfWork, case: Case, *, awaits: str, until: datetime | None, event: Awaited | None) -> None:
    """Lets a case the caller holds rest. Without `until` as long as it may. Publishes case.snoozed."""
    most = await latest(uow, case)
    moment = most if until is None else until
    if moment <= uow.now:
        raise SnoozeInThePast(errors=[FieldError("/until", "not in the future", f"At the latest {most.isoformat()}.")])
    if moment > most:
        raise SnoozePastClock(most)
    case.snoozed_until, case.awaits, case.wakes_on = moment, awaits, event
    case.snoozed_at, case.snoozed_by = uow.now, uow.actor
    uow.work(SNOOZE, subject=case.id, due=moment, cls="deadline")
    await tell(uow, case, "snoozed", {"until": moment, "awaits": awaits, "event": event})


async def wake(uow: UnitOfWork, case: Case, reason: str) -> bool:
    """Takes a case the caller holds back into the queue; quiet when it doesn't rest. Publishes case.woken."""
    if case.snoozed_until is None:
        return False
    rest(uow, case)
    # Back in the queue it is news to who works there, whatever its place.
    case.surfaced_at = uow.now
    await tell(uow, case, "woken", {"reason": reason})
    return True


def rest(uow: UnitOfWork, case: Case) -> None:
    """Forgets the snooze, without a word: for who says something greater of the case."""
    if case.snoozed_until is not None:
        case.snoozed_until = case.snoozed_at = case.snoozed_by = case.awaits = case.wakes_on = None
        uow.drop_work(SNOOZE, case.id)


async def heard(uow: UnitOfWork, events: Iterable[Event]) -> None:
    """Wakes the cases that rest until what has just happened."""
    batch = {event.id: event for event in events if event.type in _WAKES}
    places = {(case, event) for case, event, _ in await log.places(uow, batch.values())} if batch else set()
    # In one order whoever comes, so that two batches never wait for each other.
    for case_id, event_id in sorted(places & await _resting(uow, places), key=lambda place: (place[0].bytes, place[1].bytes)):
        case, event = await uow.get(Case, case_id, lock=True), batch[event_id]
        if _is_awaited(case, event):
            await wake(uow, case, _SAID[_WAKES[event.type]])


async def _resting(uow: UnitOfWork, places: set[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    if not places:
        return set()
    query = select(Case.id).where(Case.id.in_({case for case, _ in places}), Case.snoozed_until.is_not(None), Case.wakes_on.is_not(None))
    resting = set((await uow.execute(query)).scalars())
    return {place for place in places if place[0] in resting}


def _is_awaited(case: Case, event: Event) -> bool:
    """Whether this is what the case rests for: it came after the case was put aside, and not from who did that."""
    if case.snoozed_at is None or case.wakes_on != _WAKES[event.type] or event.recorded_at <= case.snoozed_at:
        return False
    return event.type != "case.commented" or event.actor != case.snoozed_by
