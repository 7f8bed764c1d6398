"""Whose case it is: given, taken, taken over with a reason, handed out as the next one, given back."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.cases import people, touch
from app.cases.board import UP_FOR_WORK
from app.cases.models import Case, CaseDecline
from app.cases.telling import for_the_whole_house, live, tell
from app.core.errors import Conflict, FieldError, Invalid
from app.core.uow import UnitOfWork
from tenants.models import User

SPARED: Final = timedelta(minutes=30)
"""How long "next case" doesn't give somebody a case again that they gave back."""


class UnknownOwner(Invalid):
    """A case can only be given to an active user of the partner."""


class OwnedByAnother(Conflict):
    """Somebody else works on this case; say why you take it over."""


class PersonNeeded(Invalid):
    """Only a person can own a case; sign in, or use a key that a person made."""

    status = 422


async def assign(uow: UnitOfWork, case_id: UUID, owner_id: UUID | None, *, reason: str | None = None, expected: int | None = None) -> Case:
    """Gives the case to a user of the partner, or to nobody. Publishes case.assigned.

    A person who takes it out of another's hands says why: OwnedByAnother without a reason.
    """
    case = await live(uow, case_id, expected)
    # Who is confined to one customer doesn't see the house's people, not even themselves; they can take a case, not give it.
    if owner_id is not None and (uow.customer_id is None or owner_id != await people.who(uow)):
        await check_owner(uow, owner_id)
    if case.owner_id == owner_id:
        return case
    if uow.actor.startswith(touch.HANDS) and not reason and case.owner_id not in (None, await people.who(uow)):
        owner = (await people.persons(uow, [case.owner_id])).get(case.owner_id) if case.owner_id else None
        remedy = f"{owner.name if owner else 'Somebody'} works on it."
        raise OwnedByAnother(errors=[FieldError("/reason", "missing", remedy)], extra={"owner_id": str(case.owner_id)})
    await give(uow, case, owner_id, reason)
    return case


async def give(uow: UnitOfWork, case: Case, owner_id: UUID | None, reason: str | None) -> None:
    """Makes somebody the owner of a case the caller holds. Publishes case.assigned."""
    before, case.owner_id = case.owner_id, owner_id
    touch.note(uow, case)
    await tell(uow, case, "assigned", {"owner_id": owner_id, "from_owner_id": before, "reason": reason})


async def take(uow: UnitOfWork, case_id: UUID, *, reason: str | None = None, expected: int | None = None) -> Case:
    """Takes the case oneself; out of another's hands with a reason. Publishes case.assigned."""
    return await assign(uow, case_id, await myself(uow), reason=reason, expected=expected)


async def next_case(uow: UnitOfWork) -> Case | None:
    """The most urgent case that nobody owns, mine from now on; None when there is none.

    Of two who ask at the same moment each gets another: what one holds the other passes over. Cases put aside, waiting for others, or given
    back lately by the same person are left out. Publishes case.assigned.
    """
    for_the_whole_house(uow)
    me = await myself(uow)
    await check_owner(uow, me)
    spared = select(CaseDecline.id).where(CaseDecline.case_id == Case.id, CaseDecline.user_id == me, CaseDecline.until > uow.now).exists()
    free = select(Case).where(UP_FOR_WORK, Case.owner_id.is_(None), ~spared)
    first = free.order_by(Case.urgent_at, Case.id).limit(1).with_for_update(skip_locked=True, key_share=True, of=Case)
    case: Case | None = (await uow.execute(first.execution_options(populate_existing=True))).scalar_one_or_none()
    if case is not None:
        await give(uow, case, me, None)
    return case


async def decline(uow: UnitOfWork, case_id: UUID, *, reason: str | None = None, expected: int | None = None) -> Case:
    """Gives back a case one owns, or says no to a free one; "next case" spares one from it for half an hour. Publishes case.declined.

    Raises OwnedByAnother for a case of somebody else.
    """
    for_the_whole_house(uow)
    case = await live(uow, case_id, expected)
    me = await myself(uow)
    if case.owner_id not in (None, me):
        raise OwnedByAnother("Somebody else works on this case; only its owner gives it back.")
    case.owner_id = None
    touch.note(uow, case)
    values = {"tenant_id": uow.tenant_id, "id": uow.new_id(), "case_id": case_id, "user_id": me, "until": uow.now + SPARED}
    written = insert(CaseDecline).values(**values)
    await uow.execute(
        written.on_conflict_do_update(index_elements=["tenant_id", "user_id", "case_id"], set_={"until": written.excluded.until})
    )
    await tell(uow, case, "declined", {"reason": reason})
    return case


async def myself(uow: UnitOfWork) -> UUID:
    """The person who acts; raises PersonNeeded."""
    me = await people.who(uow)
    if me is None:
        raise PersonNeeded()
    return me


async def check_owner(uow: UnitOfWork, owner_id: UUID) -> None:
    """Raises UnknownOwner unless this is an active user of the partner."""
    user = await uow.find(User, owner_id)
    if user is None or user.status != "active" or user.customer_id is not None:
        raise UnknownOwner(errors=[FieldError("/owner_id", "No active user of the partner has this id.", "Take an id from GET /v1/users.")])
