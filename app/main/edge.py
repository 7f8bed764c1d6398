"""The one ASGI wrapper around the framework: ids, hosts, headers, and the commit that comes before the answer.

A write is acknowledged only when its transaction is durable, so the answer is held back until then; the same moment stores
the answer under its Idempotency-Key, in the same transaction.
"""

import re
import time
from typing import Any, cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.core import faults, paging, repeats, telemetry
from app.core.errors import Conflict, Fault, Invalid
from app.core.ids import new_id
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.main import dialects
from app.main.problems import MEDIA_TYPE, render, route_of, to_fault

_HOST = re.compile(r"^[a-z0-9.-]{1,253}(:[0-9]{1,5})?$|^\[[0-9a-f:]+\](:[0-9]{1,5})?$")
_SECURITY = {
    "x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "x-frame-options": "DENY", "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'", "cache-control": "no-store", "permissions-policy": "interest-cohort=()",
}  # fmt: skip
_KEPT = ("content-type", "location", "link", "etag")


class ShownOnce(Conflict):
    """This request was answered before, with a secret that is shown once; make a new one if it was lost."""


class Edge:
    """Wraps the application; see the module's first lines."""

    def __init__(self, app: ASGIApp, shell: Shell) -> None:
        self._app = app
        self._shell = shell
        self._fixed = dict(_SECURITY)
        if shell.settings.public_scheme == "https":
            self._fixed["strict-transport-security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.WEBSOCKET:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        token = telemetry.trace_id.set(telemetry.read_trace(headers.get("traceparent")))
        paging.next_cursor.set(None)
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = str(new_id())
        answer = _Answer(self, scope, state, headers, send)
        try:
            state["host"] = self._host(scope)
            await self._app(scope, receive, answer.send)
        except Fault as fault:
            await answer.fault(fault)
        finally:
            await answer.abandon()
            self._count(scope, answer.status, time.perf_counter() - started)
            telemetry.trace_id.reset(token)

    def _host(self, scope: Scope) -> str:
        given = [v.decode("latin-1").lower() for k, v in scope["headers"] if k.lower() == b"host"]
        if len(given) != 1 or not _HOST.match(given[0]):
            raise Invalid("Send exactly one Host header that holds a host name.")
        return re.sub(r":[0-9]+$", "", given[0]).strip("[]")

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_of(scope)
        telemetry.REQUESTS.labels(str(scope.get("method", "")), route, str(status)).inc()
        telemetry.REQUEST_SECONDS.labels(route).observe(seconds)

    def headers(self, state: dict[str, Any], given: list[tuple[bytes, bytes]], scope: Scope) -> list[tuple[bytes, bytes]]:
        """The answer's headers with ours: security, ids, limits, the next page."""
        mine = {**self._fixed, "x-request-id": state["request_id"], **state.get("limit_headers", {})}
        cursor = paging.next_cursor.get()
        if cursor:
            mine["link"] = f'<{paging.next_link(scope["path"], scope["query_string"].decode("latin-1"), cursor)}>; rel="next"'
        present = {k.lower() for k, _ in given}
        kept = [(k, v) for k, v in given if k.lower() not in (b"server", b"date")]
        return kept + [(k.encode(), v.encode("latin-1")) for k, v in mine.items() if k.encode() not in present]


class _Answer:
    """Holds an answer back until its transaction is durable; streams what has none."""

    def __init__(self, edge: Edge, scope: Scope, state: dict[str, Any], headers: dict[str, str], send: Send) -> None:
        self._edge, self._scope, self._state, self._headers, self._send = edge, scope, state, headers, send
        self._start: Any = None
        self._body = bytearray()
        self._sent = False
        self.status = 500

    async def send(self, message: Message) -> None:
        uow: UnitOfWork | None = self._state.get("uow")
        if message["type"] == "http.response.start":
            self._start = message
            self.status = message["status"]
            if (uow is None or uow.closed) and not self._is_spoken_otherwise():
                await self._forward(message)
            return
        if message["type"] == "http.response.body" and not self._sent:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._conclude(uow)
            return
        await self._send(message)

    async def fault(self, fault: Fault) -> None:
        """Answer with a problem, unless an answer has begun."""
        if not self._sent:
            await self._plain(*render(fault))

    async def abandon(self) -> None:
        """Whatever ended the request, its transaction ends with it."""
        uow: UnitOfWork | None = self._state.get("uow")
        if uow is None:
            return
        try:
            if not uow.closed:
                await uow.rollback()
            await uow.session.close()
        except Exception as error:  # the connection is broken: the server has rolled back by itself
            self._edge._shell.log.warning("transaction abandoned", error=type(error).__name__)

    async def _forward(self, message: Any) -> None:
        self._sent = True
        await self._send(cast(Any, {**message, "headers": self._edge.headers(self._state, list(message["headers"]), self._scope)}))

    async def _conclude(self, uow: UnitOfWork | None) -> None:
        """Commit, then let the answer go; a commit that fails answers with its own problem."""
        try:
            if uow is not None and not uow.closed:
                if self.status < 400:
                    await self._store(uow)
                    await uow.commit()
                    faults.point("after-commit-before-answer")
                else:
                    await uow.rollback()
        except Exception as error:  # the edge: nothing above would turn it into an answer
            fault = to_fault(error)
            if fault.status >= 500:
                self._edge._shell.log.error(
                    "commit failed", route=route_of(self._scope), error=repr(error)[:200], exc_info=None if fault.status == 503 else error
                )
            await self._plain(*render(fault))
            return
        if self._is_spoken_otherwise():
            kept = {k.decode(): v.decode("latin-1") for k, v in self._start["headers"] if k.lower() != b"content-length"}
            await self._plain(self.status, kept, bytes(self._body))
            return
        await self._forward(self._start)
        await self._send({"type": "http.response.body", "body": bytes(self._body), "more_body": False})

    def _is_spoken_otherwise(self) -> bool:
        """Whether what was begun is a problem for somebody who reads problems in another form."""
        says_problem = any(k.lower() == b"content-type" and v.startswith(MEDIA_TYPE.encode()) for k, v in self._start["headers"])
        return says_problem and dialects.is_wanted(self._scope, self._headers)

    async def _store(self, uow: UnitOfWork) -> None:
        if "idempotency" in self._state:
            headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in self._start["headers"]}
            status, kept, body = self.status, {k: v for k, v in headers.items() if k in _KEPT}, bytes(self._body)
            if self._scope["route_handler"].opt.get("secret"):
                status, kept, body = render(ShownOnce())
            await repeats.keep(uow, self._state["idempotency"], status, kept, body)

    async def _in_their_words(self, status: int, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """The problem in the reader's form; the problem itself where even that can't be made."""
        try:
            answer = await dialects.spoken(self._edge._shell, self._scope, self._headers, status, headers, body)
        except Exception as error:  # the database may be what is wrong: whoever asked still gets an answer
            self._edge._shell.log.warning("a problem stays a document", error=type(error).__name__)
            answer = None
        return answer or (status, headers, body)

    async def _plain(self, status: int, headers: dict[str, str], body: bytes) -> None:
        if dialects.is_wanted(self._scope, self._headers):
            status, headers, body = await self._in_their_words(status, headers, body)
        self.status = status
        given = [(k.encode(), v.encode("latin-1")) for k, v in headers.items()] + [(b"content-length", str(len(body)).encode())]
        await self._forward({"type": "http.response.start", "status": status, "headers": given})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})
