"""The tables of the portal; `migrations/initial/62_portal.sql` says the same in SQL."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.tables import TenantRow


class SavedView(TenantRow):
    """A list with its filters under a name: somebody's own, or shared with everybody of the same scope. `query` is a query string."""

    __tablename__ = "saved_view"
    __table_args__ = (
        UniqueConstraint("tenant_id", "user_id", "area", "name"),
        ForeignKeyConstraint(["tenant_id", "user_id"], ["tenants.user.tenant_id", "tenants.user.id"]),
        Index("saved_view_of_area", "tenant_id", "area", "id"),
        Index("saved_view_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id"),
        {"schema": "portal", "info": {"data_class": "configuration", "retention": "forever", "erasure": "with_person"}},
    )
    customer_id: Mapped[UUID | None]
    user_id: Mapped[UUID]
    area: Mapped[str]
    name: Mapped[str]
    query: Mapped[str]
    is_shared: Mapped[bool] = mapped_column(default=False, server_default="false")
    created_at: Mapped[datetime]
