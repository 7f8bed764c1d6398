"""Workflows: what shall happen about an exception, written with every fault shown at its line and drawn as the steps it means."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response
from litestar.params import Parameter

from app.connectors.capabilities import capabilities
from app.core.errors import Invalid
from app.core.uow import UnitOfWork
from app.core.versions import of_name, shelf
from app.portal.admin.choices import customer_of, offered
from app.portal.admin.showing import owners_of, people_of
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from app.workflows import commands, queries
from app.workflows.checks import Checked, findings
from app.workflows.definition import Definition
from app.workflows.diagram import StepMark, draw
from app.workflows.models import WorkflowDefinition
from app.workflows.schemas import NewWorkflow
from tenants.names import customer_names

SHOWN, RUNS = 50, 10
LIST = "/admin/workflows"
Cursor = Annotated[str | None, Parameter(max_length=400)]
Name = Annotated[str, Parameter(max_length=63)]
LIVE = ("running", "suspended")
FIRST = """document:
  dsl: '1.0.3'
  namespace: logistics
  name: first-workflow
  version: '1.0.0'
  title: Tell the service desk
do:
  - openTicket:
      call: 'capability:1.0.0@default'
      with:
        name: desk.open_case
        params:
          subject: ${ .case.title }
          text: ${ "Please look at " + .case.title + "." }
          priority: ${ .case.priority.level }
