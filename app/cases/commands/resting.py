"""Putting a case aside and taking it up again, by people and by the clock."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.cases import snoozing, touch
from app.cases.models import Case
from app.cases.schemas import Awaited
from app.cases.telling import SNOOZE, live
from app.core.uow import UnitOfWork


async def snooze(
    uow: UnitOfWork,
    case_id: UUID,
    *,
    awaits: str,
    until: datetime | None = None,
    event: Awaited | None = None,
    expected: int | None = None,
) -> Case:
    """Puts the case aside; `awaits` says who has to act. It comes back at `until` (left out: as late as may be), or when `event` happens.

    Publishes case.snoozed. Raises SnoozePastClock (with `latest`), SnoozeInThePast.
    """
    case = await live(uow, case_id, expected)
    touch.note(uow, case)
    await snoozing.put_aside(uow, case, awaits=awaits, until=until, event=event)
    return case


async def unsnooze(uow: UnitOfWork, case_id: UUID, *, expected: int | None = None) -> Case:
    """Takes the case up again; nothing when it doesn't rest. Publishes case.woken."""
    case = await live(uow, case_id, expected)
    if case.snoozed_until is not None:
        touch.note(uow, case)
        await snoozing.wake(uow, case, "taken up again")
    return case


async def wake(uow: UnitOfWork, case_id: UUID) -> bool:
    """Does what is due on a case put aside: its time has come. Quiet when it doesn't rest any more."""
    case = await uow.find(Case, case_id, lock=True)
    if case is None or case.snoozed_until is None:
        return False
    if case.snoozed_until > uow.now:
        # Asked a moment early: this clock and the queue's are two.
        uow.work(SNOOZE, subject=case.id, due=case.snoozed_until, cls="deadline")
        return False
    return await snoozing.wake(uow, case, f"waited long enough for {case.awaits}")
