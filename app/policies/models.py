"""Tables of the policies room; they mirror migrations/initial/40_policies.sql."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from app.core.tables import TenantRow


class PolicyVersion(TenantRow):
    """One version of a policy document; of each name and owner at most one version is published."""

    __tablename__ = "policy"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name", "version", "customer_id", postgresql_nulls_not_distinct=True),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["tenants.customer.tenant_id", "tenants.customer.id"]),
        Index(
            "policy_published", "tenant_id", "name", "customer_id", unique=True, postgresql_nulls_not_distinct=True,
            postgresql_where=text("(status = 'published'::text)"),
        ),
        Index("policy_in_force", "tenant_id", "status", "id"),
        Index("policy_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id"),
        {"schema": "policies", "info": {"data_class": "configuration", "retention": "forever", "erasure": "with_customer"}},
    )  # fmt: skip
    customer_id: Mapped[UUID | None]
    name: Mapped[str]
    version: Mapped[int]
    status: Mapped[str]
    title: Mapped[str]
    content: Mapped[str]
    content_hash: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    published_at: Mapped[datetime | None]
    published_by: Mapped[str | None]
    retired_at: Mapped[datetime | None]


class DecisionRow(TenantRow):
    """A kept decision, with the id of its event decision.made: columns to search by, `document` the whole, `inputs` what it was made from."""

    __tablename__ = "decision"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "policy_id"], ["policies.policy.tenant_id", "policies.policy.id"]),
        Index("decision_policy", "tenant_id", "policy_id", "id"),
        Index("decision_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id"),
        {
            "schema": "policies",
            "postgresql_partition_by": "range (id)",
            "info": {"data_class": "evidence", "retention": "forever", "erasure": "with_customer", "derived": True},
        },
    )
    customer_id: Mapped[UUID]
    policy_id: Mapped[UUID]
    policy: Mapped[str]
    version: Mapped[int]
    rule: Mapped[str]
    event_type: Mapped[str]
    exception_type: Mapped[str]
    group_key: Mapped[str]
    level: Mapped[str]
    score: Mapped[int]
    provisional: Mapped[bool]
    earlier_id: Mapped[UUID | None]
    signal_id: Mapped[UUID | None]
    source_event_id: Mapped[UUID | None]
    inputs: Mapped[list[Any]]
    document: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime]
    decided_at: Mapped[datetime]
