"""Tables of the canonical room; they mirror migrations/initial/30_canonical.sql."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.tables import TenantRow

_OPERATIONAL = {"data_class": "operational", "retention": "P2555D", "erasure": "with_customer"}
_PERSONAL = {"data_class": "personal", "retention": "P2555D", "erasure": "with_customer"}
_EVIDENCE = {"data_class": "evidence", "retention": "P2555D", "erasure": "with_customer"}
_JSON = JSONB(none_as_null=True)


def _to(table: str, column: str, schema: str = "canonical") -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", column], [f"{schema}.{table}.tenant_id", f"{schema}.{table}.id"])


def _customer() -> ForeignKeyConstraint:
    return _to("customer", "customer_id", "tenants")


def _scoped(table: str) -> Index:
    return Index(f"{table}_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id")


class Location(TenantRow):
    """A place a message named; the same words are the same place."""

    __tablename__ = "location"
    __table_args__ = (
        UniqueConstraint("tenant_id", "customer_id", "key"),
        _customer(),
        _scoped("location"),
        {"schema": "canonical", "info": _PERSONAL},
    )
    customer_id: Mapped[UUID]
    key: Mapped[str]
    name: Mapped[str]
    code: Mapped[str]
    street: Mapped[str]
    city: Mapped[str]
    region: Mapped[str]
    postal_code: Mapped[str]
    country: Mapped[str]
    created_at: Mapped[datetime]


class Party(TenantRow):
    """A shipper, consignee, carrier or broker as messages name it."""

    __tablename__ = "party"
    __table_args__ = (
        UniqueConstraint("tenant_id", "customer_id", "key"),
        _customer(),
        _to("location", "location_id"),
        Index("party_location", "tenant_id", "location_id"),
        _scoped("party"),
        {"schema": "canonical", "info": _PERSONAL},
    )
    customer_id: Mapped[UUID]
    key: Mapped[str]
    role: Mapped[str]
    name: Mapped[str]
    code: Mapped[str]
    location_id: Mapped[UUID | None]
    created_at: Mapped[datetime]


class Order(TenantRow):
    """A customer's order; `field_times` says when each field was told, so that the newest word stands. Money in minor units."""

    __tablename__ = "order"
    __table_args__ = (
        UniqueConstraint("tenant_id", "customer_id", "number_key"),
        CheckConstraint("number_key = lower(number_key)"),
        _customer(),
        Index("order_number", "tenant_id", "number_key", "id"),
        _scoped("order"),
        {"schema": "canonical", "info": _OPERATIONAL},
    )
    customer_id: Mapped[UUID]
    number: Mapped[str]
    number_key: Mapped[str]
    account: Mapped[str | None]
    status: Mapped[str | None]
    value_minor: Mapped[int | None]
    currency: Mapped[str | None]
    priority: Mapped[str | None]
    regulated: Mapped[bool | None]
    goods_class: Mapped[str | None]
    un_number: Mapped[str | None]
    sku: Mapped[str | None]
    site: Mapped[str | None]
    ship_by: Mapped[datetime | None]
    deliver_by: Mapped[datetime | None]
    penalty_minor: Mapped[int | None]
    cutoff_missed: Mapped[bool] = mapped_column(server_default=text("false"))
    field_times: Mapped[dict[str, Any]]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class OrderLine(TenantRow):
    """One line of an order, in the order it was told."""

    __tablename__ = "order_line"
    __table_args__ = (
        UniqueConstraint("tenant_id", "order_id", "position"),
        CheckConstraint("quantity >= 0"),
        _to("order", "order_id"),
        _scoped("order_line"),
        {"schema": "canonical", "info": _OPERATIONAL},
    )
    customer_id: Mapped[UUID]
    order_id: Mapped[UUID]
    position: Mapped[int]
    sku: Mapped[str]
    quantity: Mapped[int]
    description: Mapped[str]
    regulated: Mapped[bool]


