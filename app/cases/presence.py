"""Who has a case open right now: a mark that counts for 45 seconds, so that who closes the lid is gone by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.cases import people
from app.cases.models import Case, Presence
from app.cases.schemas import Person
from app.core.uow import UnitOfWork
from tenants.models import User

COUNTS: Final = timedelta(seconds=45)
FORGOTTEN: Final = timedelta(minutes=10)


async def mark(uow: UnitOfWork, case_id: UUID) -> None:
    """Says that who acts has the case open; a page repeats it about every 20 seconds. A key without a person leaves no mark,
    nor does who is confined to one customer."""
    await uow.get(Case, case_id)
    me = await people.who(uow)
    if me is None or uow.customer_id is not None:
        return
    values = {"tenant_id": uow.tenant_id, "id": uow.new_id(), "case_id": case_id, "user_id": me, "seen_at": uow.now}
    written = insert(Presence).values(**values)
    await uow.execute(
        written.on_conflict_do_update(index_elements=["tenant_id", "case_id", "user_id"], set_={"seen_at": written.excluded.seen_at})
    )
    await uow.execute(delete(Presence).where(Presence.user_id == me, Presence.seen_at < uow.now - FORGOTTEN))


async def leave(uow: UnitOfWork, case_id: UUID) -> None:
    """Takes the mark back; nothing when there is none."""
    await uow.get(Case, case_id)
    me = await people.who(uow)
    if me is not None and uow.customer_id is None:
        await uow.execute(delete(Presence).where(Presence.case_id == case_id, Presence.user_id == me))


async def on(uow: UnitOfWork, case_ids: Sequence[UUID]) -> dict[UUID, list[Person]]:
    """Who else is on each of these cases, the latest first; a customer is told of nobody."""
    if not case_ids or uow.customer_id is not None:
        return {}
    me = await people.who(uow)
    query = select(Presence.case_id, User.id, User.name, User.email).join(
        User, (User.tenant_id == Presence.tenant_id) & (User.id == Presence.user_id)
    )
    recent = query.where(Presence.case_id.in_(case_ids), Presence.seen_at > uow.now - COUNTS).order_by(Presence.seen_at.desc())
    found: dict[UUID, list[Person]] = {}
    for case_id, user_id, name, email in await uow.session.execute(recent):
        if user_id != me:
            found.setdefault(case_id, []).append(Person(user_id, name or email))
    return found
