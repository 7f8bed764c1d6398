"""A problem as a page: what somebody in a browser sees instead of a problem document."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from app.core.errors import Fault
from app.core.services import Shell
from app.portal import words
from app.portal.reader import Look, Reader, look_of, reader_of
from app.portal.screens import Screen
from branding.domains import tenant_of
from tenants import auth, sessions
from tenants.principal import Principal

_API = ("/v1", "/scim", "/schema", "/graphql", "/metrics", "/healthz", "/readyz", "/.well-known", "/brand", "/assets", "/l/", "/problems")
Answer = tuple[int, dict[str, str], bytes]


def wants_page(scope: Any, headers: Mapping[str, str]) -> bool:
    """Whether whoever asks looks at pages: the route is one, or a browser went to an address that is none."""
    handler = scope.get("route_handler")
    if handler is not None and handler.opt.get("page"):
        return bool(handler.opt["page"] != "asset")
    return handler is None and "text/html" in headers.get("accept", "") and not scope["path"].startswith(_API)


async def page_of(
    shell: Shell, scope: Any, headers: Mapping[str, str], problem: Mapping[str, Any], kept: Mapping[str, str]
) -> Answer | None:
    """Return the page that says `problem`; None on a host that is no partner's.

    Whoever isn't signed in is sent to the sign-in page and comes back afterwards.
    """
    host = scope["state"].get("host", "")
    tenant = await tenant_of(shell.boundary, host)
    if tenant is None:
        return None
    status = int(problem["status"])
    if status == 401:
        return _to_sign_in(scope, headers)
    look = await look_of(shell, tenant)
    screen = await _screen(shell, scope, host, look)
    shown = screen.show("error.html", status=status, problem=problem, title=_title(screen, status), lead=_lead(screen, status))
    given = {k.lower(): v for k, v in {**kept, **shown.headers}.items() if k.lower() in _KEPT}
    return status, {**given, "content-type": "text/html; charset=utf-8"}, str(shown.content).encode()


_KEPT = ("content-security-policy", "cache-control", "referrer-policy", "x-robots-tag", "retry-after", "allow")


async def _screen(shell: Shell, scope: Any, host: str, look: Look) -> Screen:
    principal = scope["state"].get("principal") or await _whoever(shell, scope)
    reader: Reader | None = await reader_of(shell, principal, look) if principal and principal.user_id else None
    area = "home" if reader is None or reader.principal.scope == "customer" else "ops"
    return Screen(
        shell,
        area=area,
        path=scope["path"],
        query="",
        host=host,
        look=look,
        reader=reader,
        token=_token(scope) if reader else "",
        request_id="",
    )


async def _whoever(shell: Shell, scope: Any) -> Principal | None:
    """Who asks for an address that is no route, so that they keep their menu; nobody when that can't be told."""
    try:
        principal = await auth.authenticate(shell, scope["headers"], None, csrf=False)
    except Fault:
        return None
    return principal if await shell.extras["hosts"].serves(scope["state"]["host"], principal.tenant_id) else None


def _token(scope: Any) -> str:
    for name, value in scope["headers"]:
        if name == b"cookie":
            for pair in value.decode("latin-1").split(";"):
                key, _, token = pair.strip().partition("=")
                if key == sessions.COOKIE:
                    return str(token)
    return ""


def _to_sign_in(scope: Any, headers: Mapping[str, str]) -> Answer:
    here = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope.get("query_string") else "")
    target = "/sign-in" if here == "/" or scope["method"] != "GET" else f"/sign-in?next={quote(here, safe='')}"
    if headers.get("hx-request") == "true":  # a script can't follow to another page: it is told to go there
        return 401, {"hx-redirect": "/sign-in", "cache-control": "no-store", "content-type": "text/html; charset=utf-8"}, b""
    return 303, {"location": target, "cache-control": "no-store", "content-type": "text/html; charset=utf-8"}, b""


def _title(screen: Screen, status: int) -> Any:
    return screen.say(_key(screen, "error_title", status))


def _lead(screen: Screen, status: int) -> Any:
    return screen.say(_key(screen, "error_lead", status))


def _key(screen: Screen, name: str, status: int) -> str:
    known = words.words(screen.area, screen.locale)
    exact, kind = f"{name}_{status}", f"{name}_{status // 100}xx"
    return exact if exact in known else kind
