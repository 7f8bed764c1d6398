"""The tables of intelligence; `migrations/initial/80_intelligence.sql` says the same in SQL, with the reasons of its indexes."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.tables import TenantRow

_INFO: Final = {"data_class": "operational", "retention": "P400D", "erasure": "with_customer", "derived": True}


class Act(TenantRow):
    """An event in which somebody or something acted on a case; the id is the event's."""

    __tablename__ = "act"
    customer_id: Mapped[UUID]
    case_id: Mapped[UUID]
    exception_type: Mapped[str]
    case_opened_at: Mapped[datetime]
    type: Mapped[str]
    hand: Mapped[str]
    is_touch: Mapped[bool]
    closed_alone: Mapped[bool | None]
    actor: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "case_id"], ["cases.case.tenant_id", "cases.case.id"]),
        CheckConstraint("hand in ('person', 'customer', 'integration', 'link', 'run', 'other')"),
        Index("act_of_case", "tenant_id", "case_id", "id"),
        Index("act_touches", "tenant_id", "case_opened_at", "id", postgresql_where=text("is_touch")),
        {"schema": "intelligence", "info": _INFO},
    )


class CaseFact(TenantRow):
    """What figures want to know of one case; the id is the case's."""

    __tablename__ = "case_fact"
    customer_id: Mapped[UUID]
    exception_type: Mapped[str]
    owner_id: Mapped[UUID | None]
    happened_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    first_person_at: Mapped[datetime | None]
    first_run_at: Mapped[datetime | None]
    first_told_at: Mapped[datetime | None]
    promised_at: Mapped[datetime | None]
    touches: Mapped[int] = mapped_column()
    closed_at: Mapped[datetime | None]
    closed_alone: Mapped[bool | None]
    back_at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "id"], ["cases.case.tenant_id", "cases.case.id"]),
        Index("case_fact_opened", "tenant_id", "opened_at", "id"),
        Index("case_fact_of_customer", "tenant_id", "customer_id", "opened_at", "id"),
        Index("case_fact_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id"),
        {"schema": "intelligence", "info": _INFO},
    )
