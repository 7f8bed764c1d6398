"""The newest event of a scope: what tells a live page that something changed."""

from uuid import UUID

from sqlalchemy import text as sql

from app.core.uow import UnitOfWork

_NEWEST = sql("select id from core.event order by id desc limit 1")


async def newest(uow: UnitOfWork) -> UUID | None:
    """Return the id of the newest event this transaction's scope may see; None before there is one."""
    found: UUID | None = await uow.session.scalar(_NEWEST)
    return found
