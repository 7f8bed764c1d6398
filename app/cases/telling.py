"""The one door through which a case changes: it is held, it is still what the reader saw, and what happened to it is said.

Every event of a case goes through `tell`: it moves the case's version on by one and puts the case in its place of the queue, in the same
transaction. So a version tells which events its reader has seen, and a case never stands where it doesn't belong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from app.cases import clocks, people, timeline, urgency, weights
from app.cases.models import Case
from app.cases.status import CaseAlreadyResolved
from app.cases.timeline import Entry
from app.core.errors import Conflict, NotAllowed
from app.core.events import Event
from app.core.models import EventRow
from app.core.tables import TenantRow
from app.core.uow import UnitOfWork

WORK: Final = "urgency"
SNOOZE: Final = "snooze"
MOST_TOLD: Final = 50
"""Events told to somebody who acts on what they saw long ago."""


class CaseChanged(Conflict):
    """Somebody else changed this case since you looked at it; see what happened, then decide again."""

    status = 412

    def __init__(self, version: int, expected: int, meanwhile: Sequence[Entry] = ()) -> None:
        self.version, self.expected, self.meanwhile = version, expected, list(meanwhile)
        super().__init__(extra={"version": version, "expected": expected, "meanwhile": [_plain(entry) for entry in self.meanwhile]})


class ForTheWholeHouse(NotAllowed):
    """This needs somebody who serves all customers; you serve one of them here."""


def for_the_whole_house(uow: UnitOfWork) -> None:
    """Raises ForTheWholeHouse for who is confined to one customer: what is the house's own is out of their reach."""
    if uow.customer_id is not None:
        raise ForTheWholeHouse()


def _plain(entry: Entry) -> dict[str, str]:
    return {"type": entry.type, "title": entry.title, "by": entry.by, "who": entry.who, "occurred_at": entry.occurred_at.isoformat()}


async def held(uow: UnitOfWork, case_id: UUID, expected: int | None = None) -> Case:
    """The case, held for this transaction; raises NotFound, or CaseChanged when it isn't at the version its reader saw."""
    case = await uow.get(Case, case_id, lock=True)
    if expected is not None and case.version != expected:
        raise CaseChanged(case.version, expected, await _since(uow, case, expected))
    return case


async def live(uow: UnitOfWork, case_id: UUID, expected: int | None = None) -> Case:
    """The same for unfinished work; raises CaseAlreadyResolved too."""
    case = await held(uow, case_id, expected)
    if case.status == "resolved":
        raise CaseAlreadyResolved()
    return case


async def _since(uow: UnitOfWork, case: Case, expected: int) -> list[Entry]:
    """What was said of the case after that version, oldest first; one event a version, the latest of many."""
    query = select(EventRow).where(EventRow.key == f"case:{case.id}", EventRow.type.startswith("case.")).order_by(EventRow.id.desc())
    rows = list((await uow.execute(query.limit(max(1, min(case.version - expected, MOST_TOLD))))).scalars())
    events = [Event.read(row.tenant_id, row.recorded_at, row.envelope) for row in reversed(rows)]
    names = await people.names(uow, events)
    audience: timeline.Audience = "partner" if uow.customer_id is None else "customer"
    return [line for event in events if (line := timeline.entry(event, audience, names)) is not None]


async def tell(
    uow: UnitOfWork,
    case: Case,
    what: str,
    data: dict[str, Any] | None = None,
    *,
    of: TenantRow | None = None,
    also: Iterable[TenantRow] = (),
) -> Event:
    """Says `case.<what>` of a case the caller holds, key `case:<id>`, with the case's version after it.

    `of` is the row it happened to where that isn't the case; the event is then its owner's to read, as for an inner comment.
    """
    case.version += 1
    await place(uow, case)
    told = {"case_id": case.id, "version": case.version, **(data or {})}
    rows = (case, *also) if of is not None else tuple(also)
    return uow.publish(f"case.{what}", of=of or case, also=rows, key=f"case:{case.id}", data=told)


async def place(uow: UnitOfWork, case: Case) -> None:
    """Puts the case in its place of the queue, and ends a snooze no later than its next clock."""
    if case.status == "resolved":
        return
    if uow.customer_id is not None:
        # A customer's eyes don't reach the weights; the worker puts the case in its place a moment later.
        uow.work(WORK, subject=case.id, cls="human")
        return
    # Without a flush in between: what the command changed and where that puts the case are written as one.
    with uow.session.no_autoflush:
        version, chosen = await weights.in_force(uow)
        stands = urgency.standing(case, await clocks.known(uow, case.id))
    surface(case, urgency.urgent_at(stands, chosen), version, uow.now)
    if case.snoozed_until is not None and stands.due is not None and not stands.is_paused and uow.now < stands.due < case.snoozed_until:
        case.snoozed_until = stands.due
        uow.work(SNOOZE, subject=case.id, due=stands.due, cls="deadline")


def surface(case: Case, urgent_at: int, version: int, now: datetime) -> None:
    """Notes the place, and since when the case stands as high as it does: only a move up is news to who works the queue."""
    if urgent_at < case.urgent_at:
        case.surfaced_at = now
    case.urgent_at, case.ranked_by = urgent_at, version
