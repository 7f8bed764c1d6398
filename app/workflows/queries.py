"""Reading definitions and runs."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.connectors.capabilities import capabilities
from app.core.errors import NotFound
from app.core.paging import Page, page
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.workflows import definitions as stored
from app.workflows.diagram import Awaited, Line, StepMark, draw
from app.workflows.models import TaskRun, Wait, WorkflowDefinition, WorkflowRun
from app.workflows.schemas import RunView, TaskView, WorkflowView
from tenants.ownership import owned_first, usable_by


async def published_for(uow: UnitOfWork, name: str, customer_id: UUID | None) -> WorkflowDefinition | None:
    """The definition in force of this name for this customer: its own before the partner's."""
    query = select(WorkflowDefinition).where(
        WorkflowDefinition.name == name, WorkflowDefinition.status == "published", usable_by(WorkflowDefinition, customer_id)
    )
    return (await uow.execute(query.order_by(owned_first(WorkflowDefinition)).limit(1))).scalar_one_or_none()


async def newest(uow: UnitOfWork, name: str, customer_id: UUID | None, *, status: str | None = None) -> WorkflowDefinition | None:
    """The newest version of exactly this owner, perhaps of one status."""
    query = select(WorkflowDefinition).where(
        WorkflowDefinition.name == name, WorkflowDefinition.customer_id.is_not_distinct_from(customer_id)
    )
    if status is not None:
        query = query.where(WorkflowDefinition.status == status)
    found: WorkflowDefinition | None = (await uow.execute(query.order_by(WorkflowDefinition.version.desc()).limit(1))).scalar_one_or_none()
    return found


async def version_of(uow: UnitOfWork, name: str, version: int, customer_id: UUID | None) -> WorkflowDefinition:
    """One version of exactly this owner; raises NotFound."""
    query = select(WorkflowDefinition).where(
        WorkflowDefinition.name == name,
        WorkflowDefinition.version == version,
        WorkflowDefinition.customer_id.is_not_distinct_from(customer_id),
    )
    found: WorkflowDefinition | None = (await uow.execute(query)).scalar_one_or_none()
    if found is None:
        raise NotFound()
    return found


async def starting_on(uow: UnitOfWork, types: set[str]) -> list[WorkflowDefinition]:
    """The published definitions that start on one of these types of events, whoever owns them."""
    query = select(WorkflowDefinition).where(WorkflowDefinition.status == "published", WorkflowDefinition.starts_on != [])
    rows = (await uow.execute(query.order_by(WorkflowDefinition.id))).scalars()
    return [row for row in rows if types.intersection(row.starts_on)]


