"""Runs: where the workflows stand, one of them as a diagram, and a person's hand on it."""

from typing import Annotated, Any, Literal, cast, get_args
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import Parameter

from app.core.errors import NotFound
from app.core.uow import UnitOfWork
from app.portal import queries as kept
from app.portal.forms import Form
from app.portal.ops.wording import Wording
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from app.workflows import commands, queries
from app.workflows.diagram import StepMark, event_words
from app.workflows.schemas import Reason, RunStatus
from tenants import names as called

SHOWN = 50
TRIES = 20
Hand = Literal["cancel", "suspend", "resume", "retry", "skip"]
Cursor = Annotated[str | None, Parameter(max_length=400)]
StepRef = Annotated[str | None, Parameter(pattern=r"^/", max_length=1000)]


class Steered(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Why a person steps in, and at which step."""

    reason: Reason
    task: str | None = None


@page_get("/ops/runs", area="ops", permission="runs.read")
async def list_runs(
    screen: Screen, uow: UnitOfWork, status: Annotated[str | None, Parameter(max_length=20)] = None,
    workflow: Annotated[str | None, Parameter(max_length=63)] = None, cursor: Cursor = None,
) -> Response[str]:  # fmt: skip
    """Runs, the newest first, narrowed by state and workflow."""
    state = status if status in get_args(RunStatus) else None
    name = (workflow or "").strip() or None
    found = await queries.runs(uow, status=state, case_id=None, workflow=name, customer_id=None, cursor=cursor, limit=SHOWN)
    names = await called.customer_names(uow, (run.customer_id for run in found.items))
    known = await queries.names(uow)
    views = await kept.views(uow, screen.reader.principal, "/ops/runs")
    return screen.show(
        "ops/runs.html", runs=found, names=names, known=known, state=state, workflow=name, cursor=cursor, views=views, w=Wording(screen)
    )


@page_get("/ops/runs/{run_id:uuid}", area="ops", permission="runs.read")
async def show_run(screen: Screen, uow: UnitOfWork, run_id: UUID, step: StepRef = None, do: Hand | None = None) -> Response[str]:
    """One run as a diagram; `step` shows what became of one of its steps, `do` asks for the reason to step in."""
    return await _run(screen, uow, run_id, step=step, do=do)


async def _run(
    screen: Screen, uow: UnitOfWork, run_id: UUID, *, step: str | None, do: str | None, form: Form | None = None
) -> Response[str]:
    run = await queries.run(uow, run_id)
    steps = await queries.picture(screen.shell, uow, run_id)
    chosen = _find(steps, step) if step else None
    tries = await queries.tries(uow, run_id, chosen.ref, limit=TRIES) if chosen else []
    names, w = await called.customer_names(uow, [run.customer_id]), Wording(screen)
    blocked = [mark for ref in run.waiting_for if (mark := _find(steps, ref))]
    return screen.show(
        "ops/run.html", run=run, steps=steps, chosen=chosen, tries=tries, do=do, names=names, form=form, w=w, hands=_hands(run.status, bool(run.waiting_for)),
        blocked=blocked, choices=[(mark.ref, w.named(mark.name)) for mark in blocked], event_words=event_words,
    )  # fmt: skip


def _find(steps: list[StepMark], ref: str) -> StepMark | None:
    """The step of this reference, wherever it stands."""
    for mark in steps:
        if mark.ref == ref:
            return mark
        found = next((inner for lane in mark.lanes if (inner := _find(lane.steps, ref))), None)
        if found:
            return found
    return None


def _hands(status: str, is_blocked: bool) -> list[str]:
    """What a person may do to a run in this state."""
    live = {"running": ["suspend", "cancel"], "suspended": ["resume", "cancel"], "faulted": ["cancel"]}.get(status, [])
    return (["retry", "skip"] if is_blocked and status not in ("completed", "cancelled") else []) + live


@page_post("/ops/runs/{run_id:uuid}/{hand:str}", area="ops", permission="runs.work")
async def steer(screen: Screen, form: Form, run_id: UUID, hand: str) -> Response[str]:
    """Cancel, suspend, resume, do a step again or pass it over, with the reason."""
    if hand not in get_args(Hand):
        raise NotFound()
    wanted = cast(Hand, hand)
    here = f"/ops/runs/{run_id}"

    async def change(uow: UnitOfWork) -> None:
        given = form.read(Steered)
        if wanted == "cancel":
            await commands.cancel(uow, run_id, given.reason)
        elif wanted == "suspend":
            await commands.suspend(uow, run_id, given.reason)
        elif wanted == "resume":
            await commands.resume(uow, run_id, given.reason)
        else:
            await commands.step_by_hand(uow, run_id, wanted, task=given.task, reason=given.reason)

    return await screen.change(
        change, form, then=here, done=f"run_{wanted}", again=lambda uow, wrong: _run(screen, uow, run_id, step=None, do=wanted, form=wrong)
    )


ROUTES: list[Any] = [list_runs, show_run, steer]
