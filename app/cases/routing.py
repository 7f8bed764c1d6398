"""Who carries what a case is about, and from where to where: copied from its shipment, so that the queue is narrowed by it in an index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from app.canonical.models import Shipment
from app.cases.models import Case
from app.cases.telling import held, tell
from app.core.events import Event
from app.core.uow import UnitOfWork

_TOLD_BY: Final = ("shipment.", "order.")


async def of(uow: UnitOfWork, shipment_id: UUID | None, order_id: UUID | None) -> dict[str, str | None]:
    """The columns of a case about this shipment, or about an order that goes with one."""
    if shipment_id is not None:
        return _columns(await uow.find(Shipment, shipment_id))
    if order_id is None:
        return _columns(None)
    query = select(Shipment).where(Shipment.order_id == order_id).order_by(Shipment.id.desc()).limit(1)
    return _columns((await uow.execute(query)).scalar_one_or_none())


def _columns(shipment: Shipment | None) -> dict[str, str | None]:
    return {
        "carrier": shipment.carrier if shipment else None,
        "origin_country": _country(shipment.origin) if shipment else None,
        "destination_country": _country(shipment.destination) if shipment else None,
    }


def _country(place: Mapping[str, Any] | None) -> str | None:
    country = (place or {}).get("country")
    return country.upper() if isinstance(country, str) and country else None


async def follow(uow: UnitOfWork, events: Iterable[Event]) -> None:
    """Lets unfinished cases follow their shipments to another carrier or lane. Publishes case.moved where something changed."""
    told = {str(event.data["shipment_id"]) for event in events if event.type.startswith(_TOLD_BY) and event.data.get("shipment_id")}
    if not told:
        return
    shipments = list((await uow.execute(select(Shipment).where(Shipment.id.in_({UUID(name) for name in told})))).scalars())
    own = Case.shipment_id.in_([row.id for row in shipments])
    of_order = Case.shipment_id.is_(None) & Case.order_id.in_([row.order_id for row in shipments if row.order_id])
    query = select(Case.id, Case.shipment_id, Case.order_id).where(own | of_order, Case.status != "resolved").order_by(Case.id)
    for case_id, shipment_id, order_id in (await uow.session.execute(query)).all():
        await _move(uow, case_id, await of(uow, shipment_id, order_id))


async def _move(uow: UnitOfWork, case_id: UUID, wanted: dict[str, str | None]) -> None:
    case = await held(uow, case_id)
    if case.status == "resolved" or all(getattr(case, name) == value for name, value in wanted.items()):
        return
    for name, value in wanted.items():
        setattr(case, name, value)
    await tell(uow, case, "moved", {"carrier": case.carrier, "origin": case.origin_country, "destination": case.destination_country})
