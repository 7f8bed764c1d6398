"""Claim, renew and turn: how a run is held by one process at a time, and how what it did is written in one commit.

The statements stand in migrations/initial/60_workflows.sql; here are their arguments and answers as data.
"""

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import orjson
from sqlalchemy import text as sql

from app.core.context import Context
from app.core.events import Event
from app.core.ids import new_id
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.workflows import engine, snapshot
from app.workflows.engine import Advanced, Effect
from app.workflows.frames import State, Step, moment

LEASE_SECONDS = 6
MOST_EXECUTIONS = 3

_CLAIM = "select * from workflows.claim($1, $2, $3, $4, $5)"
_RENEW = "select * from workflows.renew($1, $2, $3, $4, $5)"
_TURN = "select * from workflows.turn($1, $2, $3, $4)"
_TURN_INSIDE = sql("select * from workflows.turn(null, :run, :token, cast(:turn as jsonb))")


class Claimed(msgspec.Struct, kw_only=True):
    """A run taken for work: all it needs to go on, and the token that proves it is held."""

    run_id: UUID
    token: UUID
    definition_id: UUID
    customer_id: UUID | None
    case_id: UUID | None
    input: Any
    state: State | None
    executions: int
    cancel_requested: bool
    requests: list[Any]
    started_at: datetime
    unread: list[dict[str, Any]]
    at: datetime
    trace: str | None = None


class Written(msgspec.Struct, kw_only=True):
    """What a turn found when it was written: what a person wants meanwhile, what came in, and outcomes known from before."""

    status: str
    cancel_requested: bool
    unread: list[dict[str, Any]]
    known: dict[str, Any] = {}


class Turn(msgspec.Struct, kw_only=True):
    """What one turn writes, beside the state that `advanced` holds."""

    advanced: Advanced
    before: State | None
    folded: State
    kept: dict[str, Any]
    settled: list[dict[str, Any]] = []
    taken: list[str] = []
    events: list[Event] = []
    heeded: bool = False


async def claim(shell: Shell, tenant_id: UUID, run_id: UUID, actor: str) -> Claimed | None:
    """Take a run that is due; None when it rests, is over or somebody else has it."""
    token = uuid4()
    rows = await shell.boundary.call(Context.one(tenant_id, actor=actor), _CLAIM, run_id, token, LEASE_SECONDS, new_id())
    if not rows:
        return None
    row = rows[0]
    folded = row["state"]
    return Claimed(
        run_id=run_id, token=token, definition_id=row["definition_id"], customer_id=row["customer_id"], case_id=row["case_id"],
        input=row["input"], state=None if folded is None else snapshot.unfold(folded, row["held"]), executions=row["executions"],
        cancel_requested=row["cancel_requested"], requests=row["requests"], started_at=row["started_at"], unread=row["unread"], at=row["at"], trace=row["trace"],
    )  # fmt: skip


async def renew(shell: Shell, tenant_id: UUID, claimed: Claimed, actor: str) -> Written | None:
    """Hold on to the run a while longer; None when it was lost."""
    arguments = (claimed.run_id, claimed.token, LEASE_SECONDS, new_id())
    rows = await shell.boundary.call(Context.one(tenant_id, actor=actor), _RENEW, *arguments)
    return _written(dict(rows[0])) if rows else None


async def write(shell: Shell, tenant_id: UUID, claimed: Claimed, turn: Turn, actor: str) -> Written | None:
    """Write a turn in a commit of its own; None when the lease was lost and nothing was written."""
    rows = await shell.boundary.call(Context.one(tenant_id, actor=actor), _TURN, claimed.run_id, claimed.token, payload(turn))
    return _written(dict(rows[0])) if rows else None


async def write_inside(uow: UnitOfWork, claimed: Claimed, turn: Turn) -> Written | None:
    """Write a turn as part of a transaction that does more; its events are published by that transaction."""
    arguments = {"run": claimed.run_id, "token": claimed.token, "turn": orjson.dumps(payload(turn)).decode()}
    row = (await uow.session.execute(_TURN_INSIDE, arguments)).mappings().one_or_none()
    return _written(dict(row)) if row else None


async def known_outcomes(shell: Shell, tenant_id: UUID, run_id: UUID, keys: list[str], actor: str) -> dict[str, Any]:
    """Outcomes that were written for these effects: after a crash nothing that is known is done again."""
    async with shell.read(tenant_id, actor=actor) as uow:
        statement = sql(
            "select key, status, outcome from workflows.effect where run_id = :run and key = any(:keys) and status in ('done', 'refused')"
        )
        rows = (await uow.session.execute(statement, {"run": run_id, "keys": keys})).mappings()
        return {row["key"]: {"status": row["status"], "outcome": row["outcome"]} for row in rows}


def payload(turn: Turn) -> dict[str, Any]:
    """The turn as `workflows.turn` reads it."""
    advanced = turn.advanced
    opened, closed = _waits(turn)
    return {
        "state": turn.folded, "status": advanced.state["status"], "output": advanced.state.get("output"), "problem": advanced.state.get("problem"),
        "kept": [{"id": str(new_id()), "hash": name, "value": value} for name, value in turn.kept.items()],
        "steps": [_step(number, step) for number, step in enumerate(advanced.steps, 1)],
        "started": [_started(effect) for effect in advanced.effects], "settled": turn.settled, "opened": opened, "closed": closed, "taken": turn.taken,
        "waiting_for": engine.blocked(advanced.state) if advanced.state["status"] == "running" else [],
        "events": [each.envelope() for each in turn.events], "deliver": str(new_id()), "work": str(new_id()), "heeded": turn.heeded,
        "due": None if advanced.due is None else moment(advanced.due)["iso8601"], "release": not advanced.effects, "seconds": LEASE_SECONDS,
    }  # fmt: skip


def _waits(turn: Turn) -> tuple[list[dict[str, Any]], list[str]]:
    before = set(engine.waits(turn.before)) if turn.before else set()
    after = set(turn.advanced.waits)
    opened = [
        {"id": str(new_id()), "key": w.key, "ref": w.ref, "type": w.type, "event_key": w.event_key} for w in sorted(after - before, key=str)
    ]
    still = {each.key for each in after}
    return opened, sorted({each.key for each in before} - still)


def _step(number: int, step: Step) -> dict[str, Any]:
    return {
        "id": str(new_id()), "n": number, "ref": step.ref, "name": step.name, "kind": step.kind, "path": step.path, "attempt": step.attempt,
        "status": step.status, "input": step.input, "output": step.output, "problem": step.problem, "effect_key": step.key,
        "started_at": moment(step.began)["iso8601"], "ended_at": moment(step.ended)["iso8601"],
    }  # fmt: skip


def _started(effect: Effect) -> dict[str, Any]:
    digest = hashlib.sha256(orjson.dumps(effect.request, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return {"id": str(new_id()), "key": effect.key, "ref": effect.ref, "request_hash": digest}


def _written(row: dict[str, Any]) -> Written:
    return Written(status=row["status"], cancel_requested=row["cancel_requested"], unread=row["unread"], known=row.get("known", {}))
