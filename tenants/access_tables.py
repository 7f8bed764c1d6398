"""Tables of acting for a customer with its consent; they mirror migrations/initial/20_tenants.sql."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.tables import Int, TenantRow
from tenants.tables import of_customer, of_user, scoped

_EVIDENCE = {"data_class": "evidence", "retention": "P400D", "erasure": "with_customer"}


class Consent(TenantRow):
    """A customer's consent that somebody of the partner acts for it: for one person, or without a person for whoever may ask.

    Asked for it stands open until `answer_by`; granted it holds until `expires_at`. `who` is the asking person's name, which
    the customer couldn't look up.
    """

    __tablename__ = "consent"
    __table_args__ = (
        of_user(),
        of_customer(),
        CheckConstraint("(status = 'granted') <= (expires_at is not null)"),
        scoped("consent"),
        {"schema": "tenants", "info": _EVIDENCE},
    )
    customer_id: Mapped[UUID]
    user_id: Mapped[UUID | None]
    who: Mapped[str] = mapped_column(server_default="")
    status: Mapped[str]
    reason: Mapped[str]
    minutes: Mapped[int] = mapped_column(Int)
    asked_at: Mapped[datetime]
    asked_by: Mapped[str]
    answer_by: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class Acting(TenantRow):
    """One stretch of acting for a customer: one session of one person at a time."""

    __tablename__ = "acting"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "consent_id"], ["tenants.consent.tenant_id", "tenants.consent.id"]),
        ForeignKeyConstraint(["tenant_id", "session_id"], ["tenants.session.tenant_id", "tenants.session.id"]),
        of_user(),
        of_customer(),
        scoped("acting"),
        Index("acting_of_session", "tenant_id", "session_id", unique=True, postgresql_where=text("ended_at is null")),
        Index("acting_under_consent", "tenant_id", "consent_id", "id"),
        {"schema": "tenants", "info": _EVIDENCE},
    )
    customer_id: Mapped[UUID]
    consent_id: Mapped[UUID]
    user_id: Mapped[UUID]
    session_id: Mapped[UUID]
    who: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None]


class ActingEntry(TenantRow):
    """One thing done while acting; its id is the event's."""

    __tablename__ = "acting_entry"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "acting_id"], ["tenants.acting.tenant_id", "tenants.acting.id"]),
        of_customer(),
        scoped("acting_entry"),
        Index("acting_entry_of_acting", "tenant_id", "acting_id", "id"),
        {"schema": "tenants", "info": {**_EVIDENCE, "derived": True}},
    )
    customer_id: Mapped[UUID]
    acting_id: Mapped[UUID]
    type: Mapped[str]
    subject: Mapped[str]
    at: Mapped[datetime]
