"""Style, scripts and mark over HTTP, on partners' hosts only."""

from typing import Any

from litestar import Request, Response, get

from app.core.errors import NotFound
from app.core.services import Shell
from app.portal import asset_tags
from app.portal.reader import look_of
from branding.domains import tenant_of

_OPEN = {"public": True, "any_query": True, "page": "asset"}


@get("/favicon.ico", opt=_OPEN, include_in_schema=False)
async def get_icon(request: Request[Any, Any, Any], shell: Shell) -> Response[bytes]:
    """The brand's mark, for documents without a head of ours: browsers ask for it by this name."""
    return await _asset(request, shell, "icon.svg")


@get("/assets/{asset_name:str}", opt=_OPEN, include_in_schema=False)
async def get_asset(request: Request[Any, Any, Any], shell: Shell, asset_name: str) -> Response[bytes]:
    """One asset in the host's brand. Browsers may keep it, caches between may not: it is this host's own."""
    return await _asset(request, shell, asset_name)


async def _asset(request: Request[Any, Any, Any], shell: Shell, asset_name: str) -> Response[bytes]:
    host = request.scope["state"]["host"]
    tenant = await tenant_of(shell.boundary, host)
    if tenant is None:
        raise NotFound()
    look = await look_of(shell, tenant)
    content = asset_tags.content(look, asset_name)
    if content is None:
        raise NotFound()
    mark = f'"{asset_tags.tag(look, host, asset_name)}"'
    is_current = request.query_params.get("v", "") == mark.strip('"')
    headers = {"ETag": mark, "Cache-Control": "private, max-age=31536000, immutable" if is_current else "private, no-cache"}
    kind = asset_tags.media_type(asset_name)
    if request.headers.get("if-none-match") == mark:
        return Response(b"", status_code=304, headers=headers, media_type=kind)
    return Response(content, headers=headers, media_type=kind)


ROUTES: list[Any] = [get_icon, get_asset]
