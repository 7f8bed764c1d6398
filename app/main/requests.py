"""What happens between the wire and a route: the parsing gate, who asks, may they, their transaction, their repeated requests."""

import hashlib
from typing import Any, cast

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from app.core import parsing, repeats, telemetry
from app.core.context import Context
from app.core.errors import Conflict, FieldError, Invalid, LimitReached, NotFound, Unauthenticated
from app.core.repeats import Seen
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.main.problems import UnsupportedMedia
from tenants import auth
from tenants.limits import Limiter
from tenants.principal import PermissionMissing, Principal

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
LONGEST_KEY = 200


class KeyReused(Conflict):
    """This Idempotency-Key was used with a different request; use a new key for a new request."""

    status = 422


class TooManyRequests(LimitReached):
    """Too many requests; wait as long as Retry-After says."""


class Replayed(Exception):
    """The request was answered before; carries that answer."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body
        super().__init__("replayed")


class GatedRequest(Request[Principal | None, Any, Any]):
    """A request whose JSON passes the parsing gate: size, depth, nodes, duplicate keys, NUL and NaN are refused by name."""

    async def json(self) -> Any:
        if not self.scope["state"].get("gated_json"):
            self.scope["state"]["gated_json"] = [parsing.parse_json(await self.body())]
        return self.scope["state"]["gated_json"][0]


class Authentication(AbstractAuthenticationMiddleware):
    """Finds out who asks; a route that is public is not asked."""

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        shell: Shell = connection.app.state.shell
        client = connection.client.host if connection.client else None
        principal = await auth.authenticate(
            shell,
            connection.scope["headers"],
            client,
            method=cast(str, connection.scope.get("method", "GET")),
            csrf="page" not in connection.scope["route_handler"].opt,  # a page's form brings the token in a field (app.portal.pages)
        )
        if not await shell.extras["hosts"].serves(connection.scope["state"]["host"], principal.tenant_id):
            raise auth.CredentialRefused()
        connection.scope["state"]["principal"] = principal
        await _within_limits(shell, connection, principal)
        return AuthenticationResult(user=principal, auth=principal.actor)


async def _within_limits(shell: Shell, connection: ASGIConnection[Any, Any, Any, Any], principal: Principal) -> None:
    """Count this request against its key's and its tenant's allowance; every answer says what is left."""
    if principal.tenant_id is None:
        return
    limiter: Limiter = shell.extras["limiter"]
    settings = shell.settings
    verdict = await limiter.take(
        principal_bucket=principal.actor, tenant=principal.tenant_id, per_key=settings.rate_limit_key, per_tenant=settings.rate_limit_tenant
    )
    headers = {k.decode(): v.decode() for k, v in verdict.headers()}
    connection.scope["state"]["limit_headers"] = headers
    if not verdict.allowed:
        raise TooManyRequests(retry_after=int(headers.get("retry-after", "1")))


async def permitted(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse what the caller's roles don't allow, and say so in the tenant's log."""
    if handler.opt.get("platform_host") and not connection.app.state.shell.extras["hosts"].is_own(connection.scope["state"]["host"]):
        raise NotFound()
    if handler.opt.get("public") or connection.scope.get("method") == "OPTIONS":
        return
    principal = cast(Principal, connection.user)
    permission = handler.opt.get("permission")
    if permission is None:
        raise PermissionMissing(extra={"permission": "none declared"})
    if permission == "signed-in":
        return
    if principal.tenant_id is None and not handler.opt.get("platform"):
        raise Unauthenticated("This address needs a key or session of one environment.")
    route = f"{connection.scope.get('method', '')} {sorted(handler.paths)[0] if isinstance(handler, HTTPRouteHandler) else ''}"
    await auth.require(
        connection.app.state.shell, principal, permission, route=route, cause=f"request:{connection.scope['state'].get('request_id')}"
    )


