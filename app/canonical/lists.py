"""Lists of the model, by keyset, and single things in full."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, select

from app.canonical import views
from app.canonical.models import (
    Document,
    InventoryPosition,
    Location,
    Milestone,
    Order,
    OrderLine,
    Party,
    Promise,
    Shipment,
    ShipmentParty,
    ShipmentReference,
)
from app.canonical.schemas import (
    DocumentView,
    InventoryPositionView,
    LocationView,
    OrderRow,
    OrderView,
    PartyView,
    PromiseView,
    ShipmentRow,
    ShipmentView,
)
from app.core.paging import Page, page
from app.core.uow import UnitOfWork

MILESTONES_SHOWN = 100


class Window(msgspec.Struct, frozen=True):
    """Which part of a list: after `cursor`, at most `limit`."""

    cursor: str | None = None
    limit: int = 50


async def shipments(
    uow: UnitOfWork,
    window: Window,
    *,
    reference: str | None = None,
    status: str | None = None,
    order: UUID | None = None,
    customer: UUID | None = None,
) -> Page[ShipmentRow]:
    """Shipments, newest first; `reference` is any of a shipment's numbers, whole, in either case."""
    query = _where(select(Shipment), Shipment, status=status, order_id=order, customer_id=customer)
    if reference is not None:
        named = select(ShipmentReference.shipment_id).where(ShipmentReference.value_key == reference.lower())
        query = query.where(Shipment.id.in_(named))
    return await _page(uow, query, Shipment, window, views.shipment_row)


async def orders(
    uow: UnitOfWork, window: Window, *, reference: str | None = None, status: str | None = None, customer: UUID | None = None
) -> Page[OrderRow]:
    """Orders, newest first; `reference` is the number, whole, in either case."""
    number = reference.lower() if reference is not None else None
    query = _where(select(Order), Order, number_key=number, status=status, customer_id=customer)
    return await _page(uow, query, Order, window, views.order_row)


async def inventory(
    uow: UnitOfWork, window: Window, *, sku: str | None = None, site: str | None = None, customer: UUID | None = None
) -> Page[InventoryPositionView]:
    """Inventory positions, newest first."""
    query = _where(select(InventoryPosition), InventoryPosition, sku_key=sku.lower() if sku else None, site=site, customer_id=customer)
    return await _page(uow, query, InventoryPosition, window, views.inventory_position)


async def documents(
    uow: UnitOfWork,
    window: Window,
    *,
    kind: str | None = None,
    status: str | None = None,
    order: UUID | None = None,
    shipment: UUID | None = None,
    case: UUID | None = None,
    customer: UUID | None = None,
) -> Page[DocumentView]:
    """Documents, newest first."""
    filters = {"kind": kind, "status": status, "order_id": order, "shipment_id": shipment, "case_id": case, "customer_id": customer}
    return await _page(uow, _where(select(Document), Document, **filters), Document, window, views.document)


async def promises(
    uow: UnitOfWork,
    window: Window,
    *,
    status: str | None = None,
    order: UUID | None = None,
    shipment: UUID | None = None,
    customer: UUID | None = None,
) -> Page[PromiseView]:
    """Promises, newest first."""
    query = _where(select(Promise), Promise, status=status, order_id=order, shipment_id=shipment, customer_id=customer)
    return await _page(uow, query, Promise, window, views.promise)


async def parties(uow: UnitOfWork, window: Window, *, role: str | None = None, customer: UUID | None = None) -> Page[PartyView]:
    """Parties, newest first."""
    return await _page(uow, _where(select(Party), Party, role=role, customer_id=customer), Party, window, views.party)


async def locations(uow: UnitOfWork, window: Window, *, country: str | None = None, customer: UUID | None = None) -> Page[LocationView]:
    """Places, newest first."""
    return await _page(uow, _where(select(Location), Location, country=country, customer_id=customer), Location, window, views.location)


async def shipment(uow: UnitOfWork, shipment_id: UUID) -> ShipmentView:
    """One shipment in full."""
    row = await uow.get(Shipment, shipment_id)
    references = await _rows(uow, select(ShipmentReference).where(ShipmentReference.shipment_id == row.id).order_by(ShipmentReference.id))
    reports = await _rows(
        uow,
        select(Milestone).where(Milestone.shipment_id == row.id).order_by(Milestone.at.desc(), Milestone.id.desc()).limit(MILESTONES_SHOWN),
    )
    query = select(ShipmentParty.role, Party).join(
        Party, (Party.tenant_id == ShipmentParty.tenant_id) & (Party.id == ShipmentParty.party_id)
    )
    taking_part = (await uow.execute(query.where(ShipmentParty.shipment_id == row.id).order_by(ShipmentParty.id))).all()
    return views.shipment(row, references, [(found.role, found.Party) for found in taking_part], reports)


async def order(uow: UnitOfWork, order_id: UUID) -> OrderView:
    """One order in full."""
    row = await uow.get(Order, order_id)
    lines = await _rows(uow, select(OrderLine).where(OrderLine.order_id == row.id).order_by(OrderLine.position))
    carried = await _rows(uow, select(Shipment.id).where(Shipment.order_id == row.id).order_by(Shipment.id).limit(100))
    return views.order(row, lines, carried)


def _where(query: Select[Any], model: Any, **filters: Any) -> Select[Any]:
    for name, value in filters.items():
        if value is not None:
            query = query.where(getattr(model, name) == value)
    return query


async def _page(uow: UnitOfWork, query: Select[Any], model: Any, window: Window, view: Any) -> Page[Any]:
    return await page(uow, query, by=[(model.id, UUID)], cursor=window.cursor, limit=window.limit, view=view)


async def _rows(uow: UnitOfWork, query: Select[Any]) -> Sequence[Any]:
    return (await uow.execute(query)).scalars().all()
