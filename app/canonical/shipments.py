"""Shipments as carriers and systems tell them: found by any identifying reference, moved by milestones that never go back."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from app.canonical import facts as f
from app.canonical.events import IDENTITY, CanonicalEvent
from app.canonical.merge import merge
from app.canonical.milestones import Report, State, advance
from app.canonical.models import Milestone, Order, Shipment, ShipmentReference
from app.canonical.queries import state_of
from app.canonical.world import number_of, report
from app.core.errors import Conflict
from app.core.tables import TenantRow
from app.core.uow import UnitOfWork

LOOKED_UP = ("bol", "po", "container", "awb", "sscc")
_PLACES = ("origin", "destination", "stops")


class ToldElsewhere(Conflict):
    """Another message told of the same shipment at this moment; tell it again."""


async def named(uow: UnitOfWork, customer_id: UUID, refs: dict[str, str]) -> tuple[Shipment, list[TenantRow]]:
    """The customer's shipment of these references, made when nobody has told of it, with the references that are new; locked.

    References that belong to different shipments leave it at the first kind of `IDENTITY` that is known.
    """
    known = await _referred(uow, customer_id, refs)
    by_kind = {ref.kind: ref.shipment_id for ref in known if ref.value_key == refs[ref.kind].lower()}
    found = next((by_kind[kind] for kind in IDENTITY if kind in by_kind), None)
    shipment = await uow.get(Shipment, found, lock=True) if found else await _make(uow, customer_id, refs)
    added = await _refer(uow, shipment, {kind: refs[kind] for kind in IDENTITY if kind in refs and kind not in by_kind}, identity=True)
    added += await _refer(uow, shipment, {kind: refs[kind] for kind in LOOKED_UP if kind in refs}, identity=False)
    if added and found:
        await _call_it_by_its_best(uow, shipment)
    return shipment, list(added)


async def tell(
    uow: UnitOfWork, shipment: Shipment, order: Order | None, event: CanonicalEvent, signal_id: UUID | None
) -> tuple[bool, list[TenantRow]]:
    """Take in what an event says about a shipment; whether its status moved, and the milestone it added."""
    changed = _merge(shipment, event)
    if order is not None:
        changed |= _belong(shipment, order, event)
    found = report(event)
    moved, rows = await _report(uow, shipment, found, event, signal_id) if found else (False, [])
    if changed or rows or not shipment.version:
        shipment.version, shipment.updated_at = shipment.version + 1, uow.now
    return moved, rows


async def belongs(uow: UnitOfWork, shipment: Shipment, order: Order, event: CanonicalEvent) -> None:
    """An order's message mentions the shipment: it belongs to that order."""
    if _belong(shipment, order, event) or not shipment.version:
        shipment.version, shipment.updated_at = shipment.version + 1, uow.now


async def _make(uow: UnitOfWork, customer_id: UUID, refs: dict[str, str]) -> Shipment:
    state = State()
    shipment = uow.add(
        Shipment(
            customer_id=customer_id, number=number_of(refs), status=state.status, status_code="", reason_code="", field_times={}, version=0,
            created_at=uow.now, updated_at=uow.now,
        )
    )  # fmt: skip
    await uow.session.flush()
    return shipment


async def _referred(uow: UnitOfWork, customer_id: UUID, refs: dict[str, str]) -> list[ShipmentReference]:
    same = [(ShipmentReference.kind == kind) & (ShipmentReference.value_key == refs[kind].lower()) for kind in IDENTITY if kind in refs]
    query = select(ShipmentReference).where(ShipmentReference.customer_id == customer_id, ShipmentReference.is_identity, or_(*same))
    return list((await uow.execute(query)).scalars())


async def _refer(uow: UnitOfWork, shipment: Shipment, refs: dict[str, str], *, identity: bool) -> list[ShipmentReference]:
    """Write references that are new; an identifying one that another transaction just took raises ToldElsewhere."""
    added = []
    for kind, value in refs.items():
        values = {
            "tenant_id": uow.tenant_id, "id": uow.new_id(), "customer_id": shipment.customer_id, "shipment_id": shipment.id, "kind": kind,
            "value": value, "value_key": value.lower(), "is_identity": identity,
        }  # fmt: skip
        done = await uow.execute(insert(ShipmentReference).values(values).on_conflict_do_nothing().returning(ShipmentReference.id))
        written = done.scalar_one_or_none()
        if written is None and identity:
            raise ToldElsewhere()
        if written is not None:
            added.append(await uow.get(ShipmentReference, written))
    return added


async def _call_it_by_its_best(uow: UnitOfWork, shipment: Shipment) -> None:
    """The number is the first by kind, then by text, of all references: the same whatever came first."""
    query = select(ShipmentReference.kind, ShipmentReference.value).where(
        ShipmentReference.shipment_id == shipment.id, ShipmentReference.is_identity
    )
    found = sorted(((row.kind, row.value) for row in await uow.execute(query)), reverse=True)
    refs: dict[str, str] = dict(found)
    shipment.number = number_of(refs)


def _merge(shipment: Shipment, event: CanonicalEvent) -> bool:
    said = f.told(event, (*f.SHIPMENT_FIELDS, *_PLACES))
    current = {name: getattr(shipment, name) for name in (*f.SHIPMENT_FIELDS, *_PLACES)}
    fresh, times = merge(current, shipment.field_times, said, event.occurred_at)
    for name, value in fresh.items():
        setattr(shipment, name, value)
    if fresh:
        shipment.field_times = shipment.field_times | times
    return bool(fresh)


def _belong(shipment: Shipment, order: Order, event: CanonicalEvent) -> bool:
    """The shipment belongs to the order its newest message named."""
    current = {"order": str(shipment.order_id) if shipment.order_id else None}
    fresh, times = merge(current, shipment.field_times, {"order": str(order.id)}, event.occurred_at)
    if fresh:
        shipment.order_id, shipment.field_times = order.id, shipment.field_times | times
    return bool(fresh)


async def _report(
    uow: UnitOfWork, shipment: Shipment, found: Report, event: CanonicalEvent, signal_id: UUID | None
) -> tuple[bool, list[TenantRow]]:
    before = state_of(shipment)
    after, moved = advance(before, found)
    for name in msgspec.structs.asdict(after):
        if getattr(after, name) != getattr(before, name):
            setattr(shipment, name, getattr(after, name))
    row = await _keep(uow, shipment, found, event, signal_id, moved)
    return moved, [row] if row is not None else []


async def _keep(
    uow: UnitOfWork, shipment: Shipment, found: Report, event: CanonicalEvent, signal_id: UUID | None, moved: bool
) -> Milestone | None:
    """Write the report down, late or not; None when it is there already."""
    location: Any = event.data.get("location")
    values = {
        "tenant_id": uow.tenant_id, "id": uow.new_id(), "customer_id": shipment.customer_id, "shipment_id": shipment.id, "milestone": found.milestone,
        "kind": found.kind, "at": found.at, "expected_at": found.expected_at, "status_code": found.status_code, "reason_code": found.reason_code,
        "location": msgspec.to_builtins(location) if location else None, "description": event.data.get("description"), "moved": moved,
        "signal_id": signal_id, "recorded_at": uow.now,
    }  # fmt: skip
    done = await uow.execute(insert(Milestone).values(values).on_conflict_do_nothing().returning(Milestone.id))
    written = done.scalar_one_or_none()
    return await uow.get(Milestone, written) if written else None
