"""Orders as messages tell them: found by their number, each field keeping its newest word."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.canonical import facts as f
from app.canonical.events import CanonicalEvent, Line
from app.canonical.merge import merge
from app.canonical.models import Order, OrderLine
from app.canonical.world import order_told
from app.core.tables import TenantRow
from app.core.uow import UnitOfWork

_MOMENTS = ("ship_by", "deliver_by")


async def named(uow: UnitOfWork, customer_id: UUID, number: str) -> Order:
    """The customer's order of this number, made when nobody has told of it; locked until the transaction ends."""
    values = {
        "tenant_id": uow.tenant_id, "id": uow.new_id(), "customer_id": customer_id, "number": number, "number_key": number.lower(), "field_times": {},
        "version": 0, "cutoff_missed": False, "created_at": uow.now, "updated_at": uow.now,
    }  # fmt: skip
    # Two transactions may hear of it at once: the second waits here and then finds the first one's row.
    await uow.execute(insert(Order).values(values).on_conflict_do_nothing(index_elements=["tenant_id", "customer_id", "number_key"]))
    query = select(Order).where(Order.customer_id == customer_id, Order.number_key == number.lower())
    found: Order = (await uow.execute(query.with_for_update(key_share=True))).scalar_one()
    return found


async def tell(uow: UnitOfWork, order: Order, event: CanonicalEvent) -> list[TenantRow]:
    """Take in what an event says about an order; returns the lines it changed."""
    said = order_told(event)
    lines = await _lines(uow, order)
    if event.data.get("lines") is not None:
        said["lines"] = msgspec.to_builtins(event.data["lines"])
    current = {name: f.plain(getattr(order, name)) for name in (*f.ORDER_FIELDS, "account", "cutoff_missed")} | {
        "lines": [_line(row) for row in lines]
    }
    fresh, times = merge(current, order.field_times, said, event.occurred_at)
    for name, value in fresh.items():
        if name != "lines":
            setattr(order, name, datetime.fromisoformat(value) if name in _MOMENTS else value)
    if fresh or not order.version:
        order.field_times, order.version, order.updated_at = order.field_times | times, order.version + 1, uow.now
    return await _replace(uow, order, lines, event.data["lines"]) if "lines" in fresh else []


async def _lines(uow: UnitOfWork, order: Order) -> Sequence[OrderLine]:
    return (await uow.execute(select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.position))).scalars().all()


def _line(row: OrderLine) -> dict[str, Any]:
    """A line as the event that told it would write it."""
    value: dict[str, Any] = msgspec.to_builtins(Line(row.sku, row.quantity, row.description, row.regulated))
    return value


async def _replace(uow: UnitOfWork, order: Order, known: Sequence[OrderLine], told: Sequence[Line]) -> list[TenantRow]:
    """Write the told lines over the known ones, in order."""
    changed: list[TenantRow] = list(known)
    for position, line in enumerate(told):
        row = known[position] if position < len(known) else None
        if row is None:
            changed.append(
                uow.add(OrderLine(customer_id=order.customer_id, order_id=order.id, position=position, **msgspec.structs.asdict(line)))
            )
        else:
            row.sku, row.quantity, row.description, row.regulated = line.sku, line.quantity, line.description, line.regulated
    for row in known[len(told) :]:
        await uow.remove(row)
    return changed
