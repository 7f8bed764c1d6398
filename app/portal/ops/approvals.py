"""Approvals: what waits for a second person's word, and giving it."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import Parameter

from app.cases import approvals, cockpit, queries, refusals
from app.cases.models import Approval
from app.cases.schemas import ApprovalView, Reason
from app.cases.views import approval_view
from app.core.uow import UnitOfWork
from app.portal import queries as kept
from app.portal.forms import Form
from app.portal.ops.wording import APPROVAL, Wording
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from tenants import names

SHOWN = 50
Short = Annotated[str | None, Parameter(max_length=400)]


class Decision(msgspec.Struct, kw_only=True):
    """A second person's word, and why."""

    outcome: Literal["approved", "refused"]
    note: Reason | None = None


@page_get("/ops/approvals", area="ops", permission="approvals.read")
async def list_approvals(screen: Screen, uow: UnitOfWork, status: Short = None, cursor: Short = None) -> Response[str]:
    """Approvals of one state, those that wait first shown; `status=all` shows every one."""
    state = status if status in APPROVAL or status == "all" else "requested"
    found = await queries.approvals(uow, status=None if state == "all" else state, case_id=None, cursor=cursor, limit=SHOWN)
    lines = {line.id: line for line in await cockpit.lines(uow, [row.case_id for row in found.items])}
    return screen.show(
        "ops/approvals.html", found=found, lines=lines, state=state, cursor=cursor, called=await _called(uow, found.items), w=Wording(screen),
        views=await kept.views(uow, screen.reader.principal, "/ops/approvals"),
    )  # fmt: skip


async def _called(uow: UnitOfWork, rows: list[ApprovalView]) -> dict[str, str]:
    return await names.actor_names(uow, {actor for row in rows for actor in (row.requested_by, row.decided_by) if actor})


@page_get("/ops/approvals/{approval_id:uuid}", area="ops", permission="approvals.read")
async def show_approval(screen: Screen, uow: UnitOfWork, approval_id: UUID) -> Response[str]:
    """One approval: what it lets happen, how dear it is, who asks, until when."""
    return await _approval(screen, uow, approval_id)


async def _approval(screen: Screen, uow: UnitOfWork, approval_id: UUID, form: Form | None = None) -> Response[str]:
    row = approval_view(await uow.get(Approval, approval_id))
    lines = await cockpit.lines(uow, [row.case_id])
    why_not = await approvals.hindrance(uow, approval_id) if row.status == "requested" else None
    params = row.subject.get("params")
    return screen.show(
        "ops/approval.html", row=row, line=lines[0] if lines else None, called=await _called(uow, [row]), why_not=why_not, form=form, w=Wording(screen),
        params=params if isinstance(params, dict) else {},
    )  # fmt: skip


@page_post("/ops/approvals/{approval_id:uuid}/decide", area="ops", permission="approvals.decide")
async def decide(screen: Screen, form: Form, approval_id: UUID) -> Response[str]:
    """Approve or refuse; a try to approve one's own request is refused and recorded."""

    async def change(uow: UnitOfWork) -> str:
        given = form.read(Decision)
        async with refusals.recorded(screen.shell, uow, what="decide an approval", subject=f"approval:{approval_id}"):
            await approvals.decide(uow, approval_id, given.outcome, given.note)
        return given.outcome

    here = f"/ops/approvals/{approval_id}"
    return await screen.change(
        change, form, then=lambda outcome: f"{here}?done={outcome}", again=lambda uow, wrong: _approval(screen, uow, approval_id, wrong)
    )


ROUTES: list[Any] = [list_approvals, show_approval, decide]
