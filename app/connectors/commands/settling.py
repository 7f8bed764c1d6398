"""Finding out what became of calls that were never answered: by asking the system, or by a person who asked someone."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from app.connectors import credentials
from app.connectors.capabilities import capability
from app.connectors.commands.recording import publish_end, write_down
from app.connectors.connector import connector
from app.connectors.exchange import Exchange, Ticket
from app.connectors.models import Call, Connection
from app.connectors.schemas import Settlement
from app.core.errors import Conflict, FieldError, Invalid
from app.core.services import Shell, WorkItem
from app.core.uow import UnitOfWork

LONGEST_PAUSE = timedelta(minutes=10)


class CallIsSettled(Conflict):
    """What became of this call is known; only an unknown one can be settled."""


async def settle(uow: UnitOfWork, call_id: UUID, settlement: Settlement) -> Call:
    """Take a person's word for what became of an unanswered call. Raises CallIsSettled, Invalid when the answer doesn't fit."""
    row = await uow.get(Call, call_id, lock=True)
    if row.status != "unknown":
        raise CallIsSettled()
    complaint = (
        capability(row.capability).complaint(settlement.response)
        if settlement.outcome == "done" and settlement.response is not None
        else None
    )
    if complaint:
        raise Invalid(complaint, errors=[FieldError("/response", complaint, "Send it in the capability's form, or leave it out.")])
    row.status, row.response, row.note, row.settled_by = settlement.outcome, settlement.response, settlement.note, uow.actor
    row.error = None if settlement.outcome == "done" else {"cause": "settled", "detail": settlement.note, "retryable": True}
    row.finished_at = uow.now
    uow.drop_work("call", row.id)
    publish_end(uow, row, told_of(row))
    return row


async def reconcile_call(shell: Shell, item: WorkItem) -> None:
    """Work `call`: ask the system once more; what is found out is written down, otherwise the next look comes later."""
    ticket = await _ticket(shell, item)
    if ticket is None:
        return
    report = await Exchange(shell, ticket).reconcile()
    async with shell.unit_of_work(item.tenant_id, actor="system:call") as uow:
        row = await uow.get(Call, item.subject, lock=True)
        if row.status == "unknown" and report.status == "unknown":
            uow.work("call", subject=row.id, due=uow.now + _pause(row, uow))
            return
        if row.status == "unknown":
            write_down(row, uow, report)
            publish_end(uow, row, told_of(row))
        await uow.finish(item)


async def _ticket(shell: Shell, item: WorkItem) -> Ticket | None:
    async with shell.unit_of_work(item.tenant_id, actor="system:call") as uow:
        row = await uow.find(Call, item.subject)
        adapter = connector(row.connector) if row else None
        if row is None or adapter is None or row.status != "unknown":
            await uow.finish(item)
            return None
        return await ticket_of(uow, shell, row)


async def ticket_of(uow: UnitOfWork, shell: Shell, row: Call) -> Ticket:
    """Leave to ask about a recorded call, with its connection as it is now."""
    connection = await uow.get(Connection, row.connection_id)
    adapter = connector(connection.connector)
    return Ticket(
        call_id=row.id, token=uow.new_id(), connection_id=connection.id, connection_name=connection.name, customer_id=connection.customer_id,
        connection_version=connection.version, connector=adapter, operation_name=row.operation, operation=adapter.operations[row.operation],
        capability=capability(row.capability), config=connection.config, params=row.params, effect_key=row.effect_key,
        secret=await credentials.secret_of(uow, shell.vault, connection.id) or "",
        access=await credentials.token_of(uow, shell.vault, connection.id), wait=0.0, attempts=row.attempts, is_doubtful=True, case_retries=0,
        started_at=row.started_at,
    )  # fmt: skip


def told_of(row: Call) -> dict[str, Any]:
    """What events say of a recorded call."""
    return {
        "capability": row.capability, "effect_key": row.effect_key, "case_id": row.case_id, "run_id": row.run_id, "effect": row.has_effect,
        "connector": row.connector, "connection_version": row.connection_version,
    }  # fmt: skip


def _pause(row: Call, uow: UnitOfWork) -> timedelta:
    """Half of the call's age, so that looks get rarer as it grows old."""
    return min((uow.now - row.started_at) / 2, LONGEST_PAUSE)