class Shipment(TenantRow):
    """A shipment and how far it is (milestones.State); `number` is its best reference."""

    __tablename__ = "shipment"
    __table_args__ = (
        _customer(),
        _to("order", "order_id"),
        Index("shipment_order", "tenant_id", "order_id", "id"),
        Index("shipment_status", "tenant_id", "status", "id"),
        _scoped("shipment"),
        {"schema": "canonical", "info": _OPERATIONAL},
    )
    customer_id: Mapped[UUID]
    number: Mapped[str]
    order_id: Mapped[UUID | None]
    status: Mapped[str]
    status_at: Mapped[datetime | None]
    status_code: Mapped[str] = mapped_column(server_default="")
    reason_code: Mapped[str] = mapped_column(server_default="")
    eta: Mapped[datetime | None]
    eta_reported_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    carrier: Mapped[str | None]
    service: Mapped[str | None]
    pieces: Mapped[int | None]
    weight_grams: Mapped[int | None]
    origin: Mapped[dict[str, Any] | None] = mapped_column(_JSON)
    destination: Mapped[dict[str, Any] | None] = mapped_column(_JSON)
    stops: Mapped[list[Any] | None] = mapped_column(_JSON)
    field_times: Mapped[dict[str, Any]]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ShipmentReference(TenantRow):
    """One number a shipment goes by; an identifying one belongs to one shipment of a customer."""

    __tablename__ = "shipment_reference"
    __table_args__ = (
        UniqueConstraint("tenant_id", "shipment_id", "kind", "value_key"),
        CheckConstraint("value_key = lower(value_key)"),
        _to("shipment", "shipment_id"),
        Index("shipment_identity", "tenant_id", "customer_id", "kind", "value_key", unique=True, postgresql_where=text("is_identity")),
        Index("shipment_reference_value", "tenant_id", "value_key", "shipment_id"),
        _scoped("shipment_reference"),
        {"schema": "canonical", "info": _OPERATIONAL},
    )
    customer_id: Mapped[UUID]
    shipment_id: Mapped[UUID]
    kind: Mapped[str]
    value: Mapped[str]
    value_key: Mapped[str]
    is_identity: Mapped[bool]


class ShipmentParty(TenantRow):
    """Who takes part in a shipment, as what."""

    __tablename__ = "shipment_party"
    __table_args__ = (
        UniqueConstraint("tenant_id", "shipment_id", "role", "party_id"),
        _to("shipment", "shipment_id"),
        _to("party", "party_id"),
        Index("shipment_party_party", "tenant_id", "party_id"),
        _scoped("shipment_party"),
        {"schema": "canonical", "info": _OPERATIONAL},
    )
    customer_id: Mapped[UUID]
    shipment_id: Mapped[UUID]
    party_id: Mapped[UUID]
    role: Mapped[str]


class Milestone(TenantRow):
    """One report about a shipment, kept once; `moved` says whether it moved the shipment's status when it came."""

    __tablename__ = "milestone"
    __table_args__ = (
        UniqueConstraint(
            "tenant_id",
            "shipment_id",
            "milestone",
            "kind",
            "at",
            "expected_at",
            "status_code",
            "reason_code",
            postgresql_nulls_not_distinct=True,
        ),
        _to("shipment", "shipment_id"),
        _scoped("milestone"),
        {"schema": "canonical", "info": _OPERATIONAL},
    )
    customer_id: Mapped[UUID]
    shipment_id: Mapped[UUID]
    milestone: Mapped[str]
    kind: Mapped[str]
    at: Mapped[datetime]
    expected_at: Mapped[datetime | None]
    status_code: Mapped[str]
    reason_code: Mapped[str]
    location: Mapped[dict[str, Any] | None] = mapped_column(_JSON)
    description: Mapped[str | None]
    moved: Mapped[bool]
    signal_id: Mapped[UUID | None]
    recorded_at: Mapped[datetime]


class InventoryPosition(TenantRow):
    """How many units of an article are at a site, by the newest count."""

    __tablename__ = "inventory_position"
    __table_args__ = (
        UniqueConstraint("tenant_id", "customer_id", "sku_key", "site"),
        CheckConstraint("sku_key = lower(sku_key)"),
        _customer(),
        Index("inventory_position_sku", "tenant_id", "sku_key", "id"),
        _scoped("inventory_position"),
        {"schema": "canonical", "info": _OPERATIONAL},
    )
    customer_id: Mapped[UUID]
    sku: Mapped[str]
    sku_key: Mapped[str]
    site: Mapped[str]
    on_hand: Mapped[int | None]
    reserved: Mapped[int | None]
    available: Mapped[int | None]
    unit: Mapped[str | None]
    field_times: Mapped[dict[str, Any]]
    observed_at: Mapped[datetime]
    version: Mapped[int]


