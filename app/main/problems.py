"""Errors as RFC 9457 problems: one shape, a stable type, the field and the remedy named, nothing of ours in it."""

from typing import Any

import orjson
from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException, SerializationException, ValidationException
from litestar.status_codes import HTTP_500_INTERNAL_SERVER_ERROR
from sqlalchemy.exc import IntegrityError

from app.core import telemetry
from app.core.errors import Conflict, Fault, FieldError, Invalid, LimitReached, NotFound
from app.core.events import plain
from tenants.boundary import as_fault

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/problems/"


class NotReadable(Invalid):
    """The request can't be read; see errors for where."""


class NoSuchMethod(Fault):
    """This address doesn't take that method."""

    status = 405
    title = "Method not allowed"


class TooLarge(LimitReached):
    """The body is larger than this address takes."""

    status = 413


class UnsupportedMedia(Invalid):
    """This address doesn't read that content type; see the documentation for those it does."""

    status = 415


class AlreadyThere(Conflict):
    """Something with this identity exists already."""


class Unexpected(Fault):
    """Something went wrong on our side; it was logged under the trace id given here."""


def body_of(fault: Fault) -> dict[str, Any]:
    """The problem document of a fault."""
    problem: dict[str, Any] = {"type": TYPE_PREFIX + fault.slug, "title": fault.title, "status": fault.status, "detail": fault.detail}
    if fault.errors:
        problem["errors"] = [{"pointer": e.pointer, "detail": e.detail, **({"remedy": e.remedy} if e.remedy else {})} for e in fault.errors]
    trace = telemetry.trace_id.get()
    return {**plain(fault.extra), **problem, **({"trace": trace} if trace else {})}


def headers_of(fault: Fault) -> dict[str, str]:
    headers = {"content-type": MEDIA_TYPE}
    if fault.retry_after is not None:
        headers["retry-after"] = str(fault.retry_after)
    if fault.status == 401:
        headers["www-authenticate"] = "Bearer"
    return headers


def render(fault: Fault) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body, for whoever answers outside the framework."""
    return fault.status, headers_of(fault), orjson.dumps(body_of(fault))


def to_fault(error: Exception) -> Fault:
    """Any exception as one of ours; what nobody expected becomes a 500 that names only its trace."""
    known = as_fault(error)
    if isinstance(known, Fault):
        return known
    match error:
        case ValidationException():
            return NotReadable(errors=[_field(e) for e in _listed(error.extra)] or [FieldError("", error.detail)])
        case SerializationException():
            return NotReadable(errors=[FieldError("", str(error), "Send a document of the form this address documents.")])
        case NotFoundException():
            return NotFound()
        case MethodNotAllowedException():
            return NoSuchMethod()
        case HTTPException():
            return _by_status(error)
        case IntegrityError():
            return AlreadyThere()
        case _:
            return Unexpected()


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The exception handler of the whole application: reaches here once, is logged once."""
    fault = to_fault(error)
    if fault.status >= HTTP_500_INTERNAL_SERVER_ERROR:
        shell = request.app.state.shell
        quiet = fault.status == 503
        (shell.log.warning if quiet else shell.log.error)(
            "request failed", route=route_of(request.scope), error=type(error).__name__, exc_info=None if quiet else error
        )
    status, headers, body = render(fault)
    if isinstance(error, MethodNotAllowedException) and error.headers:
        headers.update({k.lower(): v for k, v in error.headers.items() if k.lower() == "allow"})
    return Response(content=body, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def route_of(scope: Any) -> str:
    """The route's template: a path itself may hold a secret (signed links)."""
    paths = getattr(scope.get("route_handler"), "paths", None)
    return sorted(paths)[0] if paths else "?"


def _by_status(error: HTTPException) -> Fault:
    kinds: dict[int, type[Fault]] = {413: TooLarge, 415: UnsupportedMedia}
    if error.status_code in kinds:
        return kinds[error.status_code]()
    if error.status_code >= 500:
        return Unexpected()
    return NotReadable(error.detail, status=error.status_code)


def _listed(extra: Any) -> list[dict[str, Any]]:
    return [e for e in extra if isinstance(e, dict)] if isinstance(extra, list) else []


def _field(entry: dict[str, Any]) -> FieldError:
    key, source = str(entry.get("key", "")), str(entry.get("source", "body"))
    name = key.removeprefix("data.").removeprefix("data") if source == "body" else key
    pointer = "/" + name.replace(".", "/") if source == "body" and name else name
    message = str(entry.get("message", "can't be used"))
    if " - at `$" in message:
        message, _, path = message.partition(" - at `$")
        pointer = "/" + path.rstrip("`").replace("[...]", "/*").lstrip(".").replace(".", "/")
    return FieldError(pointer, message, "" if source == "body" else f"Correct the {source} parameter {key}.")
