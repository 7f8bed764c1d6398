"""What this room does when its time has come or something happened: consents run out, keys must be renewed, and what is done while acting is kept."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.events import Event
from app.core.services import Shell, WorkItem
from app.core.uow import UnitOfWork
from tenants.commands.consent import expire
from tenants.commands.keys import remind
from tenants.models import Acting, ActingEntry

_OWN = ("consent.", "acting.", "session.", "access.")


async def expire_consents(shell: Shell, items: list[WorkItem]) -> None:
    """Close the consents that have run out."""
    for item in items:
        async with shell.unit_of_work(item.tenant_id, actor="system:consent") as uow:
            await expire(uow, item.subject)
            await uow.finish(item)


async def remind_of_keys(shell: Shell, items: list[WorkItem]) -> None:
    """Say which keys must be renewed soon."""
    for item in items:
        async with shell.unit_of_work(item.tenant_id, actor="system:keys") as uow:
            await remind(uow, item.subject)
            await uow.finish(item)


async def keep_acting(uow: UnitOfWork, events: list[Event]) -> None:
    """Write down what people did while they acted for a customer, where that customer can read it; once an event."""
    for event in events:
        if event.acting_for is None or event.customer_id != event.acting_for or event.type.startswith(_OWN):
            continue
        user = event.actor.partition(":")[2]
        wanted = select(Acting).where(
            Acting.customer_id == event.acting_for, Acting.user_id == user, Acting.started_at <= event.occurred_at
        )
        acting = (await uow.execute(wanted.order_by(Acting.id.desc()).limit(1))).scalar_one_or_none()
        if acting is not None:
            said = {"tenant_id": uow.tenant_id, "id": event.id, "customer_id": acting.customer_id, "acting_id": acting.id}
            row = insert(ActingEntry).values(**said, type=event.type, subject=event.subject, at=event.recorded_at)
            await uow.execute(row.on_conflict_do_nothing())
