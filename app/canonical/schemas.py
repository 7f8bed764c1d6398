"""Shapes that cross the room's door; the JSON Schemas published for shipment, order, inventory position and exception are made of them."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Kind = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{1,62}$")]


class Reference(msgspec.Struct, kw_only=True):
    """One number a shipment goes by."""

    kind: str
    value: str


class MilestoneView(msgspec.Struct, kw_only=True):
    """One report about a shipment; `moved` is false for one that came late."""

    milestone: str
    kind: str
    at: datetime
    expected_at: datetime | None
    status_code: str
    reason_code: str
    location: dict[str, Any] | None
    description: str | None
    moved: bool
    recorded_at: datetime


class PartyOf(msgspec.Struct, kw_only=True):
    """Who takes part, as what."""

    id: UUID
    role: str
    name: str
    code: str


class Leg(msgspec.Struct, kw_only=True):
    """From one planned stop to the next."""

    origin: dict[str, Any]
    destination: dict[str, Any]
    planned_at: str | None


class ShipmentRow(msgspec.Struct, kw_only=True):
    """A shipment in a list; `eta` is the newest estimate, `status` the furthest milestone."""

    id: UUID
    customer: UUID
    number: str
    order: UUID | None
    status: str
    status_at: datetime | None
    eta: datetime | None
    last_seen_at: datetime | None
    carrier: str | None
    service: str | None


class ShipmentView(ShipmentRow, kw_only=True):
    """A shipment in full. Weight in grams; at most the newest 100 milestones, newest first."""

    status_code: str
    reason_code: str
    pieces: int | None
    weight_grams: int | None
    origin: dict[str, Any] | None
    destination: dict[str, Any] | None
    stops: list[dict[str, Any]]
    legs: list[Leg]
    references: list[Reference]
    parties: list[PartyOf]
    milestones: list[MilestoneView]


class LineView(msgspec.Struct, kw_only=True):
    """One order line."""

    sku: str
    quantity: int
    description: str
    regulated: bool


class OrderRow(msgspec.Struct, kw_only=True):
    """An order in a list; money in minor units of `currency`."""

    id: UUID
    customer: UUID
    number: str
    account: str | None
    status: str | None
    value_minor: int | None
    currency: str | None
    priority: str | None
    regulated: bool | None
    ship_by: datetime | None
    deliver_by: datetime | None
    cutoff_missed: bool


class OrderView(OrderRow, kw_only=True):
    """An order in full; `said_at` tells for each field when it was said."""

    goods_class: str | None
    un_number: str | None
    sku: str | None
    site: str | None
    penalty_minor: int | None
    lines: list[LineView]
    shipments: list[UUID]
    said_at: dict[str, str]


class InventoryPositionView(msgspec.Struct, kw_only=True):
    """How many units of an article are at a site, by the newest count."""

    id: UUID
    customer: UUID
    sku: str
    site: str
    on_hand: int | None
    reserved: int | None
    available: int | None
    unit: str | None
    observed_at: datetime


class PartyView(PartyOf, kw_only=True):
    """A party as messages name it."""

    customer: UUID
    location: UUID | None


class LocationView(msgspec.Struct, kw_only=True):
    """A place as messages name it."""

    id: UUID
    customer: UUID
    name: str
    code: str
    street: str
    city: str
    region: str
    postal_code: str
    country: str


class NewPromise(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A step promised for an order or a shipment; promising it again moves it."""

    name: Name
    milestone: Kind
    due_at: Annotated[datetime, msgspec.Meta(tz=True)]
    grace_minutes: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 0
    order: UUID | None = None
    shipment: UUID | None = None


class PromiseView(msgspec.Struct, kw_only=True):
    """A promise and what became of it: open, kept or missed."""

    id: UUID
    customer: UUID
    order: UUID | None
    shipment: UUID | None
    name: str
    milestone: str
    due_at: datetime
    grace_minutes: int
    status: str
    kept_at: datetime | None
    missed_at: datetime | None


class NewDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A document to be required for an order or a shipment."""

    kind: Kind
    order: UUID | None = None
    shipment: UUID | None = None


class Finding(msgspec.Struct, kw_only=True):
    """What is missing or wrong in a document, and what to do; `code` says how (`missing`, `differs`, `passed`, `unreadable_date` …)."""

    pointer: str
    detail: str
    remedy: str = ""
    code: str = ""
    value: str = ""
    expected: str = ""


class DocumentView(msgspec.Struct, kw_only=True):
    """A document: required, uploaded, refused with findings, verified, or reported to exist elsewhere."""

    id: UUID
    customer: UUID
    kind: str
    title: str
    status: str
    order: UUID | None
    shipment: UUID | None
    case: UUID | None
    number: str | None
    valid_until: date | None
    fields: dict[str, Any] | None
    findings: list[Finding]
    required_at: datetime | None
    uploaded_at: datetime | None
    verified_at: datetime | None


class ExceptionView(msgspec.Struct, kw_only=True):
    """An exception: what went wrong (type), why (reason), who answers for it, and the priority it gets by itself."""

    type: str
    reason: str
    responsible: str
    priority: str
    title: str


class DefaultClocks(msgspec.Struct, kw_only=True):
    """ISO 8601 durations on the customer's calendar."""

    first_response: str
    resolution: str


class ReasonView(msgspec.Struct, kw_only=True):
    """A reason of an exception type and who usually answers for it."""

    code: str
    title: str
    responsible: str


class ExceptionTypeView(msgspec.Struct, kw_only=True):
    """A type of exception as a customer reads it, with its reasons and defaults."""

    code: str
    title: str
    description: str
    priority: str
    sla: DefaultClocks
    responsible: str
    reasons: list[ReasonView]
