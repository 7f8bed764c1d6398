"""What is known: facts about a thing, and the world a batch of events is judged in."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_

from app.canonical import facts as f
from app.canonical.events import IDENTITY, CanonicalEvent
from app.canonical.facts import Fact, Facts
from app.canonical.milestones import State
from app.canonical.models import Document, InventoryPosition, Order, Promise, Shipment, ShipmentReference
from app.canonical.spans import minutes
from app.canonical.world import Key, KnownOrder, KnownShipment, KnownStock, World, key, promise_facts, shipment_facts
from app.core.uow import UnitOfWork
from tenants.models import Customer

Told = Sequence[tuple[CanonicalEvent, UUID]]  # events with whose they are
Versions = dict[Key, tuple[UUID, int] | None]


async def facts(uow: UnitOfWork, *, customer_id: UUID, subjects: dict[str, Any], now: datetime) -> Facts:
    """Everything known about an order and a shipment (ids by kind; a shipment brings its order) and their customer.

    A thing of another customer is not found, as if it weren't there.
    """
    shipment = await _own(uow, Shipment, subjects.get("shipment"), customer_id)
    order = await _own(uow, Order, subjects.get("order") or (shipment.order_id if shipment else None), customer_id)
    known = f.make("", {"now": now}, "clock", now) | (await customer_facts(uow, {customer_id})).get(f"customer:{customer_id}", {})
    if shipment is not None:
        known |= known_shipment(shipment, {}).facts
    if order is not None:
        known |= known_order(order).facts
    about = {kind: row.id for kind, row in (("order", order), ("shipment", shipment)) if row is not None}
    return known | await _facts_around(uow, about, now)


async def world(uow: UnitOfWork, told: Told, now: datetime) -> tuple[World, Versions]:
    """The world these events refer to, and the versions it was read at (None: not there), to be checked when writing."""
    shipments, links = await _shipments(uow, told)
    orders = await _orders(uow, told, {row.order_id for row, _ in shipments.values() if row.order_id})
    by_id = {order.id: order for order in orders.values()}
    found = World(orders={k: known_order(row) for k, row in orders.items()}, stock=await _stock(uow, told))
    known = {row.id: known_shipment(row, refs) for row, refs in shipments.values()}
    for row, _ in shipments.values():
        if row.order_id in by_id:
            known[row.id].order = found.orders[key(row.customer_id, "order", by_id[row.order_id].number)]
    found.shipments = {k: known[shipment] for k, shipment in links.items()}
    found.extra = await customer_facts(uow, {customer for _, customer in told})
    found.extra |= await _facts_of_each(uow, {"order": set(by_id), "shipment": set(known)}, now)
    return found, _versions(told, orders, {k: shipments[shipment][0] for k, shipment in links.items()})


async def versions(uow: UnitOfWork, keys: Iterable[Key]) -> Versions:
    """The same versions read again, the rows locked in order of their ids until the transaction ends."""
    wanted = sorted(keys, key=str)
    numbers = [(customer, value) for customer, kind, value in wanted if kind == "order"]
    named = [k for k in wanted if k[1] in IDENTITY]
    orders = {key(row.customer_id, "order", row.number): row for row in await _lock_orders(uow, numbers)}
    references = await _references(uow, named)
    rows = {row.id: row for row in await _lock_shipments(uow, {reference.shipment_id for reference in references})}
    shipments = {(ref.customer_id, ref.kind, ref.value_key): rows[ref.shipment_id] for ref in references}
    found: dict[Key, Any] = {**orders, **shipments}
    return {k: (found[k].id, found[k].version) if k in found else None for k in wanted}


async def order_named(uow: UnitOfWork, customer_id: UUID, number: str) -> UUID | None:
    """A customer's order by its number."""
    query = select(Order.id).where(Order.customer_id == customer_id, Order.number_key == number.lower())
    return (await uow.execute(query)).scalar_one_or_none()


async def shipment_named(uow: UnitOfWork, customer_id: UUID, reference: str) -> UUID | None:
    """A customer's shipment by any of its references; None also when several go by it."""
    query = select(ShipmentReference.shipment_id).where(
        ShipmentReference.customer_id == customer_id, ShipmentReference.value_key == reference.lower()
    )
    found = set((await uow.execute(query)).scalars())
    return found.pop() if len(found) == 1 else None


