"""Reading what a tenant shows: its published brand, its logo, its hosts."""

from dataclasses import dataclass

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import defer

from app.core.errors import NotFound
from app.core.paging import Page, page
from app.core.settings import Settings
from app.core.uow import UnitOfWork
from branding.models import BrandRow, Domain, LogoRow
from branding.schemas import FALLBACK_TOKENS, Brand, Voice
from tenants.queries import info


@dataclass(frozen=True)
class Shown:
    """How the tenant appears now; `brand` is None before it has published one."""

    brand: Brand | None
    logo: LogoRow | None
    version: int = 0

    @property
    def has_logo(self) -> bool:
        return self.logo is not None


async def shown(uow: UnitOfWork, *, with_pixels: bool = False) -> Shown:
    """Return the published brand and its logo's description (its pixels only when asked for)."""
    query = select(BrandRow, LogoRow).outerjoin(LogoRow, (LogoRow.tenant_id == BrandRow.tenant_id) & (LogoRow.id == BrandRow.logo_id))
    if not with_pixels:
        query = query.options(defer(LogoRow.png))
    found = (await uow.execute(query.where(BrandRow.status == "published"))).one_or_none()
    if found is None:
        return Shown(None, None)
    return Shown(msgspec.convert(found.BrandRow.content, Brand), found.LogoRow, found.BrandRow.version)


async def versions(uow: UnitOfWork, *, cursor: str | None, limit: int) -> Page[BrandRow]:
    """Return every version of the brand, newest first."""
    return await page(uow, select(BrandRow), by=[(BrandRow.version, int)], cursor=cursor, limit=limit, view=lambda row: row)


async def version(uow: UnitOfWork, number: int) -> BrandRow:
    """Return one version of the brand; raises NotFound."""
    row: BrandRow | None = (await uow.execute(select(BrandRow).where(BrandRow.version == number))).scalar_one_or_none()
    if row is None:
        raise NotFound()
    return row


async def shown_or_plain(uow: UnitOfWork, settings: Settings) -> Shown:
    """Return how the tenant appears; before it has published a brand, plainly under the name it is registered by.

    So that the first administrator of a new environment can be written to.
    """
    found = await shown(uow)
    if found.brand is not None:
        return found
    tenant = await info(uow)
    name = tenant.partner_name if tenant else settings.public_domain
    return Shown(Brand(voice=Voice(name=name, mail_from=f"no-reply@{settings.public_domain}"), tokens=FALLBACK_TOKENS), None)


async def origin(uow: UnitOfWork, settings: Settings) -> str | None:
    """Return the absolute origin links start with, from the primary verified domain; None before there is one."""
    host = (await uow.execute(select(Domain.host).where(Domain.is_primary, Domain.verified_at.is_not(None)))).scalar_one_or_none()
    return settings.origin(host) if host else None


async def domains(uow: UnitOfWork) -> list[Domain]:
    """Return the tenant's hosts, by name; a tenant has a handful."""
    return list((await uow.execute(select(Domain).order_by(Domain.host))).scalars())