def known_query(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse query parameters that the route doesn't know, and repeated ones: a misspelt filter must not return everything."""
    if any(ord(c) < 32 or ord(c) == 127 for c in connection.url.path) or "%00" in connection.url.path:
        raise NotFound()
    given = list(connection.query_params.multi_items())
    _refuse_control_characters(given)
    if handler.opt.get("any_query"):
        return
    allowed = set(handler.parsed_fn_signature.parameters) | set(handler.opt.get("query", ()))
    names = [name for name, _ in given]
    wrong = [n for n in names if n not in allowed]
    if wrong:
        raise Invalid(
            f"There is no query parameter {wrong[0]}.",
            errors=[
                FieldError(n, "is not known here", f"Leave it out; known: {', '.join(sorted(allowed - _OURS)) or 'none'}.") for n in wrong
            ],
        )
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise Invalid(
            f"The query parameter {twice[0]} is given more than once.",
            errors=[FieldError(n, "is repeated", "Give it once.") for n in twice],
        )


def _refuse_control_characters(given: list[tuple[str, Any]]) -> None:
    """No name or text holds them, and the database refuses NUL only after we would have asked it."""
    wrong = [name for name, value in given if any(ord(c) < 32 or ord(c) == 127 for c in f"{name}{value}")]
    if wrong:
        raise Invalid(
            "A query parameter holds a control character.",
            errors=[FieldError(n, "holds a control character", "Send printable text.") for n in wrong],
            status=422,
        )


def readable_body(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse a body of another content type than the route reads."""
    if not isinstance(handler, HTTPRouteHandler) or "data" not in handler.parsed_fn_signature.parameters or handler.opt.get("any_content"):
        return
    sent = connection.headers.get("content-type", "").split(";")[0].strip().lower()
    wanted = handler.opt.get("content", "application/json")
    if sent != wanted and not (wanted == "application/json" and sent.endswith("+json")):
        raise UnsupportedMedia(
            f"This address reads {wanted}; the request says {sent or 'nothing'}.",
            errors=[FieldError("Content-Type", f"is {sent or 'missing'}", f"Send {wanted}.")],
        )


_OURS = {"uow", "shell", "principal", "data", "request", "headers", "cookies", "scope", "state", "body", "socket"}


def provide_shell(request: Request[Any, Any, Any]) -> Shell:
    return cast(Shell, request.app.state.shell)


def provide_principal(request: Request[Any, Any, Any]) -> Principal:
    return cast(Principal, request.user)


async def provide_uow(request: Request[Any, Any, Any]) -> UnitOfWork:
    """The request's transaction: read-only for reads, committed by the edge with an answer below 400, rolled back otherwise."""
    shell: Shell = request.app.state.shell
    principal: Principal = request.user
    writes = request.method in WRITES
    context = Context.one(principal.tenant, actor=principal.actor, customer=principal.customer_id, case=principal.case_id)
    uow = await shell.boundary.open(
        context, cause=f"request:{request.scope['state'].get('request_id')}", trace=telemetry.trace_id.get(), read_only=not writes
    )
    request.scope["state"]["uow"] = uow
    key = request.headers.get("idempotency-key")
    if writes and key:
        request.scope["state"]["idempotency"] = await _first_time(uow, request, principal, key)
    return uow


async def _first_time(uow: UnitOfWork, request: Request[Any, Any, Any], principal: Principal, key: str) -> Any:
    """Claim the key inside the request's own transaction: a twin waits for it, and a refused request frees it again."""
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
        raise Invalid(
            "The Idempotency-Key can't be used.",
            errors=[FieldError("Idempotency-Key", "must be 1 to 200 printable characters", "Send a UUID.")],
        )
    parts = (request.method, request.url.path, request.url.query or "")
    digest = hashlib.sha256("\n".join(parts).encode() + b"\n" + await request.body()).digest()
    found = await repeats.claim(uow, principal=principal.actor, key=key, digest=digest)
    if not isinstance(found, Seen):
        return found
    if found.digest != digest:
        raise KeyReused(
            errors=[FieldError("Idempotency-Key", "belongs to another request", "Use a new key, or repeat the first request exactly.")]
        )
    raise Replayed(found.status, dict(found.headers), found.body)
