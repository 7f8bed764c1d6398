"""Taking turns: one writer at a time for a name inside a tenant, until its transaction ends."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import text

from app.core.uow import UnitOfWork

MOST_NAMES: Final = 256
"""Locks one transaction takes; the server's memory for them is one for all."""
_LOCK = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")
_SHARE = text("select pg_advisory_xact_lock_shared(hashtextextended(:name, 0))")
_LOCK_ALL = text(
    "select pg_advisory_xact_lock(place) from "
    "(select distinct hashtextextended(name, 0) as place from unnest(cast(:names as text[])) as name order by place) as places"
)


async def take_turns(uow: UnitOfWork, name: str) -> None:
    """Wait until nobody else of this tenant holds `name`; for "read the highest version, write the next"."""
    await uow.session.execute(_LOCK, {"name": f"{uow.tenant_id}|{name}"})


async def take_all_turns(uow: UnitOfWork, names: Iterable[str]) -> None:
    """Wait for all of `names`, in one order whoever asks, so that two batches never wait for each other; once, first in a transaction.

    A batch of more than 256 names waits until no batch of the tenant is inside, and holds all others off.
    """
    wanted = {f"{uow.tenant_id}|{name}" for name in names}
    if not wanted:
        return
    if len(wanted) > MOST_NAMES:
        await take_turns(uow, "batches")
        return
    await uow.session.execute(_SHARE, {"name": f"{uow.tenant_id}|batches"})
    await uow.session.execute(_LOCK_ALL, {"names": list(wanted)})
