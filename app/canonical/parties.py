"""Parties and places as messages name them: the same words are the same party, so a shipment's people can be listed and searched."""

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.canonical import events as e
from app.canonical.events import CanonicalEvent
from app.canonical.models import Location, Party, Shipment, ShipmentParty
from app.core.tables import TenantRow
from app.core.uow import UnitOfWork


async def take_part(uow: UnitOfWork, shipment: Shipment, event: CanonicalEvent) -> list[TenantRow]:
    """Write down who an event says takes part in a shipment; returns the rows that are new."""
    rows: list[TenantRow] = []
    for told in event.data.get("parties") or []:
        place = await _location(uow, shipment, told.location) if told.location else None
        party = await _party(uow, shipment, told, place)
        rows += [row for row in (place, party, await _link(uow, shipment, party, told.role)) if row is not None]
    return rows


def _words(*parts: str) -> str:
    """One key for what people write with other spaces and cases."""
    return "|".join(" ".join(part.lower().split()) for part in parts)


async def _location(uow: UnitOfWork, shipment: Shipment, told: e.Location) -> Location:
    given = msgspec.structs.asdict(told)
    key = _words(*given.values())
    values = {
        "tenant_id": uow.tenant_id,
        "id": uow.new_id(),
        "customer_id": shipment.customer_id,
        "key": key,
        "created_at": uow.now,
        **given,
    }
    await uow.execute(insert(Location).values(values).on_conflict_do_nothing())
    query = select(Location).where(Location.customer_id == shipment.customer_id, Location.key == key)
    place: Location = (await uow.execute(query)).scalar_one()
    return place


async def _party(uow: UnitOfWork, shipment: Shipment, told: e.Party, place: Location | None) -> Party:
    key = _words(told.role, told.name, told.code)
    values = {
        "tenant_id": uow.tenant_id, "id": uow.new_id(), "customer_id": shipment.customer_id, "key": key, "role": told.role, "name": told.name,
        "code": told.code, "location_id": place.id if place else None, "created_at": uow.now,
    }  # fmt: skip
    await uow.execute(insert(Party).values(values).on_conflict_do_nothing())
    query = select(Party).where(Party.customer_id == shipment.customer_id, Party.key == key)
    party: Party = (await uow.execute(query)).scalar_one()
    if place is not None and party.location_id is None:
        party.location_id = place.id
    return party


async def _link(uow: UnitOfWork, shipment: Shipment, party: Party, role: str) -> ShipmentParty | None:
    values = {
        "tenant_id": uow.tenant_id, "id": uow.new_id(), "customer_id": shipment.customer_id, "shipment_id": shipment.id, "party_id": party.id, "role": role,
    }  # fmt: skip
    done = await uow.execute(insert(ShipmentParty).values(values).on_conflict_do_nothing().returning(ShipmentParty.id))
    written = done.scalar_one_or_none()
    return await uow.get(ShipmentParty, written) if written else None
