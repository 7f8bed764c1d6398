"""What changes definitions and runs: drafted, published, retired; started, and steered by a person with a reason."""

import hashlib
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy import text as sql

from app.core.errors import Conflict, NotFound
from app.core.locks import take_turns
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.workflows import engine, queries
from app.workflows.checks import check
from app.workflows.definition import Definition
from app.workflows.dsl import read_definition
from app.workflows.models import WorkflowDefinition, WorkflowRun

_HOLD = sql("select workflows.share_stripes(cast(:names as text[]))")


class WorkflowRetired(Conflict):
    """This version is retired; save its text again to publish it."""


class WorkflowNotPublished(Conflict):
    """Only a published version can be retired."""


class WorkflowNotRolledBack(Conflict):
    """Only a version that was in force before can be put in force again."""


class RunOver(Conflict):
    """This run is over; nothing can be changed about it any more."""


class RunNotRunning(Conflict):
    """This run is not running; look at its status."""


class RunNotSuspended(Conflict):
    """This run is not suspended."""


class StepNotWaiting(Conflict):
    """No such step of this run failed or is waiting; `waiting_for` names the steps that can be done again or skipped."""


# -- definitions --------------------------------------------------------------------------------------------------------
async def draft(uow: UnitOfWork, shell: Shell, content: str, *, customer_id: UUID | None) -> WorkflowDefinition:
    """Keep a checked definition as the next version of its name, as a draft; raises InvalidWorkflow with every finding.

    The text of the newest version saved again gives that version back.
    """
    definition = read_definition(content)
    await check(uow, shell.sandbox, definition, customer_id)
    await take_turns(uow, f"workflow|{definition.name}")
    last = await queries.newest(uow, definition.name, customer_id)
    digest = hashlib.sha256(content.encode()).hexdigest()
    if last is not None and last.content_hash == digest and last.status != "retired":
        return last
    row = uow.add(_draft(uow, definition, content, digest, customer_id, last.version + 1 if last else 1))
    uow.publish("workflow.drafted", of=row, subject=f"workflow:{row.id}", data=_named(row))
    return row


async def publish(uow: UnitOfWork, row: WorkflowDefinition) -> WorkflowDefinition:
    """Put a version in force; the one before is retired with the same commit, and its runs go on with it to their end."""
    if row.status == "published":
        return row
    if row.status == "retired":
        raise WorkflowRetired()
    return await _put_in_force(uow, row)


async def roll_back(uow: UnitOfWork, row: WorkflowDefinition) -> WorkflowDefinition:
    """Put a retired version in force again instead of the present one; every run goes on with the version it began with."""
    if row.status != "retired":
        raise WorkflowNotRolledBack()
    row.retired_at = None
    return await _put_in_force(uow, row, rolled_back=True)


async def _put_in_force(uow: UnitOfWork, row: WorkflowDefinition, **more: Any) -> WorkflowDefinition:
    before = await queries.newest(uow, row.name, row.customer_id, status="published")
    if before is not None:
        before.status, before.retired_at = "retired", uow.now
        await uow.session.flush()
    row.status, row.published_at, row.published_by = "published", uow.now, uow.actor
    data = {**_named(row), "replaces": before.version if before else None, **more}
    uow.publish("workflow.published", of=row, also=[before] if before else [], subject=f"workflow:{row.id}", data=data)
    return row


async def retire(uow: UnitOfWork, row: WorkflowDefinition) -> WorkflowDefinition:
    """Take a published version out of force without another in its place."""
    if row.status != "published":
        raise WorkflowNotPublished()
    row.status, row.retired_at = "retired", uow.now
    uow.publish("workflow.retired", of=row, subject=f"workflow:{row.id}", data=_named(row))
    return row


def _draft(uow: UnitOfWork, made: Definition, content: str, digest: str, customer_id: UUID | None, version: int) -> WorkflowDefinition:
    return WorkflowDefinition(
        customer_id=customer_id, name=made.name, version=version, status="draft", namespace=made.namespace, title=made.title, content=content,
        content_hash=digest, document=made.document, starts_on=sorted({each.type for each in made.triggers}), created_at=uow.now, created_by=uow.actor,
    )  # fmt: skip


def _named(row: WorkflowDefinition) -> dict[str, Any]:
    return {"workflow_id": row.id, "name": row.name, "version": row.version}


