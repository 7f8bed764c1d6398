"""The newest events: of a scope, which tells a live page that something changed, and of one thing, which is its history."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy import text as sql

from app.core.events import Event
from app.core.models import EventRow
from app.core.uow import UnitOfWork

_NEWEST = sql("select id from core.event order by id desc limit 1")


async def newest(uow: UnitOfWork) -> UUID | None:
    """Return the id of the newest event this transaction's scope may see; None before there is one."""
    found: UUID | None = await uow.session.scalar(_NEWEST)
    return found


async def history(uow: UnitOfWork, key: str, *, limit: int = 20) -> list[Event]:
    """Return the newest events said under a key ("connection:<id>"), the newest first."""
    query = select(EventRow).where(EventRow.key == key).order_by(EventRow.id.desc()).limit(limit)
    return [Event.read(row.tenant_id, row.recorded_at, row.envelope) for row in (await uow.execute(query)).scalars()]


async def events(uow: UnitOfWork, ids: Iterable[UUID]) -> list[Event]:
    """Return the events with these ids that this scope may see, in the order they were written."""
    query = select(EventRow).where(EventRow.id.in_(list(ids))).order_by(EventRow.id)
    return [Event.read(row.tenant_id, row.recorded_at, row.envelope) for row in (await uow.execute(query)).scalars()]
