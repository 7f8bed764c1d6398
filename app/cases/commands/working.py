"""How a case is worked on, by people and by the clock."""

from __future__ import annotations

from uuid import UUID

from app.cases import clocks, status, touch
from app.cases.models import Case, CaseClock, CaseComment
from app.cases.status import CaseAlreadyResolved
from app.core.errors import FieldError, Invalid
from app.core.uow import UnitOfWork
from tenants.models import User


class UnknownOwner(Invalid):
    """A case can only be given to an active user of the partner."""


async def acknowledge(uow: UnitOfWork, case_id: UUID) -> Case:
    """Somebody looks at it: the first-response clock stops. Doing it again changes nothing. Publishes case.acknowledged."""
    case = await live(uow, case_id)
    if case.acknowledged_at is not None:
        return case
    case.status = status.moved(case.status, "acknowledge")  # type: ignore[arg-type]
    case.acknowledged_at, case.acknowledged_by = uow.now, uow.actor
    touch.note(uow, case)
    stopped = await clocks.stop(uow, case_id, "first_response")
    uow.publish("case.acknowledged", of=case, also=stopped, key=f"case:{case_id}", data={"case_id": case_id})
    return case


async def assign(uow: UnitOfWork, case_id: UUID, owner_id: UUID | None) -> Case:
    """Gives the case to a user of the partner, or to nobody. Publishes case.assigned."""
    case = await live(uow, case_id)
    if owner_id is not None:
        await _check_owner(uow, owner_id)
    if case.owner_id != owner_id:
        case.owner_id = owner_id
        touch.note(uow, case)
        uow.publish("case.assigned", of=case, key=f"case:{case_id}", data={"case_id": case_id, "owner_id": owner_id})
    return case


async def _check_owner(uow: UnitOfWork, owner_id: UUID) -> None:
    user = await uow.find(User, owner_id)
    if user is None or user.status != "active" or user.customer_id is not None:
        raise UnknownOwner(errors=[FieldError("/owner_id", "No active user of the partner has this id.", "Take an id from GET /v1/users.")])


async def comment(uow: UnitOfWork, case_id: UUID, text: str, *, visible: bool = False) -> CaseComment:
    """Writes on the case, a resolved one too; the customer reads it only when it is `visible`. Publishes case.commented."""
    case = await uow.get(Case, case_id, lock=True)
    touch.note(uow, case)
    shown = visible or uow.customer_id is not None
    row = uow.add(
        CaseComment(customer_id=case.customer_id if shown else None, case_id=case_id, author=uow.actor, text=text, written_at=uow.now)
    )
    # The event of an inner comment carries no customer either, so it stays in the partner's own log.
    uow.publish(
        "case.commented", of=row, also=[case], key=f"case:{case_id}", data={"case_id": case_id, "text": text, "internal": not shown}
    )
    return row


async def escalate(uow: UnitOfWork, case_id: UUID, reason: str) -> Case:
    """Raises the case by one level. Publishes case.escalated."""
    case = await live(uow, case_id)
    touch.note(uow, case)
    _climb(uow, case, reason)
    return case


def _climb(uow: UnitOfWork, case: Case, reason: str) -> None:
    case.escalation += 1
    data = {"case_id": case.id, "escalation": case.escalation, "reason": reason}
    uow.publish("case.escalated", of=case, key=f"case:{case.id}", data=data)


async def ring(uow: UnitOfWork, clock_id: UUID) -> clocks.Ring | None:
    """Does what is due on a clock: a warning, or a breach, which also escalates. Publishes case.warned, case.breached, case.escalated."""
    known = await uow.find(CaseClock, clock_id)
    if known is None:
        return None
    # The case first, then its clock: the order every verb takes them in.
    case = await uow.get(Case, known.case_id, lock=True)
    clock = await uow.get(CaseClock, clock_id, lock=True)
    rung = clocks.ring(uow, clock)
    if rung is not None:
        case.breached = case.breached or rung == "breached"
        data = {"case_id": case.id, "clock": clock.kind.replace("_", " "), "due_at": clock.due_at}
        uow.publish(f"case.{rung}", of=case, also=[clock], key=f"case:{case.id}", data=data)
    if rung == "breached":
        _climb(uow, case, f"The {clock.kind.replace('_', ' ')} clock was breached.")
    return rung


async def live(uow: UnitOfWork, case_id: UUID) -> Case:
    """The case, held for this transaction; raises NotFound, or CaseAlreadyResolved."""
    case = await uow.get(Case, case_id, lock=True)
    if case.status == "resolved":
        raise CaseAlreadyResolved()
    return case
