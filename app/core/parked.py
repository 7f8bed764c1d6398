"""Work that was given up: what failed again and again waits here until a person has mended the cause and asks for another try."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text as sql

from app.core.errors import NotFound
from app.core.uow import UnitOfWork

_PARKED = sql("select id, kind, subject, tries, error, parked_at from core.parked_work()")
_UNPARK = sql("select core.unpark_work(:id)")


class ParkedWork(msgspec.Struct, kw_only=True):
    """One piece of work that was given up: of which kind, about what, after how many tries and why."""

    id: UUID
    kind: str
    subject: UUID
    tries: int
    error: str | None
    parked_at: datetime


async def parked_work(uow: UnitOfWork) -> list[ParkedWork]:
    """Return what was given up in this tenant, the oldest first, at most 500; nothing inside one customer's scope."""
    if uow.customer_id is not None:  # work belongs to the tenant and tells of all its customers
        return []
    rows = (await uow.session.execute(_PARKED)).mappings()
    return [ParkedWork(**row) for row in rows]


async def retry_parked_work(uow: UnitOfWork, work_id: UUID) -> ParkedWork:
    """Let parked work be tried again at once, with all its tries before it. Says work.retried; raises NotFound when none is parked."""
    found = next((one for one in await parked_work(uow) if one.id == work_id), None)
    if found is None or not await uow.session.scalar(_UNPARK, {"id": work_id}):
        raise NotFound()
    told = {"kind": found.kind, "subject": found.subject, "tries": found.tries, "error": found.error}
    uow.publish("work.retried", subject=f"work:{work_id}", data=told)
    return found
