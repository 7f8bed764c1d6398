"""Tables of the ingest room; they mirror migrations/initial/50_ingest.sql."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.tables import TenantRow

_CONFIGURATION = {"data_class": "configuration", "retention": "forever", "erasure": "with_customer"}
_OPERATIONAL = {"data_class": "operational", "retention": "P400D", "erasure": "with_customer"}


def _customer() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", "customer_id"], ["tenants.customer.tenant_id", "tenants.customer.id"])


def _scoped(table: str) -> Index:
    return Index(f"{table}_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id")


class Source(TenantRow):
    """A configured way in. `token` is the unguessable part of a webhook's public address; `zone` is assumed for times without one."""

    __tablename__ = "source"
    __table_args__ = (UniqueConstraint("tenant_id", "name"), _customer(), _scoped("source"), {"schema": "ingest", "info": _CONFIGURATION})
    customer_id: Mapped[UUID | None]
    name: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="active")
    mapping: Mapped[str | None]
    verify: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    zone: Mapped[str | None]
    strict: Mapped[bool] = mapped_column(server_default=text("false"))
    token: Mapped[str] = mapped_column(info={"secret": True})
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class SourceSecret(TenantRow):
    """A signing secret of a source, sealed. While it rotates two are valid; `expires_at` says until when the older one is."""

    __tablename__ = "source_secret"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "source_id"], ["ingest.source.tenant_id", "ingest.source.id"]),
        Index("source_secret_of_source", "tenant_id", "source_id", "id"),
        {"schema": "ingest", "info": {"data_class": "secret", "retention": "forever", "erasure": "with_customer"}},
    )
    source_id: Mapped[UUID]
    sealed: Mapped[bytes] = mapped_column(info={"secret": True})
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class Signal(TenantRow):
    """One message exactly as received. `source` is the name of the way in."""

    __tablename__ = "signal"
    __table_args__ = (
        _scoped("signal"),
        {"schema": "ingest", "info": {"data_class": "personal", "retention": "P400D", "erasure": "with_customer"}},
    )
    customer_id: Mapped[UUID | None]
    source: Mapped[str]
    kind: Mapped[str]
    sender_id: Mapped[str | None]
    content_type: Mapped[str]
    headers: Mapped[dict[str, Any]]
    trace: Mapped[str | None]
    raw: Mapped[bytes]
    received_at: Mapped[datetime]


class Receipt(TenantRow):
    """What became of a signal, under the signal's id: how many items it held, the events they gave, duplicates and parked ones."""

    __tablename__ = "receipt"
    __table_args__ = (
        _scoped("receipt"),
        Index("receipt_by_source", "tenant_id", "source", "id"),
        Index("receipt_by_status", "tenant_id", "status", "id"),
        {"schema": "ingest", "info": _OPERATIONAL},
    )
    customer_id: Mapped[UUID | None]
    source: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="accepted")
    items: Mapped[int] = mapped_column(server_default=text("0"))
    events: Mapped[int] = mapped_column(server_default=text("0"))
    duplicates: Mapped[int] = mapped_column(server_default=text("0"))
    parked: Mapped[int] = mapped_column(server_default=text("0"))
    mapping: Mapped[str | None]
    mapping_version: Mapped[int | None]
    received_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class SignalKey(TenantRow):
    """What makes two messages, or two documents inside messages, the same."""

    __tablename__ = "signal_key"
    __table_args__ = (UniqueConstraint("tenant_id", "key"), {"schema": "ingest", "info": _OPERATIONAL | {"derived": True}})
    key: Mapped[bytes]
    signal_id: Mapped[UUID]
    body_hash: Mapped[bytes]


class ParkedSignal(TenantRow):
    """One item of a signal that needs a person: why, in a sentence, and what to do before it is replayed."""

    __tablename__ = "parked_signal"
    __table_args__ = (
        UniqueConstraint("tenant_id", "signal_id", "item"),
        _scoped("parked_signal"),
        Index("parked_signal_open", "tenant_id", "id", postgresql_where=text("status = 'open'")),
        Index("parked_signal_by_reason", "tenant_id", "reason", "id", postgresql_where=text("status = 'open'")),
        {"schema": "ingest", "info": _OPERATIONAL},
    )
    customer_id: Mapped[UUID | None]
    signal_id: Mapped[UUID]
    item: Mapped[int]
    label: Mapped[str]
    source: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[str]
    remedy: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="open")
    parked_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class Mapping(TenantRow):
    """A version of a jq program that turns one item of a signal into canonical events; immutable once published."""

    __tablename__ = "mapping"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name", "version", "customer_id", postgresql_nulls_not_distinct=True),
        _customer(),
        _scoped("mapping"),
        Index(
            "mapping_published", "tenant_id", "name", "customer_id", unique=True,
            postgresql_where=text("status = 'published'"), postgresql_nulls_not_distinct=True,
        ),
        {"schema": "ingest", "info": _CONFIGURATION},
    )  # fmt: skip
    customer_id: Mapped[UUID | None]
    name: Mapped[str]
    version: Mapped[int]
    status: Mapped[str]
    content: Mapped[str]
    content_hash: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class AttributionRule(TenantRow):
    """A customer's claim to signals: a CEL condition, for one source or any. A changed set of rules is a new version of all of them."""

    __tablename__ = "attribution_rule"
    __table_args__ = (
        _customer(),
        _scoped("attribution_rule"),
        Index("attribution_rule_live", "tenant_id", "customer_id", "id", postgresql_where=text("status = 'published'")),
        {"schema": "ingest", "info": _CONFIGURATION},
    )
    customer_id: Mapped[UUID]
    source: Mapped[str | None]
    content: Mapped[str]
    version: Mapped[int]
    status: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
