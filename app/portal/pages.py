"""How a page's route is declared, and what its handler is given.

Areas: `home` is for people of a customer, `ops` and `admin` for people of the partner, `any` for everybody signed in,
`open` for everybody. A page of another area doesn't exist for somebody.
"""

from collections.abc import Callable
from typing import Any, Literal, cast
from uuid import UUID

from litestar import Request, get, post
from litestar.connection import ASGIConnection
from litestar.datastructures import UploadFile
from litestar.enums import MediaType
from litestar.handlers import BaseRouteHandler

from app.core.errors import FieldError, Invalid, NotAllowed, NotFound
from app.core.services import Shell
from app.portal.forms import Form
from app.portal.reader import Look, look_of, reader_of
from app.portal.screens import Screen
from branding.domains import tenant_of
from tenants import sessions
from tenants.principal import Principal

Area = Literal["home", "ops", "admin", "any", "open"]
LARGEST_FORM = 1024 * 1024
LARGEST_UPLOAD = 25 * 1024 * 1024
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class PageGone(NotFound):
    """There is no such page, or it isn't for you."""


class FromElsewhere(NotAllowed):
    """This form was sent from another site; open the page here and send it again."""


class FormStale(NotAllowed):
    """You signed in or out since this page was opened; open it again and repeat what you did."""


def page_get(path: str, *, area: Area, permission: str = "signed-in", name: str | None = None) -> Callable[[Any], Any]:
    """Declare a page. Its handler may take `screen`, `uow` (read-only), path and query parameters."""
    return get(path, opt=_opt(area, permission), include_in_schema=False, media_type=MediaType.HTML, name=name)


def page_post(path: str, *, area: Area, permission: str = "signed-in", upload: bool = False) -> Callable[[Any], Any]:
    """Declare what a page's form leads to. Its handler takes `screen` and `form`, which brings the session's token."""
    return post(
        path, opt=_opt(area, permission), include_in_schema=False, media_type=MediaType.HTML, status_code=200,
        request_max_body_size=LARGEST_UPLOAD + LARGEST_FORM if upload else LARGEST_FORM,
    )  # fmt: skip


def _opt(area: Area, permission: str) -> dict[str, Any]:
    return {"page": area, "any_query": True, **({"public": True} if area == "open" else {"permission": permission})}


async def right_area(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard of every route: a page exists on partners' hosts only, and in the areas of whoever asks."""
    area = handler.opt.get("page")
    if area is None:
        return
    shell: Shell = connection.app.state.shell
    if not await shell.extras["hosts"].is_a_partners(connection.scope["state"]["host"]):
        raise NotFound()
    _from_here(connection)
    if area in ("open", "asset", "any"):
        return
    principal = cast(Principal, connection.user)
    # Somebody of the partner who works for one customer stays the partner's; whoever acts for a customer sees what it sees.
    is_customers = principal.scope == "customer"
    if principal.user_id is None or is_customers != (area == "home"):
        raise PageGone()


def _from_here(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Refuse a changing request that another site's page sent: the browser says where it comes from."""
    if connection.scope.get("method") not in ("POST", "PUT", "PATCH", "DELETE"):
        return
    origin, site = connection.headers.get("origin", ""), connection.headers.get("sec-fetch-site", "")
    if site in ("cross-site", "same-site") or (origin and origin.partition("://")[2] != connection.headers.get("host", "")):
        raise FromElsewhere()


async def provide_screen(request: Request[Any, Any, Any]) -> Screen:
    """The screen of this request: its host's brand, its reader."""
    shell: Shell = request.app.state.shell
    state = request.scope["state"]
    principal: Principal | None = state.get("principal")
    tenant: UUID | None = principal.tenant_id if principal else await tenant_of(shell.boundary, state["host"])
    look = await look_of(shell, tenant) if tenant else Look()
    reader = await reader_of(shell, principal, look) if principal else None
    return Screen(
        shell, area=request.scope["route_handler"].opt["page"], path=request.url.path, query=request.url.query or "", host=state["host"], look=look,
        reader=reader, token=request.cookies.get(sessions.COOKIE, ""), request_id=state["request_id"],
    )  # fmt: skip


async def provide_form(request: Request[Any, Any, Any]) -> Form:
    """What a form brought, from this reader's own page."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in _FORMS:
        raise Invalid("A form was expected.", errors=[FieldError("Content-Type", f"is {kind or 'missing'}", "Send a form.")], status=415)
    given = await request.form()
    fields = [(name, value) for name, value in given.multi_items() if isinstance(value, str)]
    files = {name: value for name, value in given.multi_items() if isinstance(value, UploadFile) and value.filename}
    if any("\x00" in name or "\x00" in value for name, value in fields):
        raise Invalid("A field holds a character that isn't text.", status=422)
    form = Form([(name, value.replace("\r\n", "\n")) for name, value in fields], files)
    token = request.cookies.get(sessions.COOKIE, "")
    is_open = request.scope["route_handler"].opt.get("page") == "open"
    if not is_open and not sessions.is_csrf_of(form.csrf, token):
        raise FormStale()
    return form
