"""The tables of notifications; `migrations/initial/42_notifications.sql` says the same in SQL, with its reasons."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.tables import TenantRow

_CONFIGURATION = {"data_class": "configuration", "retention": "forever", "erasure": "with_customer"}
_PERSONAL = {"data_class": "personal", "retention": "P400D", "erasure": "with_person"}
_HIDDEN = {"secret": True}


def _of_customer(table: str) -> tuple[ForeignKeyConstraint, Index]:
    return (
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["tenants.customer.tenant_id", "tenants.customer.id"]),
        Index(f"{table}_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id"),
    )


class Template(TenantRow):
    """One version of a template (`content` is a schemas.TemplateContent), the partner's own or one customer's."""

    __tablename__ = "template"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name", "version", "customer_id", postgresql_nulls_not_distinct=True),
        *_of_customer("template"),
        Index(
            "template_published",
            "tenant_id",
            "name",
            "customer_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("status = 'published'"),
        ),
        {"schema": "notifications", "info": _CONFIGURATION},
    )
    customer_id: Mapped[UUID | None]
    name: Mapped[str]
    version: Mapped[int]
    status: Mapped[str]
    content: Mapped[dict[str, Any]]
    content_hash: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class Notice(TenantRow):
    """One message to one person, and how far it got.

    `customer_id` is who may look at it, `about_customer_id` whose case it is about. Bodies are kept as sent, except that
    link tokens are blotted out; the letter itself is sealed and forgotten once it is settled.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key", "address_key"),
        *_of_customer("notice"),
        ForeignKeyConstraint(["tenant_id", "about_customer_id"], ["tenants.customer.tenant_id", "tenants.customer.id"]),
        ForeignKeyConstraint(["tenant_id", "template_id"], ["notifications.template.tenant_id", "notifications.template.id"]),
        CheckConstraint("(status in ('delivered', 'failed', 'withdrawn', 'withheld')) = (settled_at is not null)", name="notice_settled"),
        CheckConstraint("settled_at is null or (sealed_letter is null and sealed_context is null)", name="notice_forgets"),
        Index("notice_of_case", "tenant_id", "case_id", "id", postgresql_where=text("case_id is not null")),
        Index("notice_about", "tenant_id", "about_customer_id", "id", postgresql_where=text("about_customer_id is not null")),
        Index("notice_by_status", "tenant_id", "status", "id"),
        Index("notice_template", "tenant_id", "template_id", postgresql_where=text("template_id is not null")),
        {"schema": "notifications", "info": _PERSONAL},
    )
    customer_id: Mapped[UUID | None]
    about_customer_id: Mapped[UUID | None]
    case_id: Mapped[UUID | None]
    key: Mapped[str]
    channel: Mapped[str]
    audience: Mapped[str]
    template: Mapped[str]
    template_id: Mapped[UUID | None]
    address: Mapped[str] = mapped_column(info=_HIDDEN)
    address_key: Mapped[str] = mapped_column(info=_HIDDEN)
    recipient_name: Mapped[str] = mapped_column(default="", server_default="", info=_HIDDEN)
    locale: Mapped[str | None]
    zone: Mapped[str | None]
    context: Mapped[dict[str, Any]] = mapped_column(info=_HIDDEN)
    sealed_context: Mapped[bytes | None] = mapped_column(info=_HIDDEN)
    links: Mapped[list[Any]] = mapped_column(default=list, server_default="[]", info=_HIDDEN)
    status: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    tries: Mapped[list[Any]] = mapped_column(default=list, server_default="[]", info=_HIDDEN)
    message_id: Mapped[str | None]
    spoken: Mapped[str | None]
    subject: Mapped[str | None] = mapped_column(info=_HIDDEN)
    body_text: Mapped[str | None] = mapped_column(info=_HIDDEN)
    body_html: Mapped[str | None] = mapped_column(info=_HIDDEN)
    sealed_letter: Mapped[bytes | None] = mapped_column(info=_HIDDEN)
    failure: Mapped[str | None] = mapped_column(info=_HIDDEN)
    queued_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class Link(TenantRow):
    """A signed link: what it is about, whom it was sent to, until when it works, and when it was used."""

    __tablename__ = "link"
    __table_args__ = (
        UniqueConstraint("tenant_id", "token_hash"),
        CheckConstraint("expires_at > issued_at"),
        *_of_customer("link"),
        ForeignKeyConstraint(["tenant_id", "notice_id"], ["notifications.notice.tenant_id", "notifications.notice.id"]),
        Index("link_of_subject", "tenant_id", "subject_id", "id"),
        Index("link_of_notice", "tenant_id", "notice_id", postgresql_where=text("notice_id is not null")),
        {"schema": "notifications", "info": _PERSONAL},
    )
    customer_id: Mapped[UUID | None]
    case_id: Mapped[UUID | None]
    notice_id: Mapped[UUID | None]
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    recipient: Mapped[str] = mapped_column(info=_HIDDEN)
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    locale: Mapped[str | None]
    zone: Mapped[str | None]
    token_hash: Mapped[bytes] = mapped_column(info=_HIDDEN)
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    answer: Mapped[str | None]

    @property
    def to(self) -> str:
        """Whom the link was sent to."""
        return self.recipient


class Preference(TenantRow):
    """What one person wishes of our mails (schemas.Preferences); without a row everything goes at once."""

    __tablename__ = "preference"
    __table_args__ = (
        UniqueConstraint("tenant_id", "user_id"),
        ForeignKeyConstraint(["tenant_id", "user_id"], ["tenants.user.tenant_id", "tenants.user.id"]),
        CheckConstraint("(quiet_from is null) = (quiet_until is null)", name="preference_quiet"),
        Index("preference_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id"),
        {"schema": "notifications", "info": {"data_class": "personal", "retention": "forever", "erasure": "with_person"}},
    )
    customer_id: Mapped[UUID | None]
    user_id: Mapped[UUID]
    documents: Mapped[str]
    updates: Mapped[str]
    mentions: Mapped[str]
    quiet_from: Mapped[str | None]
    quiet_until: Mapped[str | None]
    changed_at: Mapped[datetime]
