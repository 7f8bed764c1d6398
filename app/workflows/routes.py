"""Definitions and runs over HTTP."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from app.core.paging import Page
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.workflows import commands, queries
from app.workflows.queries import definition_view
from app.workflows.schemas import Because, DefinitionStatus, NewWorkflow, Retry, RunStatus, RunView, Skip, TaskView, WorkflowView

Limit = Annotated[int, Parameter(ge=1, le=200)]
Version = Annotated[int, Parameter(ge=1, le=2**31)]
READ: dict[str, Any] = {"opt": {"permission": "workflows.read"}, "tags": ["workflows"]}
PUBLISH: dict[str, Any] = {"opt": {"permission": "workflows.publish"}, "tags": ["workflows"], "status_code": 200}
RUNS: dict[str, Any] = {"opt": {"permission": "runs.read"}, "tags": ["runs"]}
STEER: dict[str, Any] = {"opt": {"permission": "runs.work"}, "tags": ["runs"], "status_code": 200}
ONE = "/v1/workflows/{workflow_name:str}/versions/{version:int}"


@get("/v1/workflows", operation_id="listWorkflows", **READ)
async def list_workflows(
    uow: UnitOfWork, name: str | None = None, status: DefinitionStatus | None = None, customer: UUID | None = None, cursor: str | None = None,
    limit: Limit = 50,
) -> Page[WorkflowView]:  # fmt: skip
    """Versions of definitions, the newest first."""
    return await queries.definitions(uow, name=name, status=status, customer_id=customer, cursor=cursor, limit=limit)


@post("/v1/workflows", operation_id="draftWorkflow", opt={"permission": "workflows.write"}, tags=["workflows"])
async def draft_workflow(uow: UnitOfWork, shell: Shell, data: NewWorkflow) -> WorkflowView:
    """Keep a definition as the next version of its name, as a draft; what can't run is refused with every place and reason."""
    row = await commands.draft(uow, shell, data.content, customer_id=data.customer_id)
    return definition_view(row, whole=True)


@get("/v1/workflows/{workflow_name:str}/versions", operation_id="listWorkflowVersions", **READ)
async def list_versions(
    uow: UnitOfWork, workflow_name: str, status: DefinitionStatus | None = None, customer: UUID | None = None, cursor: str | None = None,
    limit: Limit = 50,
) -> Page[WorkflowView]:  # fmt: skip
    """The versions of one name, the newest first."""
    return await queries.definitions(uow, name=workflow_name, status=status, customer_id=customer, cursor=cursor, limit=limit)


@get(ONE, operation_id="getWorkflowVersion", **READ)
async def get_version(uow: UnitOfWork, workflow_name: str, version: Version, customer: UUID | None = None) -> WorkflowView:
    """One version with its text; `customer` names whose, else the partner's own."""
    return definition_view(await queries.version_of(uow, workflow_name, version, customer or uow.customer_id), whole=True)


@post(ONE + "/publish", operation_id="publishWorkflowVersion", **PUBLISH)
async def publish_version(uow: UnitOfWork, workflow_name: str, version: Version, customer: UUID | None = None) -> WorkflowView:
    """Put a version in force; runs that began with the one before go on with it."""
    row = await queries.version_of(uow, workflow_name, version, customer or uow.customer_id)
    return definition_view(await commands.publish(uow, row))


@post(ONE + "/retire", operation_id="retireWorkflowVersion", **PUBLISH)
async def retire_version(uow: UnitOfWork, workflow_name: str, version: Version, customer: UUID | None = None) -> WorkflowView:
    """Take a published version out of force."""
    row = await queries.version_of(uow, workflow_name, version, customer or uow.customer_id)
    return definition_view(await commands.retire(uow, row))


@post(ONE + "/roll-back", operation_id="rollBackWorkflowVersion", **PUBLISH)
async def roll_back_version(uow: UnitOfWork, workflow_name: str, version: Version, customer: UUID | None = None) -> WorkflowView:
    """Put a version that was in force before in force again; every run goes on with its own."""
    row = await queries.version_of(uow, workflow_name, version, customer or uow.customer_id)
    return definition_view(await commands.roll_back(uow, row))


@get("/v1/runs", operation_id="listRuns", **RUNS)
async def list_runs(
    uow: UnitOfWork, status: RunStatus | None = None, case: UUID | None = None, workflow: str | None = None, customer: UUID | None = None,
    cursor: str | None = None, limit: Limit = 50,
) -> Page[RunView]:  # fmt: skip
    """Runs, the newest first."""
    return await queries.runs(uow, status=status, case_id=case, workflow=workflow, customer_id=customer, cursor=cursor, limit=limit)


@get("/v1/runs/{run_id:uuid}", operation_id="getRun", **RUNS)
async def get_run(uow: UnitOfWork, run_id: UUID) -> RunView:
    """One run: where it stands and what it waits for."""
    return await queries.run(uow, run_id)


@get("/v1/runs/{run_id:uuid}/tasks", operation_id="listRunTasks", **RUNS)
async def list_tasks(uow: UnitOfWork, run_id: UUID, cursor: str | None = None, limit: Limit = 50) -> Page[TaskView]:
    """The run's log, from its beginning."""
    return await queries.tasks(uow, run_id, cursor=cursor, limit=limit)


@post("/v1/runs/{run_id:uuid}/cancel", operation_id="cancelRun", **STEER)
async def cancel_run(uow: UnitOfWork, run_id: UUID, data: Because) -> RunView:
    """End a run; whoever works on it stops within two seconds."""
    await commands.cancel(uow, run_id, data.reason)
    return await queries.run(uow, run_id)


@post("/v1/runs/{run_id:uuid}/suspend", operation_id="suspendRun", **STEER)
async def suspend_run(uow: UnitOfWork, run_id: UUID, data: Because) -> RunView:
    """Let a run rest until it is resumed."""
    await commands.suspend(uow, run_id, data.reason)
    return await queries.run(uow, run_id)


@post("/v1/runs/{run_id:uuid}/resume", operation_id="resumeRun", **STEER)
async def resume_run(uow: UnitOfWork, run_id: UUID, data: Because) -> RunView:
    """Let a suspended run go on."""
    await commands.resume(uow, run_id, data.reason)
    return await queries.run(uow, run_id)


@post("/v1/runs/{run_id:uuid}/retry", operation_id="retryRun", **STEER)
async def retry_run(uow: UnitOfWork, run_id: UUID, data: Retry) -> RunView:
    """Do a step that failed or waits again, as a new effect."""
    await commands.step_by_hand(uow, run_id, "retry", task=data.task, reason=data.reason)
    return await queries.run(uow, run_id)


@post("/v1/runs/{run_id:uuid}/skip", operation_id="skipRunStep", **STEER)
async def skip_step(uow: UnitOfWork, run_id: UUID, data: Skip) -> RunView:
    """Pass over a step that failed or waits; gates hold for what comes after it."""
    extra = {} if data.output is msgspec.UNSET else {"output": data.output}
    await commands.step_by_hand(uow, run_id, "skip", task=data.task, reason=data.reason, extra=extra)
    return await queries.run(uow, run_id)


ROUTES = [
    list_workflows, draft_workflow, list_versions, get_version, publish_version, retire_version, roll_back_version, list_runs, get_run, list_tasks, cancel_run, suspend_run,
    resume_run, retry_run, skip_step,
]  # fmt: skip
