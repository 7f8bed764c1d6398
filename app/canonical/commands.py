"""Telling the canonical model what happened. Late, repeated and shuffled events end in the same state."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.canonical import documents, findable, orders, promises, shipments
from app.canonical import facts as f
from app.canonical.events import IDENTITY, CanonicalEvent
from app.canonical.merge import merge
from app.canonical.models import InventoryPosition, Order, Shipment
from app.canonical.parties import take_part
from app.canonical.world import report
from app.core.errors import FieldError, Invalid
from app.core.events import Event
from app.core.tables import TenantRow
from app.core.uow import UnitOfWork


class Recorded(NamedTuple):
    """What an event was recorded about; `moved` says whether it changed the state of anything."""

    order_id: UUID | None
    shipment_id: UUID | None
    event: Event
    moved: bool


class Touched(NamedTuple):
    """The rows one event touched, those it is about first."""

    order: Order | None = None
    shipment: Shipment | None = None
    rows: tuple[TenantRow, ...] = ()
    moved: bool = False


class NotOurs(Invalid):
    """This promise or document names no order or shipment that is known."""


async def record(uow: UnitOfWork, event: CanonicalEvent, *, signal_id: UUID | None, customer_id: UUID) -> Recorded:
    """Take one event of a customer into the model and say it under its own type.

    Things nobody told of before are made; what is known moves forward only. The same event twice changes nothing the second time.
    """
    touched = await _TELL[event.type](uow, event, customer_id, signal_id)
    order_id = touched.order.id if touched.order else None
    shipment_id = touched.shipment.id if touched.shipment else None
    if order_id is None and touched.shipment is not None:
        order_id = touched.shipment.order_id
    about = [row for row in (touched.order, touched.shipment, *touched.rows) if row is not None]
    data = {
        "account": event.account, "refs": event.refs, "data": event.data, "signal_id": signal_id, "order_id": order_id, "shipment_id": shipment_id,
        "moved": touched.moved,
    }  # fmt: skip
    key = f"shipment:{shipment_id}" if event.type.startswith("shipment.") else f"order:{order_id}" if order_id else None
    said = uow.publish(event.type, of=about[0], also=about[1:], data=data, key=key, customer_id=customer_id, occurred_at=event.occurred_at)
    return Recorded(order_id, shipment_id, said, touched.moved)


async def _tell_order(uow: UnitOfWork, event: CanonicalEvent, customer_id: UUID, signal_id: UUID | None) -> Touched:
    order = await orders.named(uow, customer_id, event.refs["order"])
    before, account = order.version, order.account
    rows = await orders.tell(uow, order, event)
    await findable.order(uow, order, event.refs, is_new=not before, account=order.account if order.account != account else None)
    shipment, more = await _mentioned(uow, event, customer_id, order)
    rows += more + list(await promises.promise_dates(uow, event, order=order))
    step = promises.ORDER_STEPS.get(event.data.get("status", ""))
    if step:
        rows += await promises.reached(uow, step, event.occurred_at, order_id=order.id, shipment_id=None)
    return Touched(order, shipment, tuple(rows), order.version != before)


async def _tell_shipment(uow: UnitOfWork, event: CanonicalEvent, customer_id: UUID, signal_id: UUID | None) -> Touched:
    order = await orders.named(uow, customer_id, event.refs["order"]) if "order" in event.refs else None
    shipment, rows = await shipments.named(uow, customer_id, event.refs)
    is_new, known_order = not shipment.version, shipment.order_id
    moved, reports = await shipments.tell(uow, shipment, order, event, signal_id)
    rows += reports + await take_part(uow, shipment, event)
    await findable.shipment(uow, shipment, rows, of=order if shipment.order_id != known_order else None, is_new=is_new)
    rows += await promises.promise_dates(uow, event, shipment=shipment)
    found = report(event)
    if found is not None and found.kind == "actual":
        rows += await promises.reached(uow, found.milestone, found.at, order_id=shipment.order_id, shipment_id=shipment.id)
    if order is not None:
        await _told_of(uow, order)
    return Touched(order, shipment, tuple(rows), moved)


async def _mentioned(uow: UnitOfWork, event: CanonicalEvent, customer_id: UUID, order: Order) -> tuple[Shipment | None, list[TenantRow]]:
    """The shipment an order's event mentions: it belongs to the order from now on."""
    if not event.refs.keys() & set(IDENTITY):
        return None, []
    shipment, rows = await shipments.named(uow, customer_id, event.refs)
    is_new, known_order = not shipment.version, shipment.order_id
    await shipments.belongs(uow, shipment, order, event)
    await findable.shipment(uow, shipment, rows, of=order if shipment.order_id != known_order else None, is_new=is_new)
    return shipment, rows


