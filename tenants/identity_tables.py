"""Tables of sign-in with other people's providers; they mirror migrations/initial/20_tenants.sql."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.tables import TenantRow
from tenants.tables import of_customer, of_user, scoped


class IdentityProvider(TenantRow):
    """An OpenID provider that vouches for the partner's own people, or (with a customer) for that customer's.

    `issuer` is compared letter by letter. `domains` are the addresses' endings it may vouch for, none for any;
    `confirmed_domains` those by which the sign-in page finds it, which the partner confirms for a customer's own provider.
    """

    __tablename__ = "identity_provider"
    __table_args__ = (
        UniqueConstraint("tenant_id", "customer_id", "name", postgresql_nulls_not_distinct=True),
        of_customer(),
        CheckConstraint("creates_users <= (default_role is not null)"),
        scoped("identity_provider"),
        {"schema": "tenants", "info": {"data_class": "configuration", "retention": "forever", "erasure": "with_customer"}},
    )
    customer_id: Mapped[UUID | None]
    name: Mapped[str]
    issuer: Mapped[str]
    client_id: Mapped[str]
    sealed_secret: Mapped[bytes | None] = mapped_column(info={"secret": True})
    scopes: Mapped[list[str]]
    email_claim: Mapped[str]
    requires_verified_email: Mapped[bool] = mapped_column(server_default="true")
    domains: Mapped[list[str]]
    confirmed_domains: Mapped[list[str]]
    creates_users: Mapped[bool] = mapped_column(server_default="false")
    default_role: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="active")
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class ExternalIdentity(TenantRow):
    """Who an issuer's subject is here, bound by the first sign-in and never silently to another."""

    __tablename__ = "external_identity"
    __table_args__ = (
        UniqueConstraint("tenant_id", "customer_id", "issuer", "subject", postgresql_nulls_not_distinct=True),
        UniqueConstraint("tenant_id", "user_id", "issuer"),
        of_user(),
        of_customer(),
        scoped("external_identity"),
        {"schema": "tenants", "info": {"data_class": "personal", "retention": "forever", "erasure": "with_person"}},
    )
    customer_id: Mapped[UUID | None]
    user_id: Mapped[UUID]
    issuer: Mapped[str]
    subject: Mapped[str]
    bound_at: Mapped[datetime]


class PendingSignIn(TenantRow):
    """A sign-in on its way to a provider and back, known by hashes of what the answer and the browser bring."""

    __tablename__ = "pending_sign_in"
    __table_args__ = (
        UniqueConstraint("tenant_id", "state_hash"),
        of_customer(),
        scoped("pending_sign_in"),
        Index("pending_sign_in_by_expiry", "tenant_id", "expires_at"),
        {"schema": "tenants", "info": {"data_class": "operational", "retention": "P1D", "erasure": "none"}},
    )
    customer_id: Mapped[UUID | None]
    provider_id: Mapped[UUID]
    state_hash: Mapped[bytes] = mapped_column(info={"secret": True})
    browser_hash: Mapped[bytes] = mapped_column(info={"secret": True})
    host: Mapped[str]
    next: Mapped[str] = mapped_column(server_default="")
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
