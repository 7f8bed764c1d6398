"""One asked capability on the wire: authentication, time-out, retries by error class, reconciling what nobody knows.

Touches no table. What it needs comes in a Ticket, what it learned goes out in a Report; the commands around it write both down.
"""

import asyncio
import random
import time
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from app.connectors import backoff, credentials
from app.connectors.capabilities import Capability
from app.connectors.connector import Connector, Operation, Request
from app.connectors.credentials import Token
from app.connectors.outcomes import Judgement, Result, judge
from app.connectors.redaction import kept
from app.connectors.requests import Prepared, RequestUnwritable, read, write
from app.core import faults, telemetry
from app.core.egress import SECONDS, Answer, EgressRefused, EgressReset, EgressTimeout, EgressTooLarge
from app.core.parsing import Unreadable, parse_json
from app.core.sandbox import SandboxFailure
from app.core.services import Shell

LARGEST_RESPONSE = 64 << 10
KEPT = "kept"


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Leave to make one call, with everything it needs. `is_doubtful`: an earlier try may have had its effect, so ask first."""

    call_id: UUID
    token: UUID
    connection_id: UUID
    connection_name: str
    customer_id: UUID | None
    connection_version: int
    connector: Connector
    operation_name: str
    operation: Operation
    capability: Capability
    config: dict[str, Any]
    params: dict[str, Any]
    effect_key: str
    secret: str
    access: Token | None
    wait: float
    attempts: int
    is_doubtful: bool
    case_retries: int
    started_at: datetime

    def __repr__(self) -> str:
        return f"Ticket({self.call_id}, {self.capability.name}, {self.connection_name})"


class Report(msgspec.Struct, kw_only=True):
    """How it went. `health` is what the breaker learns: True an answer, False none or a broken one, None nothing."""

    status: Literal["done", "refused", "failed", "unknown"] = "failed"
    response: Any = None
    error: dict[str, Any] | None = None
    attempts: int = 0
    request: dict[str, Any] | None = None
    answer: dict[str, Any] | None = None
    mediation: dict[str, Any] = {}
    health: bool | None = None
    fresh_token: Token | None = None
    took_ms: int = 0


class Exchange:
    """Carries one ticket out."""

    def __init__(self, shell: Shell, ticket: Ticket) -> None:
        self._shell = shell
        self._ticket = ticket
        self._access = ticket.access
        self._began = time.monotonic()
        self.report = Report(attempts=ticket.attempts)
        self._retries: list[dict[str, Any]] = []
        self._auth = {"kind": ticket.connector.auth.kind, "token": KEPT if ticket.access else None}

    async def run(self) -> Report:
        """The whole of it: wait for the throttle, settle what is doubtful, then ask, at most four times."""
        await asyncio.sleep(self._ticket.wait)
        try:
            if self._ticket.is_doubtful and await self._reconciled():
                return self._finished()
            await self._ask(await self._write(self._ticket.operation.request))
        except RequestUnwritable as error:
            self._end("refused", Judgement("refused", "request", error.detail))
        return self._finished()

    async def reconcile(self) -> Report:
        """Only ask what became of it: done, `failed` when it certainly had no effect, or still unknown."""
        if not await self._reconciled():
            self._end("failed", Judgement("retry", "no_effect", "The system knows of no such request: it had no effect."))
        return self._finished()

    async def _ask(self, prepared: Prepared) -> None:
        while True:
            self.report.attempts += 1
            result = await self._send(prepared, with_key=True)
            faults.point("call-sent")
            verdict = judge(result, self._ticket.operation.errors, effect=self._ticket.capability.effect)
            self._learn(result)
            if isinstance(result, Answer) and verdict.meaning == "answered":
                verdict = await self._accept(result)
            if verdict.meaning == "unknown" and await self._reconciled(verdict):
                return
            if not await self._goes_on(verdict):
                return

    async def _goes_on(self, verdict: Judgement) -> bool:
        """Whether to ask again; otherwise the report says how it ended."""
        if verdict.meaning == "answered":
            return False
        if verdict.meaning == "unauthorised" and self._auth["token"] == KEPT:
            self._access, self._auth["token"] = None, "renewed"
            return True
        if verdict.meaning in ("refused", "unauthorised"):
            self._end("refused", verdict)
            return False
        wait = backoff.pause(self.report.attempts - self._ticket.attempts, verdict.retry_after, random.random)
        elapsed = time.monotonic() - self._began
        if not backoff.may_retry(
            self.report.attempts - self._ticket.attempts, wait, elapsed, self._ticket.case_retries + len(self._retries)
        ):
            self._end("failed", verdict)
            return False
        self._retries.append({"cause": verdict.cause, "waited_ms": round(wait * 1000)})
        await asyncio.sleep(wait)
        return True

    async def _accept(self, answer: Answer) -> Judgement:
        """Read the answer in the capability's words. One that doesn't fit proves nothing: unknown for an effect, broken for a question."""
        complaint, response = await self._understood(self._ticket.operation.response, answer)
        if complaint is None:
            self.report.status, self.report.response, self.report.error = "done", response, None
            return Judgement("answered", "", "", answer.status)
        self.report.health = False
        effect = self._ticket.capability.effect
        return Judgement(
            "unknown" if effect else "refused", "answer", f"The system's answer can't be used: {complaint}", answer.status, True
        )

    async def _understood(self, program: str, answer: Answer) -> tuple[str | None, Any]:
        try:
            raw = parse_json(answer.body) if answer.body else None
        except Unreadable as error:
            return error.detail, None
        return await self._fitting(await read(self._shell.sandbox, program, raw))

    async def _fitting(self, response: Any) -> tuple[str | None, Any]:
        if isinstance(response, SandboxFailure):
            return response.message, None
        if len(msgspec.json.encode(response)) > LARGEST_RESPONSE:
            return f"it is larger than {LARGEST_RESPONSE} bytes", None
        return self._ticket.capability.complaint(response), response

    async def _reconciled(self, doubt: Judgement | None = None) -> bool:
        """Ask what became of the effect. True: the report is final (done, or still unknown). False: there was none, so it may be sent."""
        form = self._ticket.operation.reconcile
        self._end("unknown", doubt or Judgement("unknown", "interrupted", "An earlier attempt ended without an answer."))
        if form is None:
            return True
        result = await self._send(await self._write(form), with_key=False)
        self._feel(result)
        self._retries.append({"cause": "reconcile", "answered": result.status if isinstance(result, Answer) else type(result).__name__})
        if isinstance(result, Answer) and result.status == 404:
            return False
        if not isinstance(result, Answer) or not 200 <= result.status < 300:
            return True
        return await self._is_settled_by(result, form.found)

    async def _is_settled_by(self, answer: Answer, program: str) -> bool:
        try:
            found = await read(self._shell.sandbox, program, parse_json(answer.body))
        except Unreadable:
            return True
        if found is None:
            return False
        if isinstance(found, SandboxFailure):
            return True
        complaint, response = await self._fitting(await read(self._shell.sandbox, self._ticket.operation.response, found))
        if complaint is None:
            self.report.status, self.report.response, self.report.error, self.report.health = "done", response, None, True
        return True

    async def _send(self, prepared: Prepared, *, with_key: bool) -> Result:
        operation, ticket = self._ticket.operation, self._ticket
        headers = dict(prepared.headers)
        if with_key and operation.idempotency_header:
            headers[operation.idempotency_header] = ticket.effect_key
        trace = telemetry.trace_id.get()
        if trace:
            headers["traceparent"] = telemetry.traceparent(trace)
        try:
            headers |= await self._show_who_we_are()
            return await self._shell.egress.request(
                prepared.method, prepared.url, headers=headers, content=prepared.content, timeout=min(operation.seconds, SECONDS)
            )
        except (EgressRefused, EgressTimeout, EgressReset, EgressTooLarge) as error:
            return error
        except credentials.TokenRefused as error:
            return Answer(401, {}, error.detail.encode()) if error.is_final else EgressReset(error.detail, after_write=False)

    async def _show_who_we_are(self) -> dict[str, str]:
        auth, config, secret = self._ticket.connector.auth, self._ticket.config, self._ticket.secret
        if auth.kind == "oauth2_client_credentials" and self._access is None:
            try:
                self._access = await credentials.fetch_token(self._shell.egress, auth, config, secret, self._shell.clock.now())
            except (EgressTimeout, EgressReset) as error:
                error.after_write = False  # of the request itself nothing has left
                raise
            self.report.fresh_token = self._access
            self._auth["token"] = self._auth["token"] or "fetched"
        return credentials.headers_for(auth, config, secret, self._access)

    async def _write(self, form: Request) -> Prepared:
        ticket = self._ticket
        prepared = await write(
            self._shell.sandbox, ticket.connector, form, config=ticket.config, params=ticket.params, effect_key=ticket.effect_key
        )
        if form is ticket.operation.request:
            self.report.request = {"method": prepared.method, "url": prepared.url, "body": kept(prepared.content)}
        return prepared

    def _feel(self, result: Result) -> None:
        """What the breaker learns of any answer, or of none."""
        known = isinstance(result, Answer | EgressTimeout | EgressReset)
        self.report.health = not judge(result, self._ticket.operation.errors, effect=False).is_sick if known else None

    def _learn(self, result: Result) -> None:
        self._feel(result)
        if isinstance(result, Answer):
            self.report.answer = {"status": result.status, "body": kept(result.body)}

    def _end(self, status: Literal["refused", "failed", "unknown"], verdict: Judgement) -> None:
        known = {"status": verdict.status, "retry_after": verdict.retry_after}
        error = {"cause": verdict.cause, "detail": verdict.detail, "retryable": status != "refused"}
        self.report.status, self.report.response = status, None
        self.report.error = error | {name: value for name, value in known.items() if value is not None}

    def _finished(self) -> Report:
        ticket = self._ticket
        self.report.took_ms = round((time.monotonic() - self._began) * 1000)
        self.report.mediation = {
            "auth": {name: value for name, value in self._auth.items() if value},
            "schema": {"params": "fits", "response": "fits" if self.report.status == "done" else None},
            "rate": {"waited_ms": round(ticket.wait * 1000)},
            "retry": {"attempts": self.report.attempts, "for": self._retries},
            "protocol": {
                "connector": ticket.connector.name,
                "operation": ticket.operation_name,
                "timeout_seconds": ticket.operation.seconds,
            },
        }
        return self.report
