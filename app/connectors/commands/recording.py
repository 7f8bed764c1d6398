"""Writing calls down: the intent before an effect leaves, what came of it after, and what the breaker learned."""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.connectors import credentials, queries
from app.connectors.breaker import State
from app.connectors.exchange import Report, Ticket
from app.connectors.models import Call
from app.connectors.outcomes import Outcome
from app.connectors.redaction import redacted
from app.core import telemetry
from app.core.errors import Conflict
from app.core.parsing import canonical_json
from app.core.secrets import Vault
from app.core.uow import UnitOfWork

EVENTS = {"done": "call.succeeded", "refused": "call.failed", "failed": "call.failed", "unknown": "call.unknown"}
FIRST_LOOK = timedelta(seconds=5)

AskedBy = tuple[UUID | None, UUID | None, UUID | None]  # customer, case, run


class CallTakenOver(Conflict):
    """Another process took this call over while this one was away; what this one learned is dropped."""


def params_hash(params: dict[str, Any]) -> str:
    """What tells whether a key comes with the same question."""
    return hashlib.sha256(canonical_json(params)).hexdigest()


async def start(
    uow: UnitOfWork, ticket: Ticket, call: Call | None, told: dict[str, Any], *, params: dict[str, Any], asked_by: AskedBy
) -> None:
    """The intent: from this commit on everybody knows that the effect may have happened."""
    row = call or _new(uow, ticket, params, asked_by)
    row.status, row.token, row.sent_at = "sending", ticket.token, uow.now
    uow.publish("call.started", of=row, data=told | _told(ticket), key=f"call:{row.id}", customer_id=asked_by[0])


async def record(uow: UnitOfWork, vault: Vault, told: dict[str, Any], ticket: Ticket, report: Report, *, asked_by: AskedBy) -> Outcome:
    """What came of it; an unknown outcome gets work that goes on asking. Raises CallTakenOver when somebody else holds the call."""
    row = await uow.session.scalar(select(Call).where(Call.id == ticket.call_id).with_for_update(key_share=True))
    if row is not None and row.token != ticket.token:
        raise CallTakenOver()
    if row is None:
        row = _new(uow, ticket, ticket.params, asked_by)
        row.sent_at = ticket.started_at
    write_down(row, uow, report)
    if report.fresh_token:
        await credentials.keep_token(uow, vault, ticket.connection_id, ticket.customer_id, report.fresh_token)
    publish_end(uow, row, told | _told(ticket))
    telemetry.CALLS.labels(ticket.connector.name, report.status).inc()
    return Outcome(
        status=report.status, response=report.response, error=report.error, call_id=row.id, connection=ticket.connection_name,
        answered_at=uow.now.isoformat(),
    )  # fmt: skip


def write_down(row: Call, uow: UnitOfWork, report: Report) -> None:
    """Put a report into its row."""
    row.status, row.response, row.error, row.attempts = report.status, report.response, report.error, report.attempts
    row.request, row.answer = report.request or row.request, report.answer or row.answer
    row.mediation, row.took_ms, row.finished_at, row.token = report.mediation, report.took_ms, uow.now, None


def publish_end(uow: UnitOfWork, row: Call, told: dict[str, Any]) -> None:
    """Say how it ended; while nobody knows, keep work that asks again."""
    data = told | {"call_id": row.id, "status": row.status, "attempts": row.attempts, "error": row.error, "settled_by": row.settled_by}
    uow.publish(EVENTS[row.status], of=row, data=data, key=f"call:{row.id}", customer_id=row.customer_id)
    if row.status == "unknown":
        uow.work("call", subject=row.id, due=uow.now + FIRST_LOOK)


async def keep_health(uow: UnitOfWork, ticket: Ticket, report: Report) -> None:
    """Tell the breaker, when there is something to tell; its opening and closing are events."""
    if report.health is None:
        return
    seen = await queries.breaker_of(uow, ticket.connection_id)
    if report.health and seen.state == "closed" and seen.failures == 0:
        return
    row = await queries.breaker_of(uow, ticket.connection_id, lock=True)
    before = State(row.state, row.failures, row.trips, row.retry_at)
    after = before.succeeded() if report.health else before.failed(uow.now)
    row.state, row.failures, row.trips, row.retry_at = after.state, after.failures, after.trips, after.retry_at
    told = {
        "connection": ticket.connection_name,
        "connector": ticket.connector.name,
        "failures": after.failures,
        "retry_at": after.retry_at,
    }
    if after.state == "open" and before.state == "closed":
        uow.publish("breaker.opened", of=row, data=told, key=f"connection:{ticket.connection_id}", customer_id=row.customer_id)
    elif after.state == "closed" and before.state != "closed":
        uow.publish("breaker.closed", of=row, data=told, key=f"connection:{ticket.connection_id}", customer_id=row.customer_id)


def _new(uow: UnitOfWork, ticket: Ticket, params: dict[str, Any], asked_by: AskedBy) -> Call:
    customer, case, run = asked_by
    return uow.add(
        Call(
            id=ticket.call_id, customer_id=customer, case_id=case, run_id=run, connection_id=ticket.connection_id,
            connection_version=ticket.connection_version, connector=ticket.connector.name, operation=ticket.operation_name,
            capability=ticket.capability.name, has_effect=ticket.capability.effect, effect_key=ticket.effect_key, params_hash=params_hash(params),
            params=redacted(params), actor=uow.actor, status="sending", attempts=0, mediation={}, started_at=ticket.started_at,
        )
    )  # fmt: skip


def _told(ticket: Ticket) -> dict[str, Any]:
    return {
        "call_id": ticket.call_id, "effect": ticket.capability.effect, "connection": ticket.connection_name, "connector": ticket.connector.name,
        "connection_version": ticket.connection_version,
    }  # fmt: skip
