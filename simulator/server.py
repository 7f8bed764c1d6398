"""The HTTP face of the world: routes a call to its system, applies faults, honours keys, writes the ledger."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from simulator import control, ledger, mail_pages, sockets
from simulator.credentials import TOKEN_SECONDS, Credentials
from simulator.faults import Fault, Faults
from simulator.mail import Mailbox
from simulator.operations import Answer, Operation, Refused, Request, World
from simulator.seed import PARTNERS
from simulator.store import Store
from simulator.systems import SYSTEMS

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Call:
    """One call as it came in."""

    partner: str
    system: str
    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    raw: bytes

    @property
    def key(self) -> str | None:
        """Its Idempotency-Key."""
        return self.headers.get("idempotency-key")

    @property
    def body_sha256(self) -> str:
        """The hash the ledger keeps of the body."""
        return hashlib.sha256(self.raw).hexdigest()


class _Met(NamedTuple):
    """What a request line means: the operation's name for the ledger, and the operation with its path parameters when there is one."""

    name: str
    operation: Operation | None = None
    path: Mapping[str, str] = MappingProxyType({})


class _Lied(Exception):
    """Takes back what was done, and carries the answer that says it was."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


_Given = tuple[Answer, Mapping[str, str]]


@dataclass
class Simulator:
    """The ASGI application."""

    store: Store
    faults: Faults
    credentials: Credentials
    mailbox: Mailbox
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request: the control API, the mailbox or a system of a partner."""
        if scope["type"] != "http":
            return
        call = _call(scope, await _body(receive))
        if call.partner in PARTNERS:
            await self._serve(scope, send, call)
        elif call.method == "GET" and (html := mail_pages.page(self.mailbox, scope["path"], call.query.get("to", ""))) is not None:
            await _send_page(send, html)
        else:
            answer = control.answer(self.store, self.faults, self.mailbox, call.method, scope["path"], call.query, call.raw, self.now())
            await _send(send, answer)

    async def _serve(self, scope: Scope, send: Send, call: Call) -> None:
        met = _operation(call)
        fault = self.faults.strike(call.partner, call.system, met.name)
        if fault and fault.kind in ("down", "hang"):
            self._append(call, met.name, Answer({}, 0), fault=fault.kind)
            await asyncio.sleep(fault.delay if fault.kind == "hang" else 0)
            sockets.reset(scope)
            return
        answer, headers = self._answer(call, met, fault)
        if fault and fault.kind == "reset_after":
            sockets.reset(scope)
            return
        await _send(send, answer, headers, drip=fault.delay if fault and fault.kind == "drip" else 0.0)

    def _answer(self, call: Call, met: _Met, fault: Fault | None) -> _Given:
        if fault and fault.kind in ("error", "throttle"):
            answer = _broken(fault.kind)
            self._append(call, met.name, answer, fault=fault.kind)
            return answer, {"retry-after": "1"} if fault.kind == "throttle" else {}
        if met.name == "token":
            return self._token(call), {}
        account = self.credentials.caller(call.partner, call.system, call.headers)
        if account is None or met.operation is None:
            answer = _error(401, "unauthenticated", "Unknown credential.") if account is None else _error(404, "not_found", "No such path.")
            self._append(call, met.name, answer, account=account)
            return answer, {}
        return self._repeated(call, met.operation, account) or self._performed(call, met.operation, met.path, account, fault)

    def _token(self, call: Call) -> Answer:
        token = self.credentials.token(call.partner, call.headers)
        # The ledger keeps that a token went out, never the token.
        self._append(call, "token", Answer({}, 200 if token else 401))
        if token is None:
            return _error(401, "invalid_client", "Unknown client.")
        return Answer({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})

    def _repeated(self, call: Call, operation: Operation, account: str) -> _Given | None:
        """The first answer again when the call's key had its effect before."""
        first = ledger.first_answer(self.store, call.partner, call.system, call.key) if call.key and operation.effect else None
        if first is None:
            return None
        answer = _again(first, call)
        self._append(call, operation.name, answer, account=account, repeated=True)
        return answer, {"idempotent-replayed": "true"}

    def _performed(self, call: Call, operation: Operation, path: Mapping[str, str], account: str, fault: Fault | None) -> _Given:
        """Do it; the change and its ledger line are one commit. A lie does it too, answers, and takes it back."""
        struck = fault.kind if fault else None
        try:
            with self.store:
                answer = operation.handle(World(self.store, call.partner, account, self.now()), _request(call, path))
                if struck == "lie":
                    raise _Lied(answer)
                self._append(call, operation.name, answer, account=account, effect=operation.effect, fault=struck)
        except _Lied as lied:
            answer = lied.answer
            self._append(call, operation.name, answer, account=account, fault=struck)
        except Refused as refusal:
            answer = Answer(refusal.answer, refusal.status)
            self._append(call, operation.name, answer, account=account)
        return answer, {}

    def _append(
        self,
        call: Call,
        operation: str,
        answer: Answer,
        *,
        account: str | None = None,
        effect: bool = False,
        repeated: bool = False,
        fault: str | None = None,
    ) -> None:
        line = ledger.Line(
            at=self.now().isoformat(),
            partner=call.partner,
            system=call.system,
            operation=operation,
            method=call.method,
            path=call.path,
            account=account,
            key=call.key,
            body_sha256=call.body_sha256,
            status=answer.status,
            effect=effect,
            repeated=repeated,
            fault=fault,
            answer=answer.body,
        )
        ledger.append(self.store, line)