async def definitions(
    uow: UnitOfWork, *, name: str | None, status: str | None, customer_id: UUID | None, cursor: str | None, limit: int
) -> Page[WorkflowView]:
    """Versions of definitions, the newest first, without their text."""
    query = select(WorkflowDefinition)
    for column, wanted in (
        (WorkflowDefinition.name, name),
        (WorkflowDefinition.status, status),
        (WorkflowDefinition.customer_id, customer_id),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    return await page(uow, query, by=[(WorkflowDefinition.id, UUID)], cursor=cursor, limit=limit, view=definition_view)


async def runs(
    uow: UnitOfWork,
    *,
    status: str | None,
    case_id: UUID | None,
    workflow: str | None,
    customer_id: UUID | None,
    cursor: str | None,
    limit: int,
    definition_id: UUID | None = None,
) -> Page[RunView]:
    """Runs, the newest first."""
    query = select(WorkflowRun)
    filters = (
        (WorkflowRun.status, status),
        (WorkflowRun.case_id, case_id),
        (WorkflowRun.name, workflow),
        (WorkflowRun.customer_id, customer_id),
        (WorkflowRun.definition_id, definition_id),
    )
    for column, wanted in filters:
        if wanted is not None:
            query = query.where(column == wanted)
    inside = uow.customer_id is None
    return await page(uow, query, by=[(WorkflowRun.id, UUID)], cursor=cursor, limit=limit, view=lambda row: run_view(row, inside=inside))


async def titles(uow: UnitOfWork, ids: Iterable[UUID]) -> dict[UUID, str]:
    """What these versions are titled."""
    columns = (WorkflowDefinition.id, WorkflowDefinition.title)
    rows = (await uow.session.execute(select(*columns).where(WorkflowDefinition.id.in_(list(ids))))).all()
    return {row.id: row.title for row in rows}


async def runs_of(uow: UnitOfWork, definition_ids: Iterable[UUID]) -> dict[UUID, dict[str, int]]:
    """How many runs of each of these versions there are, by their status."""
    columns = (WorkflowRun.definition_id, WorkflowRun.status)
    query = select(*columns, func.count()).where(WorkflowRun.definition_id.in_(list(definition_ids))).group_by(*columns)
    found: dict[UUID, dict[str, int]] = {}
    for definition_id, status, count in (await uow.session.execute(query)).all():
        found.setdefault(definition_id, {})[status] = count
    return found


async def run(uow: UnitOfWork, run_id: UUID) -> RunView:
    """One run; raises NotFound."""
    return run_view(await uow.get(WorkflowRun, run_id), inside=uow.customer_id is None)


async def tasks(uow: UnitOfWork, run_id: UUID, *, cursor: str | None, limit: int) -> Page[TaskView]:
    """A run's log from its beginning; raises NotFound."""
    await uow.get(WorkflowRun, run_id)
    inside = uow.customer_id is None
    query = select(TaskRun).where(TaskRun.run_id == run_id)
    return await page(
        uow, query, by=[(TaskRun.seq, int)], cursor=cursor, limit=limit, view=lambda row: task_view(row, inside=inside), descending=False
    )


async def names(uow: UnitOfWork) -> list[str]:
    """The names of the workflows in force, as many as a choice can hold."""
    wanted = select(WorkflowDefinition.name).where(WorkflowDefinition.status == "published").distinct()
    return list((await uow.execute(wanted.order_by(WorkflowDefinition.name).limit(200))).scalars())


MOST_LINES = 2000
"""Lines of a log a picture is made of; a run that went round more often shows its latest laps."""


async def picture(shell: Shell, uow: UnitOfWork, run_id: UUID) -> list[StepMark]:
    """A run's steps as they are drawn; raises NotFound."""
    row = await uow.get(WorkflowRun, run_id)
    definition = await stored.load(shell, uow.tenant_id, row.definition_id)
    does = {name: each.summary for name, each in capabilities().items()}
    return draw(
        definition, status=row.status, state=row.state, log=await _log(uow, run_id), waits=await _waits(uow, run_id), summaries=does
    )


async def _log(uow: UnitOfWork, run_id: UUID) -> list[Line]:
    columns = (TaskRun.seq, TaskRun.ref, TaskRun.attempt, TaskRun.status, TaskRun.started_at, TaskRun.ended_at)
    latest = select(*columns).where(TaskRun.run_id == run_id).order_by(TaskRun.seq.desc()).limit(MOST_LINES)
    return [Line(*row) for row in reversed((await uow.session.execute(latest)).all())]


async def _waits(uow: UnitOfWork, run_id: UUID) -> dict[str, list[Awaited]]:
    found: dict[str, list[Awaited]] = {}
    for row in (await uow.execute(select(Wait).where(Wait.run_id == run_id).order_by(Wait.id).limit(500))).scalars():
        found.setdefault(row.ref, []).append(Awaited(row.event_type, row.event_key, row.opened_at))
    return found


async def tries(uow: UnitOfWork, run_id: UUID, ref: str, *, limit: int) -> list[TaskView]:
    """What became of one step of a run, the latest first; raises NotFound."""
    await uow.get(WorkflowRun, run_id)
    inside = uow.customer_id is None
    latest = select(TaskRun).where(TaskRun.run_id == run_id, TaskRun.ref == ref).order_by(TaskRun.seq.desc()).limit(limit)
    return [task_view(row, inside=inside) for row in (await uow.execute(latest)).scalars()]


def definition_view(row: WorkflowDefinition, *, whole: bool = False) -> WorkflowView:
    """A version as it is shown."""
    return WorkflowView(
        id=row.id, name=row.name, version=row.version, status=row.status, customer_id=row.customer_id, namespace=row.namespace, title=row.title,
        document_version=str(row.document["document"]["version"]), starts_on=list(row.starts_on), content_hash=row.content_hash,
        created_at=row.created_at, created_by=row.created_by, published_at=row.published_at, retired_at=row.retired_at,
        content=row.content if whole else None,
    )  # fmt: skip


def run_view(row: WorkflowRun, *, inside: bool) -> RunView:
    """A run as it is shown; what it carried is for the partner's people (`inside`) only."""
    return RunView(
        id=row.id, workflow=row.name, version=row.version, workflow_id=row.definition_id, status=row.status, customer_id=row.customer_id,
        case_id=row.case_id, waiting_for=list(row.waiting_for) if inside else [], reason=row.reason, problem=row.problem if inside else None,
        output=row.output if inside else None, started_at=row.started_at, changed_at=row.changed_at, ended_at=row.ended_at,
    )  # fmt: skip


def task_view(row: TaskRun, *, inside: bool) -> TaskView:
    """A line of the log as it is shown."""
    carried: dict[str, Any] = {"input": row.input, "output": row.output, "problem": row.problem} if inside else {}
    return TaskView(
        seq=row.seq, task=row.ref, name=row.name, kind=row.kind, attempt=row.attempt, status=row.status, effect_key=row.effect_key,
        started_at=row.started_at, ended_at=row.ended_at, **carried,
    )  # fmt: skip