async def _told_of(uow: UnitOfWork, order: Order) -> None:
    """Somebody named an order: from now on it is known, if only by its number."""
    if not order.version:
        order.version = 1
        await findable.order(uow, order, {}, is_new=True)


async def _tell_stock(uow: UnitOfWork, event: CanonicalEvent, customer_id: UUID, signal_id: UUID | None) -> Touched:
    sku, site = event.refs["sku"], event.data.get("site", "")
    values = {
        "tenant_id": uow.tenant_id, "id": uow.new_id(), "customer_id": customer_id, "sku": sku, "sku_key": sku.lower(), "site": site, "field_times": {},
        "observed_at": event.occurred_at, "version": 0,
    }  # fmt: skip
    await uow.execute(insert(InventoryPosition).values(values).on_conflict_do_nothing())
    query = select(InventoryPosition).where(
        InventoryPosition.customer_id == customer_id, InventoryPosition.sku_key == sku.lower(), InventoryPosition.site == site
    )
    row = (await uow.execute(query.with_for_update(key_share=True))).scalar_one()
    current = {name: getattr(row, name) for name in f.INVENTORY_FIELDS}
    fresh, times = merge(current, row.field_times, f.told(event, f.INVENTORY_FIELDS), event.occurred_at)
    for name, value in fresh.items():
        setattr(row, name, value)
    if fresh or not row.version:
        row.field_times, row.version, row.observed_at = row.field_times | times, row.version + 1, max(row.observed_at, event.occurred_at)
    return Touched(rows=(row,), moved=bool(fresh))


async def _tell_promise(uow: UnitOfWork, event: CanonicalEvent, customer_id: UUID, signal_id: UUID | None) -> Touched:
    order, shipment, rows = await _about(uow, event, customer_id)
    for name in ("milestone", "due_at"):
        if event.data.get(name) is None:
            raise NotOurs(
                f"A promise needs its {name}.",
                errors=[FieldError(f"/data/{name}", "This is missing.", "Say which step is promised by when.")],
            )
    row = await promises.promise(
        uow, customer_id=customer_id, order_id=order.id if order and not shipment else None, shipment_id=shipment.id if shipment else None,
        name=event.refs["promise"], milestone=event.data["milestone"], due_at=event.data["due_at"],
        grace_minutes=max(0, event.data.get("grace_minutes", 0)), said_at=event.occurred_at,
    )  # fmt: skip
    return Touched(order, shipment, (*rows, row), moved=True)


async def _tell_document(uow: UnitOfWork, event: CanonicalEvent, customer_id: UUID, signal_id: UUID | None) -> Touched:
    order, shipment, rows = await _about(uow, event, customer_id)
    row = await documents.report(uow, event, customer_id=customer_id, order=order, shipment=shipment)
    return Touched(order, shipment, (*rows, row), moved=True)


async def _about(uow: UnitOfWork, event: CanonicalEvent, customer_id: UUID) -> tuple[Order | None, Shipment | None, list[TenantRow]]:
    """The order or shipment an event is about, which it must name."""
    order = await orders.named(uow, customer_id, event.refs["order"]) if "order" in event.refs else None
    shipment, rows = (None, []) if not event.refs.keys() & set(IDENTITY) else await shipments.named(uow, customer_id, event.refs)
    if order is None and shipment is None:
        raise NotOurs(errors=[FieldError("/refs", "Neither order nor shipment is named.", "Add the order number or a shipment reference.")])
    if order is not None:
        await _told_of(uow, order)
    if shipment is not None and rows:
        await findable.shipment(uow, shipment, rows, of=None, is_new=not shipment.version)
    return order, shipment, rows


_TELL: dict[str, Callable[[UnitOfWork, CanonicalEvent, UUID, UUID | None], Awaitable[Touched]]] = {
    "order.recorded": _tell_order,
    "order.cutoff_missed": _tell_order,
    "shipment.recorded": _tell_shipment,
    "shipment.milestone_recorded": _tell_shipment,
    "inventory.recorded": _tell_stock,
    "promise.recorded": _tell_promise,
    "document.recorded": _tell_document,
}
