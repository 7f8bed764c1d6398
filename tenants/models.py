"""Tables of the tenants room; they mirror migrations/initial/20_tenants.sql."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.tables import TenantRow
from tenants.access_tables import Acting, ActingEntry, Consent
from tenants.identity_tables import ExternalIdentity, IdentityProvider, PendingSignIn
from tenants.tables import of_customer as _customer
from tenants.tables import of_user as _user
from tenants.tables import scoped as _scoped

__all__ = [
    "Acting", "ActingEntry", "ApiKey", "Consent", "CustomRole", "Customer", "ExternalIdentity", "IdentityProvider", "KeyUse", "Membership",
    "PendingSignIn", "Session", "SessionUse", "SignInLink", "User",
]  # fmt: skip

_CONFIGURATION = {"data_class": "configuration", "retention": "forever", "erasure": "with_customer"}
_PERSONAL = {"data_class": "personal", "retention": "forever", "erasure": "with_person"}


class Customer(TenantRow):
    """An end customer of the partner: the second scope inside a tenant. `sla` is its contract (tenants/sla.py), None for none."""

    __tablename__ = "customer"
    __table_args__ = (
        UniqueConstraint("tenant_id", "slug"),
        CheckConstraint("customer_id = id"),
        _scoped("customer"),
        {"schema": "tenants", "info": _CONFIGURATION},
    )
    customer_id: Mapped[UUID]
    slug: Mapped[str]
    name: Mapped[str]
    sla: Mapped[dict[str, Any] | None]
    locale: Mapped[str] = mapped_column(server_default="en")
    zone: Mapped[str] = mapped_column(server_default="UTC")
    status: Mapped[str] = mapped_column(server_default="active")
    created_at: Mapped[datetime]


class User(TenantRow):
    """A person, of the partner (no customer) or of one customer; known by an address in lower case."""

    __tablename__ = "user"
    __table_args__ = (
        UniqueConstraint("tenant_id", "email", "customer_id", postgresql_nulls_not_distinct=True),
        _customer(),
        _scoped("user"),
        {"schema": "tenants", "info": _PERSONAL},
    )
    customer_id: Mapped[UUID | None]
    email: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="")
    locale: Mapped[str | None]
    zone: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="active")
    created_at: Mapped[datetime]


class Membership(TenantRow):
    """A user's role, for the whole tenant or for one customer."""

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("tenant_id", "user_id", "role", "customer_id", postgresql_nulls_not_distinct=True),
        _user(),
        _customer(),
        _scoped("membership"),
        {"schema": "tenants", "info": _PERSONAL},
    )
    customer_id: Mapped[UUID | None]
    user_id: Mapped[UUID]
    role: Mapped[str]
    created_at: Mapped[datetime]


class CustomRole(TenantRow):
    """A role the partner made by combining permissions."""

    __tablename__ = "role"
    __table_args__ = (UniqueConstraint("tenant_id", "name"), {"schema": "tenants", "info": _CONFIGURATION})
    name: Mapped[str]
    scope: Mapped[str]
    permissions: Mapped[list[str]]
    created_at: Mapped[datetime]


class ApiKey(TenantRow):
    """A key: what it may do, for whom, from where and how long. Of the secret only its hash is kept.

    While it overlaps with its successor both work; `expires_at` then says until when. `rotate_days` is how long it, and each
    successor, may be used before it must be rotated.
    """

    __tablename__ = "api_key"
    __table_args__ = (
        UniqueConstraint("tenant_id", "public_id"),
        _customer(),
        ForeignKeyConstraint(["tenant_id", "successor_id"], ["tenants.api_key.tenant_id", "tenants.api_key.id"]),
        _scoped("api_key"),
        CheckConstraint("rotate_days between 1 and 366"),
        Index("api_key_successor", "tenant_id", "successor_id", postgresql_where=text("successor_id is not null")),
        {"schema": "tenants", "info": {"data_class": "secret", "retention": "forever", "erasure": "with_customer"}},
    )
    customer_id: Mapped[UUID | None]
    public_id: Mapped[str]
    shown: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(info={"secret": True})
    name: Mapped[str]
    scope: Mapped[str]
    roles: Mapped[list[str]]
    source: Mapped[str | None]
    addresses: Mapped[list[str]]
    expires_at: Mapped[datetime | None]
    rotate_days: Mapped[int | None]
    successor_id: Mapped[UUID | None]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class KeyUse(TenantRow):
    """When a key was last used, to the minute."""

    __tablename__ = "key_use"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "id"], ["tenants.api_key.tenant_id", "tenants.api_key.id"]),
        _scoped("key_use"),
        {"schema": "tenants", "info": {"data_class": "telemetry", "retention": "forever", "erasure": "with_customer", "derived": True}},
    )
    customer_id: Mapped[UUID | None]
    used_at: Mapped[datetime]


class Session(TenantRow):
    """Somebody signed in, on one host of the tenant; found by the hash of what the browser holds.

    `strength` says how ("email", or "provider" with its id), `device` roughly with what. `focus_id` is the one customer
    that somebody of the partner works for in this session, when they don't serve the whole tenant.
    """

    __tablename__ = "session"
    __table_args__ = (
        _user(),
        _customer(),
        _scoped("session"),
        Index("session_of_user", "tenant_id", "user_id", "id"),
        {"schema": "tenants", "info": {"data_class": "personal", "retention": "P90D", "erasure": "with_person"}},
    )
    customer_id: Mapped[UUID | None]
    user_id: Mapped[UUID]
    host: Mapped[str]
    strength: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(info={"secret": True})
    authenticated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    device: Mapped[str] = mapped_column(server_default="")
    provider_id: Mapped[UUID | None]
    focus_id: Mapped[UUID | None]


class SessionUse(TenantRow):
    """When a session was last used, to the minute."""

    __tablename__ = "session_use"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "id"], ["tenants.session.tenant_id", "tenants.session.id"]),
        _scoped("session_use"),
        {"schema": "tenants", "info": {"data_class": "telemetry", "retention": "P90D", "erasure": "with_person", "derived": True}},
    )
    customer_id: Mapped[UUID | None]
    used_at: Mapped[datetime]


class DirectoryEntry(TenantRow):
    """Somebody a directory keeps in step with its own; `id` is the user's. Taken away again, the row stays with `removed_at`."""

    __tablename__ = "directory_entry"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "id"], ["tenants.user.tenant_id", "tenants.user.id"]),
        CheckConstraint("length(external_id) between 1 and 500"),
        _scoped("directory_entry"),
        Index("directory_entry_external", "tenant_id", "external_id", postgresql_where=text("external_id is not null")),
        {"schema": "tenants", "info": _PERSONAL},
    )
    customer_id: Mapped[UUID | None]
    external_id: Mapped[str | None]
    changed_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class SignInLink(TenantRow):
    """A link sent to somebody's address; whoever posts to it before it expires is signed in, once, and led on to `next`."""

    __tablename__ = "sign_in_link"
    __table_args__ = (
        _user(),
        _customer(),
        _scoped("sign_in_link"),
        Index("sign_in_link_of_user", "tenant_id", "user_id", "id"),
        {"schema": "tenants", "info": {"data_class": "personal", "retention": "P90D", "erasure": "with_person"}},
    )
    customer_id: Mapped[UUID | None]
    user_id: Mapped[UUID]
    host: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(info={"secret": True})
    next: Mapped[str] = mapped_column(server_default="")
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
