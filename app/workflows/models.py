"""Tables of the workflows room; they mirror migrations/initial/60_workflows.sql."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.tables import TenantRow

_RUN = ["workflows.workflow_run.tenant_id", "workflows.workflow_run.id"]


class WorkflowDefinition(TenantRow):
    """One version of a definition, immutable once published; of each name and owner at most one version is published."""

    __tablename__ = "workflow_definition"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name", "version", "customer_id", postgresql_nulls_not_distinct=True),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["tenants.customer.tenant_id", "tenants.customer.id"]),
        Index(
            "workflow_published", "tenant_id", "name", "customer_id", unique=True, postgresql_nulls_not_distinct=True,
            postgresql_where=text("(status = 'published'::text)"),
        ),
        Index("workflow_starting", "tenant_id", "id", postgresql_where=text("(status = 'published'::text AND starts_on <> '{}'::text[])")),
        Index("workflow_definition_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id"),
        {"schema": "workflows", "info": {"data_class": "configuration", "retention": "forever", "erasure": "with_customer"}},
    )  # fmt: skip
    customer_id: Mapped[UUID | None]
    name: Mapped[str]
    version: Mapped[int]
    status: Mapped[str]
    namespace: Mapped[str]
    title: Mapped[str]
    content: Mapped[str]
    content_hash: Mapped[str]
    document: Mapped[dict[str, Any]]
    starts_on: Mapped[list[str]]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    published_at: Mapped[datetime | None]
    published_by: Mapped[str | None]
    retired_at: Mapped[datetime | None]


class WorkflowRun(TenantRow):
    """One execution of a pinned definition; `state` is all it needs to go on, folded (see snapshot.py)."""

    __tablename__ = "workflow_run"
    __table_args__ = (
        UniqueConstraint("tenant_id", "start_key"),
        ForeignKeyConstraint(
            ["tenant_id", "definition_id"], ["workflows.workflow_definition.tenant_id", "workflows.workflow_definition.id"]
        ),
        Index("workflow_run_status", "tenant_id", "status", "id"),
        Index("workflow_run_case", "tenant_id", "case_id", "id", postgresql_where=text("(case_id IS NOT NULL)")),
        Index("workflow_run_definition", "tenant_id", "definition_id", "id"),
        Index("workflow_run_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id"),
        {"schema": "workflows", "info": {"data_class": "operational", "retention": "P400D", "erasure": "with_customer"}},
    )
    customer_id: Mapped[UUID | None]
    case_id: Mapped[UUID | None]
    definition_id: Mapped[UUID]
    name: Mapped[str]
    version: Mapped[int]
    status: Mapped[str]
    start_key: Mapped[str]
    business_key: Mapped[str | None]
    depth: Mapped[int] = mapped_column(server_default=text("0"))
    input: Mapped[Any] = mapped_column(JSONB)
    state: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    output: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    problem: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    reason: Mapped[str | None]
    waiting_for: Mapped[list[str]]
    trace: Mapped[str | None]
    lease_token: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    executions: Mapped[int]
    cancel_requested: Mapped[bool]
    requests: Mapped[list[Any]]
    last_seq: Mapped[int]
    started_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class TaskRun(TenantRow):
    """One line of a run's log: a task that ended, and how."""

    __tablename__ = "task_run"
    __table_args__ = (
        Index("task_run_of", "tenant_id", "run_id", "seq"),
        Index("task_run_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id"),
        {
            "schema": "workflows",
            "postgresql_partition_by": "range (id)",
            "info": {"data_class": "operational", "retention": "P400D", "erasure": "with_customer", "derived": True},
        },
    )
    customer_id: Mapped[UUID | None]
    case_id: Mapped[UUID | None]
    run_id: Mapped[UUID]
    seq: Mapped[int]
    ref: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    path: Mapped[str]
    attempt: Mapped[int]
    status: Mapped[str]
    input: Mapped[Any | None] = mapped_column(JSONB)
    output: Mapped[Any | None] = mapped_column(JSONB)
    problem: Mapped[Any | None] = mapped_column(JSONB)
    effect_key: Mapped[str | None]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]


class Effect(TenantRow):
    """One intended effect under its stable key, and what is known of its outcome."""

    __tablename__ = "effect"
    __table_args__ = (
        UniqueConstraint("tenant_id", "run_id", "key"),
        ForeignKeyConstraint(["tenant_id", "run_id"], _RUN),
        {"schema": "workflows", "info": {"data_class": "operational", "retention": "P400D", "erasure": "with_customer", "derived": True}},
    )
    run_id: Mapped[UUID]
    key: Mapped[str]
    ref: Mapped[str]
    request_hash: Mapped[str]
    status: Mapped[str]
    outcome: Mapped[Any | None] = mapped_column(JSONB)
    started_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class Wait(TenantRow):
    """An event a run waits for; without a key, any event of the type."""

    __tablename__ = "wait"
    __table_args__ = (
        UniqueConstraint("tenant_id", "run_id", "key", "event_type", "event_key", postgresql_nulls_not_distinct=True),
        ForeignKeyConstraint(["tenant_id", "run_id"], _RUN),
        Index("wait_match", "tenant_id", "event_type", "event_key"),
        Index("wait_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id"),
        {"schema": "workflows", "info": {"data_class": "operational", "retention": "P400D", "erasure": "with_customer", "derived": True}},
    )
    customer_id: Mapped[UUID | None]
    case_id: Mapped[UUID | None]
    run_id: Mapped[UUID]
    key: Mapped[str]
    ref: Mapped[str]
    event_type: Mapped[str]
    event_key: Mapped[str | None]
    opened_at: Mapped[datetime]


class Heard(TenantRow):
    """An event in a run's inbox; read once the run has taken it."""

    __tablename__ = "heard"
    __table_args__ = (
        UniqueConstraint("tenant_id", "run_id", "wait_key", "event_id"),
        Index("heard_unread", "tenant_id", "run_id", postgresql_where=text("(taken_at IS NULL)")),
        Index("heard_at_task", "tenant_id", "run_id", "ref", "event_id"),
        Index("heard_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id"),
        {"schema": "workflows", "info": {"data_class": "operational", "retention": "P400D", "erasure": "with_customer", "derived": True}},
    )
    customer_id: Mapped[UUID | None]
    case_id: Mapped[UUID | None]
    run_id: Mapped[UUID]
    wait_key: Mapped[str]
    ref: Mapped[str]
    event_id: Mapped[UUID]
    heard_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]


class HeldValue(TenantRow):
    """A value too large to be rewritten with every turn, by its hash."""

    __tablename__ = "held_value"
    __table_args__ = (
        UniqueConstraint("tenant_id", "run_id", "hash"),
        ForeignKeyConstraint(["tenant_id", "run_id"], _RUN),
        {"schema": "workflows", "info": {"data_class": "operational", "retention": "P400D", "erasure": "with_customer", "derived": True}},
    )
    run_id: Mapped[UUID]
    hash: Mapped[str]
    value: Mapped[Any] = mapped_column(JSONB)
