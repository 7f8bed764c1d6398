"""How a case is worked on, by people and by the clock. `expected` is the version the reader saw: CaseChanged when it is another by now."""

from __future__ import annotations

from uuid import UUID

from app.cases import clocks, snoozing, status, touch
from app.cases.models import Case, CaseClock
from app.cases.telling import live, tell
from app.core.uow import UnitOfWork


async def acknowledge(uow: UnitOfWork, case_id: UUID, *, expected: int | None = None) -> Case:
    """Somebody looks at it: the first-response clock stops. Doing it again changes nothing. Publishes case.acknowledged."""
    case = await live(uow, case_id, expected)
    if case.acknowledged_at is not None:
        return case
    case.status = status.moved(case.status, "acknowledge")  # type: ignore[arg-type]
    case.acknowledged_at, case.acknowledged_by = uow.now, uow.actor
    touch.note(uow, case)
    stopped = await clocks.stop(uow, case_id, "first_response")
    await tell(uow, case, "acknowledged", also=stopped)
    return case


async def plan(uow: UnitOfWork, case_id: UUID, next_step: str | None, *, expected: int | None = None) -> Case:
    """Says what happens next, for the queue's line; None takes it back. Publishes case.planned."""
    case = await live(uow, case_id, expected)
    if case.next_step != next_step:
        case.next_step = next_step
        touch.note(uow, case)
        await tell(uow, case, "planned", {"next_step": next_step or "nothing planned"})
    return case


async def escalate(uow: UnitOfWork, case_id: UUID, reason: str, *, expected: int | None = None) -> Case:
    """Raises the case by one level. Publishes case.escalated."""
    case = await live(uow, case_id, expected)
    touch.note(uow, case)
    await _climb(uow, case, reason)
    return case


async def _climb(uow: UnitOfWork, case: Case, reason: str) -> None:
    case.escalation += 1
    await tell(uow, case, "escalated", {"escalation": case.escalation, "reason": reason})


async def ring(uow: UnitOfWork, clock_id: UUID) -> clocks.Ring | None:
    """Does what is due on a clock: a warning, or a breach, which also wakes and escalates.

    Publishes case.warned; case.breached, case.woken, case.escalated.
    """
    known = await uow.find(CaseClock, clock_id)
    if known is None:
        return None
    # The case first, then its clock: the order every verb takes them in.
    case = await uow.get(Case, known.case_id, lock=True)
    clock = await uow.get(CaseClock, clock_id, lock=True)
    rung = clocks.ring(uow, clock)
    if rung is not None:
        case.breached = case.breached or rung == "breached"
        await tell(
            uow, case, rung, {"clock": clock.kind.replace("_", " "), "due_at": clock.due_at, "owner_id": case.owner_id}, also=[clock]
        )
    if rung == "breached":
        await snoozing.wake(uow, case, f"the {clock.kind.replace('_', ' ')} clock ran out")
        await _climb(uow, case, f"The {clock.kind.replace('_', ' ')} clock was breached.")
    return rung
