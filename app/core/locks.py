"""Taking turns: one writer at a time for a name inside a tenant, until its transaction ends."""

from sqlalchemy import text

from app.core.uow import UnitOfWork

_LOCK = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")


async def take_turns(uow: UnitOfWork, name: str) -> None:
    """Wait until nobody else of this tenant holds `name`; for "read the highest version, write the next"."""
    await uow.session.execute(_LOCK, {"name": f"{uow.tenant_id}|{name}"})