def known_order(row: Order) -> KnownOrder:
    """An order's row as facts, each as old as its word."""
    source = f"order:{row.id}"
    known = f.make("order.", {"number": row.number, "cutoff_missed": row.cutoff_missed}, source, row.updated_at)
    for name in (*f.ORDER_FIELDS, "account"):
        known |= _told_at(f"order.{name}", getattr(row, name), source, row.field_times.get(name), row.updated_at)
    return KnownOrder(row.number, known, dict(row.field_times), row.id, row.version)


def known_shipment(row: Shipment, refs: dict[str, str]) -> KnownShipment:
    """A shipment's row as its state and facts."""
    source, state = f"shipment:{row.id}", state_of(row)
    known = shipment_facts(row.number, state, source, row.last_seen_at or row.updated_at)
    for name in f.SHIPMENT_FIELDS:
        known |= _told_at(f"shipment.{name}", getattr(row, name), source, row.field_times.get(name), row.updated_at)
    return KnownShipment(refs, state, known, dict(row.field_times), None, row.id, row.version)


def state_of(row: Shipment) -> State:
    """How far a shipment's row is."""
    return State(row.status, row.status_at, row.status_code, row.reason_code, row.eta, row.eta_reported_at, row.last_seen_at)


async def customer_facts(uow: UnitOfWork, ids: set[UUID]) -> dict[str, Facts]:
    """customer.* by `customer:<id>`."""
    rows = (await uow.execute(select(Customer).where(Customer.id.in_(ids)))).scalars()
    return {f"customer:{row.id}": f.make("customer.", _contract(row), f"customer:{row.id}", row.created_at) for row in rows}


def _contract(row: Customer) -> dict[str, Any]:
    sla = row.sla or {}
    spans = {f"sla.{name}_minutes": minutes(sla.get(name)) for name in ("first_response", "resolution")}
    return {"slug": row.slug, "name": row.name, **spans}


def _told_at(name: str, value: Any, source: str, said: str | None, otherwise: datetime) -> Facts:
    if value is None:
        return {}
    return {name: Fact(name, f.plain(value), source, datetime.fromisoformat(said) if said else otherwise)}


async def _own(uow: UnitOfWork, model: Any, id: Any, customer_id: UUID) -> Any:
    row = await uow.find(model, UUID(str(id))) if id else None
    return row if row is not None and row.customer_id == customer_id else None


async def _facts_around(uow: UnitOfWork, about: dict[str, UUID], now: datetime) -> Facts:
    """Documents and promises of the order and the shipment together."""
    each = await _facts_of_each(uow, {kind: {id} for kind, id in about.items()}, now)
    together: Facts = {}
    for kind in about:
        for name, fact in each.get(f"{kind}:{about[kind]}", {}).items():
            merged = isinstance(fact.value, list) and name in together
            value = sorted({*together[name].value, *fact.value}) if merged else fact.value
            together[name] = Fact(name, value, fact.source, fact.observed_at)
    return _still_missing(together)


def _still_missing(known: Facts) -> Facts:
    """What one of the two papers proves, the other need not."""
    missing = known.get("document.missing")
    if missing is None:
        return known
    left = [kind for kind in missing.value if kind not in known["document.verified"].value]
    return known | {missing.name: Fact(missing.name, left, missing.source, missing.observed_at)}


async def _facts_of_each(uow: UnitOfWork, ids: dict[str, set[UUID]], now: datetime) -> dict[str, Facts]:
    """document.* and promise.* of every order and shipment, by its address."""
    found: dict[str, Facts] = {}
    for kind, wanted in ids.items():
        documents, promises = await _of(uow, Document, kind, wanted), await _of(uow, Promise, kind, wanted)
        for id in wanted:
            source = f"{kind}:{id}"
            not_kept = [(p.name, p.due_at, p.grace_minutes) for p in promises.get(id, []) if p.status != "kept"]
            found[source] = document_facts(documents.get(id, []), source, now) | promise_facts(not_kept, source, now)
    return found


def document_facts(documents: Iterable[Document], source: str, now: datetime) -> Facts:
    """document.required, .verified (still valid) and .missing, by kind."""
    rows = list(documents)
    verified = {row.kind for row in rows if row.status == "verified" and (row.valid_until is None or row.valid_until >= now.date())}
    required = {row.kind for row in rows if row.status != "reported"}
    values = {"required": sorted(required), "verified": sorted(verified), "missing": sorted(required - verified)}
    return f.make("document.", values, source, now)


