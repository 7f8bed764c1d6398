"""The brand over HTTP: read it, publish it in one call, look before publishing; hosts; and the logo on the partner's own host."""

import hashlib
from typing import Annotated
from uuid import UUID

from litestar import Request, Response, delete, get, post, put
from litestar.params import Parameter

from app.core.errors import FieldError, Invalid, NotFound
from app.core.paging import Page
from app.core.services import Shell
from app.core.uow import UnitOfWork
from branding import commands, domains, queries
from branding.logo import decoded
from branding.models import Domain
from branding.preview import Preview, preview
from branding.queries import Shown
from branding.render import LOGO_PATH
from branding.schemas import BrandForm, BrandView, DomainView, LogoView, NewDomain


@get("/v1/brand", opt={"permission": "brand.read"}, operation_id="getBrand", tags=["brand"])
async def get_brand(uow: UnitOfWork) -> Response[BrandView]:
    """The published brand; the ETag is its version."""
    return _answer(await queries.shown(uow))


@put("/v1/brand", opt={"permission": "brand.write"}, operation_id="putBrand", tags=["brand"])
async def put_brand(
    uow: UnitOfWork, shell: Shell, data: BrandForm, if_match: Annotated[str | None, Parameter(header="If-Match")] = None
) -> Response[BrandView]:
    """Publish a brand: colours, voice and logo in one call; `If-Match` refuses (412) when it changed since you read it."""
    await commands.publish_brand(
        uow, data.brand, logo=decoded(data.logo) if isinstance(data.logo, str) else data.logo, expected=_version(if_match)
    )
    await commands.ensure_platform_host(uow, shell.settings)
    await uow.settle()
    return _answer(await queries.shown(uow))


@post("/v1/brand/preview", status_code=200, opt={"permission": "brand.read"}, operation_id="previewBrand", tags=["brand"])
async def preview_brand(shell: Shell, data: BrandForm) -> Preview:
    """What the brand would look like and which colours can't be read; changes nothing."""
    return preview(data.brand, now=shell.clock.now())


@get("/v1/domains", opt={"permission": "brand.read"}, operation_id="listDomains", tags=["brand"])
async def list_domains(uow: UnitOfWork) -> Page[DomainView]:
    """Every host of this environment; there are few, so this is one page."""
    return Page([_view(row) for row in await queries.domains(uow)])


@post("/v1/domains", opt={"permission": "brand.write"}, operation_id="addDomain", tags=["brand"])
async def add_domain(uow: UnitOfWork, shell: Shell, data: NewDomain) -> DomainView:
    """Take in a host; the answer says how to prove that it is yours."""
    return _view(await commands.add_domain(uow, shell.settings, data.host))


@post(
    "/v1/domains/{domain_id:uuid}/verify", status_code=200, opt={"permission": "brand.write"}, operation_id="verifyDomain", tags=["brand"]
)
async def verify_domain(uow: UnitOfWork, shell: Shell, domain_id: UUID) -> DomainView:
    """Fetch the proof from the host; from then on the host serves this environment."""
    row = await uow.get(Domain, domain_id)
    if not row.verified_at:
        await domains.check_proof(shell.egress, row.host, row.proof)
    return _view(await commands.mark_verified(uow, row, by="proof"))


@post(
    "/v1/domains/{domain_id:uuid}/prefer", status_code=200, opt={"permission": "brand.write"}, operation_id="preferDomain", tags=["brand"]
)
async def prefer_domain(uow: UnitOfWork, domain_id: UUID) -> DomainView:
    """Let links and mails use this host."""
    return _view(await commands.make_primary(uow, await uow.get(Domain, domain_id)))


@delete("/v1/domains/{domain_id:uuid}", opt={"permission": "brand.write"}, operation_id="removeDomain", tags=["brand"])
async def remove_domain(uow: UnitOfWork, domain_id: UUID) -> None:
    """Stop serving this host."""
    await commands.remove_domain(uow, await uow.get(Domain, domain_id))


@get(LOGO_PATH, opt={"public": True, "any_query": True}, operation_id="getLogo", tags=["brand"], media_type="image/png")
async def get_logo(request: Request, shell: Shell) -> Response[bytes]:  # type: ignore[type-arg]
    """The logo of whoever this host belongs to."""
    tenant = await domains.tenant_of(shell.boundary, request.headers.get("host", ""))
    if tenant is None:
        raise NotFound()
    async with shell.read(tenant, actor="system:brand") as uow:
        logo = (await queries.shown(uow, with_pixels=True)).logo
    if logo is None:
        raise NotFound()
    # The tag is this host's own: two partners with the same picture are not to be known by it.
    tag = hashlib.sha256(f"{request.headers.get('host', '')}\n{logo.etag}".encode()).hexdigest()[:32]
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, max-age=300", "Cross-Origin-Resource-Policy": "cross-origin"}
    # Cross-origin: mail readers in a browser show it from their own host.
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(b"", status_code=304, headers=headers, media_type="image/png")
    return Response(logo.png, headers=headers, media_type="image/png")


def _answer(seen: Shown) -> Response[BrandView]:
    logo = LogoView(LOGO_PATH, seen.logo.width, seen.logo.height) if seen.logo else None
    voice, tokens = (seen.brand.voice, seen.brand.tokens) if seen.brand else (None, None)
    return Response(BrandView(seen.version, voice, tokens, logo), headers={"ETag": f'"{seen.version}"'})


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    number = if_match.strip().strip('"')
    if not number.isdigit():
        raise Invalid(errors=[FieldError("If-Match", "This is no version of the brand.", "Send the ETag you were given.")])
    return int(number)


def _view(row: Domain) -> DomainView:
    proof = None if row.verified_at else {"url": f"https://{row.host}{domains.PROOF_PATH}", "content": row.proof}
    return DomainView(row.id, row.host, row.is_primary, row.verified_at, proof)


ROUTES = [get_brand, put_brand, preview_brand, list_domains, add_domain, verify_domain, prefer_domain, remove_domain, get_logo]
