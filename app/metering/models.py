"""Table of the metering room; it mirrors migrations/initial/71_metering.sql."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.tables import TenantRow


class UsageRecord(TenantRow):
    """What one event counts for on one meter; `day` is the UTC day it was recorded. No customer: the partner's own use."""

    __tablename__ = "usage_record"
    __table_args__ = (
        Index("usage_record_by_day", "tenant_id", "day", "customer_id", "meter"),
        Index("usage_record_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id"),
        {"schema": "metering", "info": {"data_class": "operational", "retention": "P10Y", "erasure": "none", "derived": True}},
    )
    customer_id: Mapped[UUID | None]
    event_id: Mapped[UUID]
    meter: Mapped[str]
    day: Mapped[date]
    quantity: Mapped[int]
    unit: Mapped[str]
    dimensions: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
