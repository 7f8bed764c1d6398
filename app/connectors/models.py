"""Tables of the connectors room; they mirror migrations/initial/41_connectors.sql."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.tables import TenantRow


def _of_connection(table: str) -> tuple[Any, ...]:
    return (
        ForeignKeyConstraint(["tenant_id", "connection_id"], ["connectors.connection.tenant_id", "connectors.connection.id"]),
        Index(f"{table}_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id"),
    )


def _about(data_class: str, retention: str = "forever", **more: Any) -> dict[str, Any]:
    return {"schema": "connectors", "info": {"data_class": data_class, "retention": retention, "erasure": "with_customer", **more}}


class Connection(TenantRow):
    """A configured connector: the partner's own (no customer) or one customer's; only granted capabilities can be asked of it."""

    __tablename__ = "connection"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name", "customer_id", postgresql_nulls_not_distinct=True),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["tenants.customer.tenant_id", "tenants.customer.id"]),
        Index("connection_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id"),
        _about("configuration"),
    )
    customer_id: Mapped[UUID | None]
    name: Mapped[str]
    connector: Mapped[str]
    version: Mapped[int]
    status: Mapped[str]
    config: Mapped[dict[str, Any]]
    capabilities: Mapped[list[str]]
    precedence: Mapped[int]
    rate_per_minute: Mapped[int]
    content_hash: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    changed_at: Mapped[datetime]


class ConnectionVersion(TenantRow):
    """What a connection was at each version; calls name the version they used."""

    __tablename__ = "connection_version"
    __table_args__ = (
        UniqueConstraint("tenant_id", "connection_id", "version"),
        *_of_connection("connection_version"),
        _about("configuration"),
    )
    customer_id: Mapped[UUID | None]
    connection_id: Mapped[UUID]
    version: Mapped[int]
    connector: Mapped[str]
    config: Mapped[dict[str, Any]]
    capabilities: Mapped[list[str]]
    precedence: Mapped[int]
    rate_per_minute: Mapped[int]
    content_hash: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class Credential(TenantRow):
    """The secret of a connection, sealed; written, never read back to anybody."""

    __tablename__ = "credential"
    __table_args__ = (UniqueConstraint("tenant_id", "connection_id"), *_of_connection("credential"), _about("secret"))
    customer_id: Mapped[UUID | None]
    connection_id: Mapped[UUID]
    sealed: Mapped[bytes] = mapped_column(info={"secret": True})
    rotated_at: Mapped[datetime]
    rotated_by: Mapped[str]


class AccessToken(TenantRow):
    """A short-lived token got with a credential, sealed."""

    __tablename__ = "access_token"
    __table_args__ = (
        UniqueConstraint("tenant_id", "connection_id"),
        *_of_connection("access_token"),
        _about("secret", "P1D", derived=True),
    )
    customer_id: Mapped[UUID | None]
    connection_id: Mapped[UUID]
    sealed: Mapped[bytes] = mapped_column(info={"secret": True})
    expires_at: Mapped[datetime]


class CircuitBreaker(TenantRow):
    """Whether a connection is worth trying, and when its next call may leave: shared by all processes."""

    __tablename__ = "circuit_breaker"
    __table_args__ = (
        UniqueConstraint("tenant_id", "connection_id"),
        *_of_connection("circuit_breaker"),
        _about("telemetry", derived=True),
    )
    customer_id: Mapped[UUID | None]
    connection_id: Mapped[UUID]
    state: Mapped[str]
    failures: Mapped[int]
    trips: Mapped[int]
    retry_at: Mapped[datetime | None]
    next_slot_at: Mapped[datetime | None]


class Call(TenantRow):
    """One recorded use of a connection: what was asked, how it went on the way (`mediation`), what came back."""

    __tablename__ = "call"
    __table_args__ = (
        UniqueConstraint("tenant_id", "effect_key"),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["tenants.customer.tenant_id", "tenants.customer.id"]),
        *_of_connection("call"),
        Index("call_connection", "tenant_id", "connection_id", "id"),
        Index("call_case", "tenant_id", "case_id", "id", postgresql_where=text("(case_id IS NOT NULL)")),
        Index("call_status", "tenant_id", "status", "id"),
        _about("operational", "P400D"),
    )
    customer_id: Mapped[UUID | None]
    case_id: Mapped[UUID | None]
    run_id: Mapped[UUID | None]
    connection_id: Mapped[UUID]
    connection_version: Mapped[int]
    connector: Mapped[str]
    operation: Mapped[str]
    capability: Mapped[str]
    has_effect: Mapped[bool]
    effect_key: Mapped[str]
    params_hash: Mapped[str]
    params: Mapped[dict[str, Any]]
    actor: Mapped[str]
    status: Mapped[str]
    token: Mapped[UUID | None]
    attempts: Mapped[int]
    request: Mapped[dict[str, Any] | None]
    answer: Mapped[dict[str, Any] | None]
    response: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    error: Mapped[dict[str, Any] | None]
    mediation: Mapped[dict[str, Any]]
    settled_by: Mapped[str | None]
    note: Mapped[str | None]
    started_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    took_ms: Mapped[int | None]