async def _of(uow: UnitOfWork, model: Any, kind: str, ids: set[UUID]) -> dict[UUID, list[Any]]:
    column = getattr(model, f"{kind}_id")
    rows = (await uow.execute(select(model).where(column.in_(ids)).order_by(model.id))).scalars().all() if ids else []
    grouped: dict[UUID, list[Any]] = {}
    for row in rows:
        grouped.setdefault(getattr(row, f"{kind}_id"), []).append(row)
    return grouped


async def _shipments(uow: UnitOfWork, told: Told) -> tuple[dict[UUID, tuple[Shipment, dict[str, str]]], dict[Key, UUID]]:
    """Shipments with their references, and which of the told references is whose."""
    keys = {key(customer, kind, event.refs[kind]) for event, customer in told for kind in IDENTITY if kind in event.refs}
    links = {(ref.customer_id, ref.kind, ref.value_key): ref.shipment_id for ref in await _references(uow, keys)}
    ids = set(links.values())
    if not ids:
        return {}, {}
    rows = (await uow.execute(select(Shipment).where(Shipment.id.in_(ids)))).scalars().all()
    query = select(ShipmentReference).where(ShipmentReference.shipment_id.in_(ids), ShipmentReference.is_identity)
    refs: dict[UUID, dict[str, str]] = {}
    for ref in (await uow.execute(query.order_by(ShipmentReference.id.desc()))).scalars():
        refs.setdefault(ref.shipment_id, {})[ref.kind] = ref.value
    return {row.id: (row, refs.get(row.id, {})) for row in rows}, links


async def _references(uow: UnitOfWork, keys: Iterable[Key]) -> Sequence[ShipmentReference]:
    wanted = list(keys)
    if not wanted:
        return []
    columns = tuple_(ShipmentReference.customer_id, ShipmentReference.kind, ShipmentReference.value_key)
    return (await uow.execute(select(ShipmentReference).where(columns.in_(wanted), ShipmentReference.is_identity))).scalars().all()


async def _orders(uow: UnitOfWork, told: Told, linked: set[UUID]) -> dict[Key, Order]:
    numbers = [(customer, event.refs["order"].lower()) for event, customer in told if "order" in event.refs]
    query = select(Order).where(tuple_(Order.customer_id, Order.number_key).in_(numbers) | Order.id.in_(linked))
    rows = (await uow.execute(query)).scalars().all() if numbers or linked else []
    return {key(row.customer_id, "order", row.number): row for row in rows}


async def _stock(uow: UnitOfWork, told: Told) -> dict[Key, KnownStock]:
    skus = [(customer, event.refs["sku"].lower()) for event, customer in told if event.type == "inventory.recorded"]
    if not skus:
        return {}
    columns = tuple_(InventoryPosition.customer_id, InventoryPosition.sku_key)
    rows = (await uow.execute(select(InventoryPosition).where(columns.in_(skus)))).scalars()
    return {key(row.customer_id, "stock", f"{row.sku}\n{row.site}"): _known_stock(row) for row in rows}


def _known_stock(row: InventoryPosition) -> KnownStock:
    values = {"on_hand": row.on_hand, "available": row.available}
    return KnownStock(f.make("inventory.", values, f"inventory:{row.id}", row.observed_at), row.id, row.version)


def _versions(told: Told, orders: dict[Key, Order], shipments: dict[Key, Shipment]) -> Versions:
    found: dict[Key, Any] = {**orders, **shipments}
    keys = {
        key(customer, kind, event.refs[kind]) for event, customer in told for kind in ("order", *IDENTITY) if kind in event.refs
    } | orders.keys()
    return {k: (found[k].id, found[k].version) if k in found else None for k in keys}


async def _lock_orders(uow: UnitOfWork, numbers: list[tuple[UUID, str]]) -> Sequence[Order]:
    if not numbers:
        return []
    query = select(Order).where(tuple_(Order.customer_id, Order.number_key).in_(numbers)).order_by(Order.id)
    return (await uow.execute(query.with_for_update(key_share=True).execution_options(populate_existing=True))).scalars().all()


async def _lock_shipments(uow: UnitOfWork, ids: set[UUID]) -> Sequence[Shipment]:
    if not ids:
        return []
    query = select(Shipment).where(Shipment.id.in_(ids)).order_by(Shipment.id)
    return (await uow.execute(query.with_for_update(key_share=True).execution_options(populate_existing=True))).scalars().all()
