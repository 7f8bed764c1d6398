"""Usage is written as it is counted, once an event and meter."""

from collections.abc import Iterable

from sqlalchemy.dialects.postgresql import insert

from app.core.events import Event
from app.core.uow import UnitOfWork
from app.metering.counting import count
from app.metering.meters import shipped
from app.metering.models import UsageRecord


async def record(uow: UnitOfWork, events: Iterable[Event]) -> None:
    """Write what these events count for; one that was counted before is left as it is, so a batch may come again."""
    counted = {usage.id: usage for event in events for usage in count(shipped(), event)}
    if not counted:
        return
    rows = [
        {
            "tenant_id": uow.tenant_id, "id": usage.id, "customer_id": usage.customer_id, "event_id": usage.event_id, "meter": usage.meter,
            "day": usage.day, "quantity": usage.quantity, "unit": usage.unit, "dimensions": usage.dimensions,
        }
        for _, usage in sorted(counted.items())
    ]  # fmt: skip
    await uow.execute(insert(UsageRecord).on_conflict_do_nothing(index_elements=["tenant_id", "id"]), rows)
