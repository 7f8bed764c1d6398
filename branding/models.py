"""The tables of branding; `migrations/initial/25_branding.sql` says the same in SQL."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.tables import TenantRow

_CONFIGURATION = {"data_class": "configuration", "retention": "forever", "erasure": "none"}


class LogoRow(TenantRow):
    """A logo's pixels as PNG, kept once however many versions of the brand use it."""

    __tablename__ = "logo"
    __table_args__ = (UniqueConstraint("tenant_id", "etag"), {"schema": "branding", "info": _CONFIGURATION})
    png: Mapped[bytes]
    width: Mapped[int]
    height: Mapped[int]
    etag: Mapped[str]
    created_at: Mapped[datetime]


class BrandRow(TenantRow):
    """One version of the tenant's brand (`content` is a branding.schemas.Brand); one of them is published."""

    __tablename__ = "brand"
    __table_args__ = (
        UniqueConstraint("tenant_id", "version"),
        ForeignKeyConstraint(["tenant_id", "logo_id"], ["branding.logo.tenant_id", "branding.logo.id"]),
        Index("brand_published", "tenant_id", unique=True, postgresql_where=text("status = 'published'")),
        Index("brand_logo", "tenant_id", "logo_id", postgresql_where=text("logo_id is not null")),
        {"schema": "branding", "info": _CONFIGURATION},
    )
    version: Mapped[int]
    status: Mapped[str]
    content: Mapped[dict[str, Any]]
    content_hash: Mapped[str]
    logo_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class Domain(TenantRow):
    """A host of the tenant; it serves and may stand in links once `verified_at` is set. Links use the primary one."""

    __tablename__ = "domain"
    __table_args__ = (
        UniqueConstraint("tenant_id", "host"),
        CheckConstraint("verified_at is not null or not is_primary", name="domain_primary_is_verified"),
        Index("domain_primary", "tenant_id", unique=True, postgresql_where=text("is_primary")),
        {"schema": "branding", "info": _CONFIGURATION},
    )
    host: Mapped[str]
    proof: Mapped[str] = mapped_column(info={"secret": True})
    is_primary: Mapped[bool] = mapped_column(default=False, server_default="false")
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[str | None]
    created_at: Mapped[datetime]