"""


@page_get(LIST, area="admin", permission="workflows.read")
async def list_workflows(screen: Screen, uow: UnitOfWork, cursor: Cursor = None) -> Response[str]:
    """Every workflow with the version in force, the draft ahead of it, and what runs on it."""
    found = await shelf(uow, WorkflowDefinition, cursor=cursor, limit=SHOWN)
    titles = await queries.titles(uow, [one.shown_id for one in found.items])
    runs = await queries.runs_of(uow, [one.shown_id for one in found.items])
    return screen.show(
        "admin/workflows.html", found=found, titles=titles, live={id: sum(counts.get(each, 0) for each in LIVE) for id, counts in runs.items()},
        names=await owners_of(uow, found.items), cursor=cursor,
    )  # fmt: skip


@page_get(f"{LIST}/new", area="admin", permission="workflows.write")
async def new_workflow(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """The first version of a workflow, from a small example."""
    return await _page(screen, uow, Form.of({"content": FIRST}), None)


@page_get(f"{LIST}/named/{{workflow_name:str}}", area="admin", permission="workflows.read")
async def named(screen: Screen, uow: UnitOfWork, workflow_name: Name) -> Response[str]:
    """The version of this name that is in force, else the newest."""
    row = await queries.published_for(uow, workflow_name, None) or await queries.newest(uow, workflow_name, None)
    return screen.go(f"{LIST}/{row.id}" if row else LIST)


@page_get(f"{LIST}/{{workflow_id:uuid}}", area="admin", permission="workflows.read")
async def show_workflow(screen: Screen, uow: UnitOfWork, workflow_id: UUID) -> Response[str]:
    """One version: its steps, its text, what runs on it."""
    row = await uow.get(WorkflowDefinition, workflow_id)
    return await _page(screen, uow, Form.of({"content": row.content}), row)


@page_post(f"{LIST}/check", area="admin", permission="workflows.write")
async def check_workflow(screen: Screen, form: Form) -> Response[str]:
    """What is wrong with the text being written, and the steps it means, for the place beside it."""
    async with screen.read() as uow:
        checked = await findings(uow, screen.shell.sandbox, form.value("content"), await _owner(uow, form))
    return screen.fragment(
        "admin/workflow_check.html", checked=checked, steps=_steps(checked.definition), text=form.value("content"), href=""
    )


@page_post(f"{LIST}/new", area="admin", permission="workflows.write")
async def draft_first(screen: Screen, form: Form) -> Response[str]:
    """Check it, or keep it as version 1."""
    return await _submitted(screen, form, None)


@page_post(f"{LIST}/{{workflow_id:uuid}}", area="admin", permission="workflows.write")
async def draft_next(screen: Screen, form: Form, workflow_id: UUID) -> Response[str]:
    """Check it, or keep it as the next version."""
    async with screen.read() as uow:
        row = await uow.get(WorkflowDefinition, workflow_id)
    return await _submitted(screen, form, row)


@page_post(f"{LIST}/{{workflow_id:uuid}}/publish", area="admin", permission="workflows.publish")
async def publish(screen: Screen, form: Form, workflow_id: UUID) -> Response[str]:
    """Put it in force."""
    return await _steered(screen, form, workflow_id, commands.publish, "workflow_published")


@page_post(f"{LIST}/{{workflow_id:uuid}}/roll-back", area="admin", permission="workflows.publish")
async def roll_back(screen: Screen, form: Form, workflow_id: UUID) -> Response[str]:
    """Put it in force again."""
    return await _steered(screen, form, workflow_id, commands.roll_back, "rolled_back")


@page_post(f"{LIST}/{{workflow_id:uuid}}/retire", area="admin", permission="workflows.publish")
async def retire(screen: Screen, form: Form, workflow_id: UUID) -> Response[str]:
    """Take it out of force."""
    return await _steered(screen, form, workflow_id, commands.retire, "retired")


async def _steered(screen: Screen, form: Form, workflow_id: UUID, verb: Any, done: str) -> Response[str]:
    async def change(uow: UnitOfWork) -> None:
        await verb(uow, await uow.get(WorkflowDefinition, workflow_id, lock=True))

    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        row = await uow.get(WorkflowDefinition, workflow_id)
        return await _page(screen, uow, Form.of({"content": row.content}).refused(wrong.fault or Invalid()), row)

    return await screen.change(change, form, then=f"{LIST}/{workflow_id}", done=done, again=again)


async def _submitted(screen: Screen, form: Form, row: WorkflowDefinition | None) -> Response[str]:
    async def again(uow: UnitOfWork, given: Form) -> Response[str]:
        return await _page(screen, uow, given, row)

    if form.value("do") != "keep":
        return await screen.again(again, form, 200)

    async def change(uow: UnitOfWork) -> UUID:
        owner = row.customer_id if row else await customer_of(uow, form)
        wanted = form.read(NewWorkflow, only=("content",))
        return (await commands.draft(uow, screen.shell, wanted.content, customer_id=owner)).id

    return await screen.change(change, form, then=lambda made: f"{LIST}/{made}", done="drafted", again=again)


async def _page(screen: Screen, uow: UnitOfWork, form: Form, row: WorkflowDefinition | None) -> Response[str]:
    versions = await of_name(uow, WorkflowDefinition, row) if row else []
    owner = row.customer_id if row else await _owner(uow, form)
    checked: Checked = await findings(uow, screen.shell.sandbox, form.value("content"), owner)
    runs = await _runs(uow, row)
    counts = await queries.runs_of(uow, [one.id for one in versions])
    more = await offered(uow)
    return screen.show(
        "admin/workflow.html", form=form, row=row, versions=versions, people=await people_of(uow, versions), checked=checked,
        steps=_steps(checked.definition), runs=runs, counts=counts, text=form.value("content"), customers=more["customers"],
        names=await customer_names(uow, [run.customer_id for run in runs] + [owner]), live=LIVE,
    )  # fmt: skip


async def _runs(uow: UnitOfWork, row: WorkflowDefinition | None) -> list[Any]:
    if row is None:
        return []
    found = await queries.runs(
        uow, status=None, case_id=None, workflow=None, customer_id=None, cursor=None, limit=RUNS, definition_id=row.id
    )  # fmt: skip
    return found.items


async def _owner(uow: UnitOfWork, form: Form) -> UUID | None:
    """Whose it is to be, as far as it can be told while somebody types."""
    try:
        return await customer_of(uow, form)
    except Invalid:
        return None


def _steps(definition: Definition | None) -> list[StepMark]:
    """The steps of a definition in the order they are written, those inside others in their lanes."""
    if definition is None:
        return []
    does = {name: each.summary for name, each in capabilities().items()}
    return draw(definition, status="", state=None, log=[], waits={}, summaries=does)


ROUTES: list[Any] = [
    list_workflows, new_workflow, named, show_workflow, check_workflow, draft_first, draft_next, publish, roll_back, retire,
]  # fmt: skip
