"""The core's own tables: the closed list of platform tables, the event store and the keys of repeated requests."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.tables import Int, PlatformRow, TenantRow


class SigningKey(PlatformRow):
    __tablename__ = "signing_key"
    __table_args__ = {"schema": "core", "info": {"class": "platform"}}  # noqa: RUF012
    kid: Mapped[int] = mapped_column(Int, primary_key=True, autoincrement=False)
    ipad: Mapped[bytes]
    opad: Mapped[bytes]
    created_at: Mapped[datetime]


class TenantTableOption(PlatformRow):
    __tablename__ = "tenant_table_option"
    __table_args__ = {"schema": "core", "info": {"class": "platform"}}  # noqa: RUF012
    name: Mapped[str] = mapped_column(primary_key=True)
    customer: Mapped[bool]
    append_only: Mapped[bool]
    no_delete: Mapped[bool]
    case_column: Mapped[str | None]


class Partner(PlatformRow):
    """A company that resells the product."""

    __tablename__ = "partner"
    __table_args__ = (UniqueConstraint("slug"), UniqueConstraint("event_namespace"), {"schema": "core", "info": {"class": "platform"}})
    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str]
    name: Mapped[str]
    type: Mapped[str]
    event_namespace: Mapped[str]
    status: Mapped[str]
    created_at: Mapped[datetime]


class Tenant(PlatformRow):
    """One partner's environment: the unit of isolation."""

    __tablename__ = "tenant"
    __table_args__ = (UniqueConstraint("partner_id", "environment"), {"schema": "core", "info": {"class": "platform"}})
    id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[UUID]
    environment: Mapped[str]
    weight: Mapped[int] = mapped_column(Int)
    status: Mapped[str]
    created_at: Mapped[datetime]


class DomainLookup(PlatformRow):
    __tablename__ = "domain_lookup"
    __table_args__ = {"schema": "core", "info": {"class": "platform"}}  # noqa: RUF012
    host: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    domain_id: Mapped[UUID]


class KeyLookup(PlatformRow):
    __tablename__ = "key_lookup"
    __table_args__ = {"schema": "core", "info": {"class": "platform"}}  # noqa: RUF012
    public_id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    key_id: Mapped[UUID]


class TokenLookup(PlatformRow):
    __tablename__ = "token_lookup"
    __table_args__ = {"schema": "core", "info": {"class": "platform"}}  # noqa: RUF012
    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    kind: Mapped[str]
    tenant_id: Mapped[UUID]
    subject_id: Mapped[UUID]
    expires_at: Mapped[datetime | None]


class PlatformKey(PlatformRow):
    """An API key of the platform's operator."""

    __tablename__ = "platform_key"
    __table_args__ = (UniqueConstraint("public_id"), {"schema": "core", "info": {"class": "platform"}})
    id: Mapped[UUID] = mapped_column(primary_key=True)
    public_id: Mapped[str]
    secret_hash: Mapped[bytes]
    name: Mapped[str]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class PlatformLog(PlatformRow):
    """What the platform's operator did across the wall, with its reason."""

    __tablename__ = "platform_log"
    __table_args__ = {"schema": "core", "info": {"class": "platform"}}  # noqa: RUF012
    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    reason: Mapped[str]
    tenant_id: Mapped[UUID | None]
    action: Mapped[str]
    data: Mapped[dict[str, Any]]


class DispatcherLease(PlatformRow):
    __tablename__ = "dispatcher_lease"
    __table_args__ = {"schema": "core", "info": {"class": "platform"}}  # noqa: RUF012
    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[UUID]
    expires_at: Mapped[datetime]


class Work(PlatformRow):
    """Something due: tenant, kind and subject ids, never a payload."""

    __tablename__ = "work"
    __table_args__ = (UniqueConstraint("tenant_id", "kind", "subject"), {"schema": "core", "info": {"class": "platform"}})
    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    kind: Mapped[str]
    subject: Mapped[UUID]
    subjects: Mapped[list[UUID] | None]
    class_: Mapped[int] = mapped_column("class", SmallInteger)
    ready: Mapped[bool]
    due: Mapped[datetime]
    tries: Mapped[int] = mapped_column(Int)
    version: Mapped[int] = mapped_column(Int)
    token: Mapped[UUID | None]
    error: Mapped[str | None]
    parked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class EventRow(TenantRow):
    """One fact that happened, as written with the change it tells of."""

    __tablename__ = "event"
    __table_args__ = {"schema": "core", "info": {"data_class": "evidence", "retention": "forever", "erasure": "with_person"}}  # noqa: RUF012
    customer_id: Mapped[UUID | None]
    type: Mapped[str]
    key: Mapped[str | None]
    recorded_at: Mapped[datetime]
    envelope: Mapped[dict[str, Any]]


class Idempotency(TenantRow):
    """The answer to a request with an Idempotency-Key, kept so that the same request gets the same answer."""

    __tablename__ = "idempotency"
    __table_args__ = (
        UniqueConstraint("tenant_id", "principal", "key"),
        {"schema": "core", "info": {"data_class": "operational", "retention": "P1D", "erasure": "with_customer", "derived": True}},
    )
    customer_id: Mapped[UUID | None]
    principal: Mapped[str]
    key: Mapped[str]
    request_hash: Mapped[bytes]
    status: Mapped[int | None] = mapped_column(Int)
    headers: Mapped[dict[str, Any] | None]
    body: Mapped[bytes | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