def _operation(call: Call) -> _Met:
    if (call.system, call.path) == ("carrier", "/oauth/token"):
        return _Met("token")
    system = SYSTEMS.get(call.system)
    found = system.match(call.method, call.path) if system else None
    return _Met(found[0].name, *found) if found else _Met("unknown")


def _again(first: ledger.FirstAnswer, call: Call) -> Answer:
    if first.body_sha256 != call.body_sha256:
        return _error(422, "key_reused", "This Idempotency-Key came with another body before.")
    return Answer(first.answer, first.status)


def _request(call: Call, path: Mapping[str, str]) -> Request:
    try:
        body = json.loads(call.raw) if call.raw else {}
    except ValueError as error:
        raise Refused(400, "json_unreadable", "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise Refused(400, "json_unreadable", "The body must be a JSON object.")
    return Request(path, body, call.query, call.key)


def _broken(kind: str) -> Answer:
    return _error(500, "internal", "Something broke.") if kind == "error" else _error(429, "throttled", "Too many requests.")


def _error(status: int, code: str, message: str) -> Answer:
    return Answer({"error": {"code": code, "message": message}}, status)


def _call(scope: Scope, raw: bytes) -> Call:
    partner, _, rest = scope["path"].lstrip("/").partition("/")
    system, _, path = rest.partition("/")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope["query_string"].decode()))
    return Call(partner, system, scope["method"], f"/{path}", headers, query, raw)


async def _body(receive: Receive) -> bytes:
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _send(send: Send, answer: Answer, headers: Mapping[str, str] | None = None, *, drip: float = 0.0) -> None:
    body = json.dumps(answer.body).encode()
    lines = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    start = {"type": "http.response.start", "status": answer.status, "headers": [(n.encode(), v.encode()) for n, v in lines.items()]}
    await send(start)
    for piece in _pieces(body, drip):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(drip / max(len(body), 1))
    await send({"type": "http.response.body", "body": b""})


async def _send_page(send: Send, html: str) -> None:
    body = html.encode()
    lines = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": lines})
    await send({"type": "http.response.body", "body": body})


def _pieces(body: bytes, drip: float) -> list[bytes]:
    return [bytes([byte]) for byte in body] if drip else [body]
