"""Reading definitions and runs."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.errors import NotFound
from app.core.paging import Page, page
from app.core.uow import UnitOfWork
from app.workflows.models import TaskRun, WorkflowDefinition, WorkflowRun
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
) -> Page[RunView]:
    """Runs, the newest first."""
    query = select(WorkflowRun)
    filters = (
        (WorkflowRun.status, status),
        (WorkflowRun.case_id, case_id),
        (WorkflowRun.name, workflow),
        (WorkflowRun.customer_id, customer_id),
    )
    for column, wanted in filters:
        if wanted is not None:
            query = query.where(column == wanted)
    inside = uow.customer_id is None
    return await page(uow, query, by=[(WorkflowRun.id, UUID)], cursor=cursor, limit=limit, view=lambda row: run_view(row, inside=inside))


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