class Document(TenantRow):
    """A paper about an order or shipment: required, uploaded, refused with findings, verified, or only reported to exist elsewhere."""

    __tablename__ = "document"
    __table_args__ = (
        UniqueConstraint("tenant_id", "customer_id", "key"),
        _customer(),
        _to("order", "order_id"),
        _to("shipment", "shipment_id"),
        Index("document_order", "tenant_id", "order_id", "id"),
        Index("document_shipment", "tenant_id", "shipment_id", "id"),
        Index("document_case", "tenant_id", "case_id", "id"),
        _scoped("document"),
        {"schema": "canonical", "info": _EVIDENCE},
    )
    customer_id: Mapped[UUID]
    kind: Mapped[str]
    key: Mapped[str]
    order_id: Mapped[UUID | None]
    shipment_id: Mapped[UUID | None]
    case_id: Mapped[UUID | None]
    status: Mapped[str]
    number: Mapped[str | None]
    valid_until: Mapped[date | None]
    fields: Mapped[dict[str, Any] | None] = mapped_column(_JSON)
    findings: Mapped[list[Any]]
    content_id: Mapped[UUID | None]
    required_at: Mapped[datetime | None]
    uploaded_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[str | None]
    created_at: Mapped[datetime]
    version: Mapped[int]


class DocumentContent(TenantRow):
    """One upload as it came; never shown inline, always handed out as a download."""

    __tablename__ = "document_content"
    __table_args__ = (
        CheckConstraint("size between 1 and 26214400"),
        _to("document", "document_id"),
        Index("document_content_document", "tenant_id", "document_id", "id"),
        _scoped("document_content"),
        {"schema": "canonical", "info": _EVIDENCE},
    )
    customer_id: Mapped[UUID]
    case_id: Mapped[UUID | None]
    document_id: Mapped[UUID]
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    content: Mapped[bytes] = mapped_column(deferred=True, deferred_raiseload=True)
    uploaded_by: Mapped[str]
    uploaded_at: Mapped[datetime]


class Promise(TenantRow):
    """A step expected by a time, with its grace in minutes; it is kept or missed, and its absence is an event."""

    __tablename__ = "promise"
    __table_args__ = (
        UniqueConstraint("tenant_id", "customer_id", "order_id", "shipment_id", "name", postgresql_nulls_not_distinct=True),
        CheckConstraint("order_id is not null or shipment_id is not null"),
        _customer(),
        _to("order", "order_id"),
        _to("shipment", "shipment_id"),
        Index("promise_order", "tenant_id", "order_id", "id"),
        Index("promise_shipment", "tenant_id", "shipment_id", "id"),
        Index("promise_due", "tenant_id", "status", "due_at", "id"),
        _scoped("promise"),
        {"schema": "canonical", "info": _OPERATIONAL},
    )
    customer_id: Mapped[UUID]
    order_id: Mapped[UUID | None]
    shipment_id: Mapped[UUID | None]
    name: Mapped[str]
    milestone: Mapped[str]
    due_at: Mapped[datetime]
    grace_minutes: Mapped[int]
    status: Mapped[str]
    kept_at: Mapped[datetime | None]
    missed_at: Mapped[datetime | None]
    said_at: Mapped[datetime]
    created_at: Mapped[datetime]
    version: Mapped[int]


class SearchEntry(TenantRow):
    """What one thing can be found by, under the thing's own id; follows from the commands that change it (search.py)."""

    __tablename__ = "search_entry"
    __table_args__ = (
        CheckConstraint("kind in ('shipment', 'order', 'case', 'document', 'party')"),
        CheckConstraint("cardinality(names) = cardinality(said)"),
        _customer(),
        _scoped("search_entry"),
        {"schema": "canonical", "info": _PERSONAL | {"derived": True}},
    )
    customer_id: Mapped[UUID]
    kind: Mapped[str]
    label: Mapped[str]
    names: Mapped[list[str]]
    said: Mapped[list[str]]
    keys: Mapped[str]