# -- runs ---------------------------------------------------------------------------------------------------------------
async def start_run(
    uow: UnitOfWork, *, definition: WorkflowDefinition, input: Any, case_id: UUID | None, customer_id: UUID | None, key: str, depth: int = 0
) -> WorkflowRun:
    """Begin a run of a published version; the same key again gives the run it began. Says run.started, key `run:<id>`.

    With a case, what is known of it is added to the input when the run is first worked on. `depth` counts the runs that led to it.
    """
    known: WorkflowRun | None = (await uow.execute(select(WorkflowRun).where(WorkflowRun.start_key == key))).scalar_one_or_none()
    if known is not None:
        return known
    row = uow.add(
        WorkflowRun(
            customer_id=customer_id, case_id=case_id, definition_id=definition.id, name=definition.name, version=definition.version, status="running",
            start_key=key, depth=depth, input=input, waiting_for=[], executions=0, cancel_requested=False, requests=[], last_seq=0, started_at=uow.now,
            changed_at=uow.now, trace=uow.trace,
        )
    )  # fmt: skip
    uow.work("run", subject=row.id)
    uow.publish("run.started", of=row, key=f"run:{row.id}", data={**_about(row), "version": row.version})
    return row


async def cancel(uow: UnitOfWork, run_id: UUID, reason: str) -> WorkflowRun:
    """Ask for the end of a run; whoever works on it stops within two seconds. Says run.cancelled when it has ended."""
    row = await _held(uow, run_id, "run.cancel_requested")
    if row.status in ("completed", "cancelled"):
        raise RunOver()
    row.status, row.cancel_requested, row.reason, row.executions, row.ended_at = "running", True, reason, 0, None
    return _again(uow, row, "run.cancel_requested", reason)


async def suspend(uow: UnitOfWork, run_id: UUID, reason: str) -> WorkflowRun:
    """Let a run rest until a person resumes it; the answer to what it has under way is still kept. Says run.suspended."""
    row = await _held(uow, run_id, "run.suspended")
    if row.status != "running":
        raise RunNotRunning()
    row.status, row.reason, row.changed_at = "suspended", reason, uow.now
    uow.publish("run.suspended", of=row, key=f"run:{row.id}", data={**_about(row), "reason": reason})
    return row


async def resume(uow: UnitOfWork, run_id: UUID, reason: str) -> WorkflowRun:
    """Let a suspended run go on where it was. Says run.resumed."""
    row = await _held(uow, run_id, "run.resumed")
    if row.status != "suspended":
        raise RunNotSuspended()
    row.status, row.reason, row.executions = "running", reason, 0
    return _again(uow, row, "run.resumed", reason)


async def step_by_hand(
    uow: UnitOfWork, run_id: UUID, how: Literal["retry", "skip"], *, task: str | None, reason: str, extra: dict[str, Any] | None = None
) -> WorkflowRun:
    """Have a step that failed or waits done again as a new effect, or passed over. Says run.resumed with how, which and why.

    Gates hold for it as for any step: they are asked where the effect leaves.
    """
    row = await _held(uow, run_id, "run.resumed")
    if row.status in ("completed", "cancelled"):
        raise RunOver()
    open_steps = engine.blocked(row.state) if row.state else []
    if not open_steps or (task is not None and task not in open_steps):
        raise StepNotWaiting()
    chosen = task or open_steps[0]
    row.requests = [*row.requests, {"how": how, "task": chosen, **(extra or {})}]
    row.status, row.reason, row.executions, row.ended_at = "running", reason, 0, None
    return _again(uow, row, "run.resumed", reason, how=how, task=chosen)


async def park(shell: Shell, tenant_id: UUID, run_id: UUID) -> None:
    """Leave a run to a person whose step ended its worker again and again. Says run.suspended."""
    async with shell.unit_of_work(tenant_id, actor="system:workflows") as uow:
        row = await _held(uow, run_id, "run.suspended")
        if row.status == "running" and row.executions >= 3:
            row.reason = "A step of this run ended its worker three times; look at it before it goes on."
            row.status, row.changed_at, row.lease_token, row.lease_until = "suspended", uow.now, None, None
            uow.publish(
                "run.suspended", of=row, key=f"run:{row.id}", data={**_about(row), "reason": row.reason, "executions": row.executions}
            )
            uow.drop_work("run", row.id)


async def _held(uow: UnitOfWork, run_id: UUID, kind: str) -> WorkflowRun:
    """The run, held. Its names' stripes first: the one lock order (engine: stripes, runs, waits, work)."""
    await uow.session.execute(_HOLD, {"names": [f"run:{run_id}", f"type:{kind}"]})
    row = await uow.find(WorkflowRun, run_id, lock=True)
    if row is None:
        raise NotFound()
    await uow.session.refresh(row)
    return row


def _again(uow: UnitOfWork, row: WorkflowRun, kind: str, reason: str, **more: Any) -> WorkflowRun:
    row.changed_at = uow.now
    uow.work("run", subject=row.id, cls="human")
    uow.publish(kind, of=row, key=f"run:{row.id}", data={**_about(row), "reason": reason, **more})
    return row


def _about(row: WorkflowRun) -> dict[str, Any]:
    return {"run_id": row.id, "case_id": row.case_id, "workflow": row.name}
