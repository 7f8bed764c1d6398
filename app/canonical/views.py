"""Rows of the model in the shapes that are answered."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec

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
    ShipmentReference,
)
from app.canonical.requirements import document_types
from app.canonical.schemas import (
    DefaultClocks,
    DocumentView,
    ExceptionTypeView,
    Finding,
    InventoryPositionView,
    Leg,
    LineView,
    LocationView,
    MilestoneView,
    OrderRow,
    OrderView,
    PartyOf,
    PartyView,
    PromiseView,
    ReasonView,
    Reference,
    ShipmentRow,
    ShipmentView,
)
from app.canonical.taxonomy import ExceptionType, taxonomy


def shipment_row(row: Shipment) -> ShipmentRow:
    return ShipmentRow(
        id=row.id, customer=row.customer_id, number=row.number, order=row.order_id, status=row.status, status_at=row.status_at, eta=row.eta,
        last_seen_at=row.last_seen_at, carrier=row.carrier, service=row.service,
    )  # fmt: skip


def shipment(
    row: Shipment, references: Sequence[ShipmentReference], parties: Sequence[tuple[str, Party]], milestones: Sequence[Milestone]
) -> ShipmentView:
    stops = row.stops or []
    return ShipmentView(
        **msgspec.structs.asdict(shipment_row(row)), status_code=row.status_code, reason_code=row.reason_code, pieces=row.pieces,
        weight_grams=row.weight_grams, origin=row.origin, destination=row.destination, stops=stops, legs=legs(stops),
        references=[Reference(kind=ref.kind, value=ref.value) for ref in references],
        parties=[PartyOf(id=party.id, role=role, name=party.name, code=party.code) for role, party in parties],
        milestones=[milestone(report) for report in milestones],
    )  # fmt: skip


def legs(stops: Sequence[dict[str, Any]]) -> list[Leg]:
    """Two planned stops that follow each other make a leg, due when the second is."""
    return [
        Leg(origin=a.get("location", {}), destination=b.get("location", {}), planned_at=b.get("planned_at")) for a, b in pairwise(stops)
    ]


def milestone(row: Milestone) -> MilestoneView:
    return MilestoneView(
        milestone=row.milestone, kind=row.kind, at=row.at, expected_at=row.expected_at, status_code=row.status_code, reason_code=row.reason_code,
        location=row.location, description=row.description, moved=row.moved, recorded_at=row.recorded_at,
    )  # fmt: skip


def order_row(row: Order) -> OrderRow:
    return OrderRow(
        id=row.id, customer=row.customer_id, number=row.number, account=row.account, status=row.status, value_minor=row.value_minor,
        currency=row.currency, priority=row.priority, regulated=row.regulated, ship_by=row.ship_by, deliver_by=row.deliver_by,
        cutoff_missed=row.cutoff_missed,
    )  # fmt: skip


def order(row: Order, lines: Sequence[OrderLine], shipments: Sequence[UUID]) -> OrderView:
    return OrderView(
        **msgspec.structs.asdict(order_row(row)), goods_class=row.goods_class, un_number=row.un_number, sku=row.sku, site=row.site,
        penalty_minor=row.penalty_minor, shipments=list(shipments), said_at=dict(row.field_times),
        lines=[LineView(sku=line.sku, quantity=line.quantity, description=line.description, regulated=line.regulated) for line in lines],
    )  # fmt: skip


def inventory_position(row: InventoryPosition) -> InventoryPositionView:
    return InventoryPositionView(
        id=row.id, customer=row.customer_id, sku=row.sku, site=row.site, on_hand=row.on_hand, reserved=row.reserved, available=row.available,
        unit=row.unit, observed_at=row.observed_at,
    )  # fmt: skip


def party(row: Party) -> PartyView:
    return PartyView(id=row.id, customer=row.customer_id, role=row.role, name=row.name, code=row.code, location=row.location_id)


def location(row: Location) -> LocationView:
    return LocationView(
        id=row.id, customer=row.customer_id, name=row.name, code=row.code, street=row.street, city=row.city, region=row.region,
        postal_code=row.postal_code, country=row.country,
    )  # fmt: skip


def promise(row: Promise) -> PromiseView:
    return PromiseView(
        id=row.id, customer=row.customer_id, order=row.order_id, shipment=row.shipment_id, name=row.name, milestone=row.milestone, due_at=row.due_at,
        grace_minutes=row.grace_minutes, status=row.status, kept_at=row.kept_at, missed_at=row.missed_at,
    )  # fmt: skip


def document(row: Document) -> DocumentView:
    known = document_types().get(row.kind)
    return DocumentView(
        id=row.id, customer=row.customer_id, kind=row.kind, title=known.title if known else row.kind, status=row.status, order=row.order_id,
        shipment=row.shipment_id, case=row.case_id, number=row.number, valid_until=row.valid_until, fields=row.fields,
        findings=msgspec.convert(row.findings, list[Finding]), required_at=row.required_at, uploaded_at=row.uploaded_at, verified_at=row.verified_at,
    )  # fmt: skip


def exception_type(kind: ExceptionType) -> ExceptionTypeView:
    known = taxonomy()
    reasons = [
        ReasonView(code=code, title=known.reasons[code].title, responsible=known.responsible_for(kind.code, code)) for code in kind.reasons
    ]
    return ExceptionTypeView(
        code=kind.code, title=kind.title, description=kind.description, priority=kind.priority, responsible=kind.responsible, reasons=reasons,
        sla=DefaultClocks(first_response=kind.sla.first_response, resolution=kind.sla.resolution),
    )  # fmt: skip
