"""Delivery to LATER listeners: work rows written with the events, no cursors.

One transaction a batch: load the events, run every listener in a savepoint of its own, delete the rows. What a listener writes
happens exactly once, and nothing committed can be missed however slow its writer was.
"""

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import text as sql
from sqlalchemy.exc import SQLAlchemyError

from app.core.errors import Fault
from app.core.events import Event
from app.core.listeners import Later, Listeners, Work, hears
from app.core.uow import UnitOfWork

if TYPE_CHECKING:
    from app.core.services import Shell, WorkItem

ONE = "deliver_one:"
_LOAD = sql("select id, recorded_at, envelope from core.event where id = any(cast(:ids as uuid[])) order by id")
_LATER = sql("select core.retry_work(:id, :token, interval '30 milliseconds', null)")
_LOCK = sql("select pg_try_advisory_xact_lock(7300010, hashtext(core.ctx_tenant()::text))")


async def deliver(shell: "Shell", items: "list[WorkItem]") -> None:
    """Hand the events of these rows to every LATER listener; one worker a tenant at a time, in the order the rows were made."""
    listeners = listeners_of(shell)
    async with shell.unit_of_work(items[0].tenant_id, actor="system:delivery") as uow:
        if not await uow.session.scalar(_LOCK):
            # Another worker is delivering this tenant's events; these wait their turn, in their order.
            for item in items:
                await uow.session.execute(_LATER, {"id": item.id, "token": item.token})
            return
        events = await _load(uow, [i for item in sorted(items, key=lambda i: i.id) for i in item.subjects])
        for later in listeners.later:
            await _offer(shell, uow, later, events)
        for item in items:
            await uow.finish(item)


async def deliver_one(shell: "Shell", items: "list[WorkItem]") -> None:
    """Try a listener that failed again, alone, with the events it failed on."""
    later = next(x for x in listeners_of(shell).later if ONE + x.name == items[0].kind)
    for item in items:
        async with shell.unit_of_work(item.tenant_id, actor="system:delivery") as uow:
            events = [e for e in await _load(uow, item.subjects) if hears(later.pattern, e.type)]
            await later.handle(uow, events)
            await uow.finish(item)


def delivery_work(listeners: Listeners) -> dict[str, Work]:
    """The kinds of work that delivery needs, one more for each LATER listener."""
    kinds = [Work("deliver", deliver, batch=100, most_tries=1000)]
    kinds += [Work(ONE + later.name, deliver_one, batch=10, most_tries=8) for later in listeners.later]
    return {k.kind: k for k in kinds}


def listeners_of(shell: "Shell") -> Listeners:
    found = shell.extras["listeners"]
    assert isinstance(found, Listeners)
    return found


async def _offer(shell: "Shell", uow: UnitOfWork, later: Later, events: list[Event]) -> None:
    heard = [e for e in events if hears(later.pattern, e.type)]
    if not heard:
        return
    try:
        async with uow.savepoint():
            await later.handle(uow, heard)
    except (Fault, SQLAlchemyError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, LookupError, AssertionError) as error:
        # Its own row, with back-off of its own: the others go on, and this listener sees these events again alone.
        shell.log.error("listener failed", listener=later.name, error=type(error).__name__, events=len(heard))
        uow.work(ONE + later.name, subject=uow.new_id(), subjects=[e.id for e in heard], cls="bulk")


async def _load(uow: UnitOfWork, ids: "list[UUID] | tuple[UUID, ...]") -> list[Event]:
    rows = (await uow.session.execute(_LOAD, {"ids": list(ids)})).all()
    found = {row.id: Event.read(uow.tenant_id, row.recorded_at, row.envelope) for row in rows}
    return [found[i] for i in ids if i in found]
