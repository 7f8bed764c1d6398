"""Tables of the audit room; they mirror migrations/initial/70_audit.sql."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.tables import TenantRow


class AuditEntry(TenantRow):
    """One link of a chain; its id is the id of the event it binds. No customer: the partner's own chain."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("audit_entry_place", "tenant_id", "customer_id", "seq"),
        Index("audit_entry_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id"),
        {"schema": "audit", "info": {"data_class": "evidence", "retention": "forever", "erasure": "none", "derived": True}},
    )
    customer_id: Mapped[UUID | None]
    seq: Mapped[int]
    prev: Mapped[bytes]
    hash: Mapped[bytes]


class ChainHead(TenantRow):
    """Where a chain ends, and up to which place it is anchored outside the database."""

    __tablename__ = "chain_head"
    __table_args__ = (
        UniqueConstraint("tenant_id", "customer_id", postgresql_nulls_not_distinct=True),
        Index("chain_head_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id"),
        {"schema": "audit", "info": {"data_class": "evidence", "retention": "forever", "erasure": "none", "derived": True}},
    )
    customer_id: Mapped[UUID | None]
    seq: Mapped[int]
    hash: Mapped[bytes]
    anchored_seq: Mapped[int] = mapped_column(server_default=text("0"))
    anchored_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]
