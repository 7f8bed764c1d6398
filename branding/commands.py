"""Changing how a tenant appears: publish a brand, take in a host, verify it, make it the one links use."""

import asyncio
import hashlib
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy import text as sql

from app.core.errors import Conflict
from app.core.locks import take_turns
from app.core.settings import Settings
from app.core.uow import UnitOfWork
from branding import domains, queries
from branding.logo import Logo, logo_from
from branding.models import BrandRow, Domain, LogoRow
from branding.schemas import Brand
from branding.theme import theme


class BrandMoved(Conflict):
    """The brand was changed since you read it; read it again."""

    status = 412


class DomainTaken(Conflict):
    """Another account uses this host already."""


class DomainUnproven(Conflict):
    """This host is not verified yet."""


async def publish_brand(
    uow: UnitOfWork, brand: Brand, *, logo: bytes | msgspec.UnsetType | None = msgspec.UNSET, expected: int | None = None
) -> BrandRow:
    """Make `brand` what everybody sees from now on, as a new version; the one before is retired and kept.

    `logo` is a picture file as uploaded, None for no logo, unset to keep the one there is. Publishing what is published
    already changes nothing. Raises ColourUnreadable, LogoUnusable, and BrandMoved when `expected` is not the present version.
    """
    theme(brand.tokens)
    picture = await asyncio.to_thread(logo_from, logo) if isinstance(logo, bytes) else None
    await take_turns(uow, "brand")
    current: BrandRow | None = (await uow.execute(select(BrandRow).where(BrandRow.status == "published"))).scalar_one_or_none()
    if expected is not None and expected != (current.version if current else 0):
        raise BrandMoved()
    logo_id = current.logo_id if current and logo is msgspec.UNSET else await _keep_logo(uow, picture)
    return await _put(uow, current, brand, logo_id)


async def republish_brand(uow: UnitOfWork, number: int) -> BrandRow:
    """Make an earlier version what everybody sees again, with the logo it had, as a new version. Raises NotFound, ColourUnreadable."""
    await take_turns(uow, "brand")
    earlier = await queries.version(uow, number)
    brand = msgspec.convert(earlier.content, Brand)
    theme(brand.tokens)
    current: BrandRow | None = (await uow.execute(select(BrandRow).where(BrandRow.status == "published"))).scalar_one_or_none()
    return await _put(uow, current, brand, earlier.logo_id)


async def _put(uow: UnitOfWork, current: BrandRow | None, brand: Brand, logo_id: UUID | None) -> BrandRow:
    content = msgspec.to_builtins(brand)
    digest = hashlib.sha256(msgspec.json.encode([content, str(logo_id)], order="deterministic")).hexdigest()
    if current and current.content_hash == digest:
        return current
    return await _next_version(uow, current, content=content, digest=digest, logo_id=logo_id)


async def _next_version(
    uow: UnitOfWork, current: BrandRow | None, *, content: dict[str, object], digest: str, logo_id: UUID | None
) -> BrandRow:
    if current:
        current.status = "retired"
        await uow.session.flush()  # before the new one, which may not stand beside it even for a moment
    last = (await uow.execute(select(func.max(BrandRow.version)))).scalar_one_or_none() or 0
    made = uow.add(
        BrandRow(
            version=last + 1, status="published", content=content, content_hash=digest, logo_id=logo_id, created_at=uow.now, created_by=uow.actor
        )
    )  # fmt: skip
    uow.publish("brand.published", of=made, also=[current] if current else [], data={"version": made.version})
    return made


async def _keep_logo(uow: UnitOfWork, picture: Logo | None) -> UUID | None:
    if picture is None:
        return None
    known: UUID | None = (await uow.execute(select(LogoRow.id).where(LogoRow.etag == picture.etag))).scalar_one_or_none()
    if known:
        return known
    row = uow.add(LogoRow(png=picture.png, width=picture.width, height=picture.height, etag=picture.etag, created_at=uow.now))
    await uow.session.flush()
    uow.publish("logo.added", of=row, data={"etag": picture.etag})
    return row.id


async def add_domain(uow: UnitOfWork, settings: Settings, given: str) -> Domain:
    """Take in a host, unverified unless it proves itself (development, or the tenant's own address on the platform); a known one is returned."""
    host, own = domains.host_name(given), await _platform_host(uow, settings)
    domains.refuse_reserved(host, settings, own)
    known: Domain | None = (await uow.execute(select(Domain).where(Domain.host == host))).scalar_one_or_none()
    if known:
        return known
    row = uow.add(Domain(host=host, proof=domains.proof(), is_primary=False, created_at=uow.now))
    uow.publish("domain.added", of=row, data={"host": host})
    if host == own or domains.proves_itself(host, settings):
        await mark_verified(uow, row, by="platform")
    return row


async def ensure_platform_host(uow: UnitOfWork, settings: Settings) -> Domain:
    """Make sure that the tenant has its address on the platform's own domain, so that links work from the first day."""
    return await add_domain(uow, settings, await _platform_host(uow, settings))


async def mark_verified(uow: UnitOfWork, row: Domain, *, by: str) -> Domain:
    """Let the host serve this tenant; the first one becomes the one links use, and a partner's own goes before the platform's.

    Raises DomainTaken when another tenant holds it.
    """
    if row.verified_at:
        return row
    await uow.session.flush()
    if not await uow.session.scalar(sql("select core.register_domain(:host, :id)"), {"host": row.host, "id": row.id}):
        raise DomainTaken()
    row.verified_at, row.verified_by = uow.now, by
    uow.publish("domain.verified", of=row, data={"host": row.host, "by": by})
    primary = await _primary(uow)
    if primary is None or primary.verified_by == "platform":
        await make_primary(uow, row)
    return row


async def make_primary(uow: UnitOfWork, row: Domain) -> Domain:
    """Let links start with this host; raises DomainUnproven unless it is verified."""
    if not row.verified_at:
        raise DomainUnproven()
    before = await _primary(uow)
    if before is row:
        return row
    if before:
        before.is_primary = False
        await uow.session.flush()
    row.is_primary = True
    uow.publish("domain.preferred", of=row, also=[before] if before else [], data={"host": row.host})
    return row


async def remove_domain(uow: UnitOfWork, row: Domain) -> None:
    """Stop serving a host; links that name it stop working."""
    await uow.session.execute(sql("select core.unregister_domain(:host)"), {"host": row.host})
    uow.publish("domain.removed", of=row, data={"host": row.host})
    await uow.remove(row)


async def _primary(uow: UnitOfWork) -> Domain | None:
    row: Domain | None = (await uow.execute(select(Domain).where(Domain.is_primary))).scalar_one_or_none()
    return row


async def _platform_host(uow: UnitOfWork, settings: Settings) -> str:
    info = (await uow.session.execute(sql("select partner_slug, environment from core.tenant_info()"))).one()
    return domains.platform_host(settings, info.partner_slug, info.environment)
