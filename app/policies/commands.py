"""What changes a policy, and decisions: made outside the write transaction, published inside it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from app.canonical import queries as canonical
from app.canonical.commands import Recorded
from app.core.errors import Conflict
from app.core.events import Event
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.policies import queries
from app.policies.deciding import Evaluation, Incoming, decide
from app.policies.models import DecisionRow
from app.policies.publishing import publish, retire, roll_back, save
from app.policies.redeciding import redecide
from app.policies.schemas import Decision

__all__ = [
    "Evaluation",
    "Incoming",
    "StaleFacts",
    "check_fresh",
    "evaluate",
    "publish",
    "publish_decision",
    "redecide",
    "retire",
    "roll_back",
    "save",
]


class StaleFacts(Conflict):
    """What this was decided from has changed meanwhile; decide again."""


async def evaluate(shell: Shell, reader: UnitOfWork, incoming: Sequence[Incoming]) -> Evaluation:
    """Ask the policies in force about a batch of events, in their order, before anything is written."""
    sets = await queries.in_force(reader, {one.customer_id for one in incoming})
    return await decide(shell.sandbox, reader, sets, incoming)


async def check_fresh(uow: UnitOfWork, evaluation: Evaluation) -> None:
    """First thing in the write transaction: raises StaleFacts when what was read has changed, else holds it unchanged."""
    if await canonical.versions(uow, evaluation.versions) != evaluation.versions:
        raise StaleFacts()


async def publish_decision(uow: UnitOfWork, decision: Decision, recorded: Recorded | None = None) -> Event:
    """Say a decision and keep it; the same transaction opens, joins or re-prioritises its case.

    `recorded` is what the event was recorded about. The event's id is the decision's.
    """
    if recorded is not None:
        subjects = {"order": recorded.order_id, "shipment": recorded.shipment_id}
        decision.subjects = {kind: str(id) for kind, id in subjects.items() if id}
        decision.event_id = str(recorded.event.id)
    event = uow.publish("decision.made", data=_told(decision), customer_id=decision.customer_id, occurred_at=decision.occurred_at)
    decision.id = event.id
    uow.add(_row(decision, event.id))
    return event


def _told(decision: Decision) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(decision)
    return {name: value for name, value in told.items() if name not in ("id", "customer_id")}


def _row(decision: Decision, id: UUID) -> DecisionRow:
    document: Mapping[str, Any] = msgspec.to_builtins(decision)
    return DecisionRow(
        id=id, customer_id=decision.customer_id, policy_id=decision.policy_id, policy=decision.policy, version=decision.version, rule=decision.rule,
        event_type=decision.event_type, exception_type=decision.exception.type, group_key=decision.group_key, level=decision.priority.level,
        score=decision.priority.score, provisional=decision.priority.provisional, earlier_id=decision.earlier,
        signal_id=UUID(decision.signal_id) if decision.signal_id else None, source_event_id=UUID(decision.event_id) if decision.event_id else None,
        inputs=document["inputs"], document={name: value for name, value in document.items() if name != "inputs"},
        occurred_at=decision.occurred_at, decided_at=decision.decided_at,
    )  # fmt: skip
