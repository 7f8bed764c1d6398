"""Whose case it is, when it comes back, who was called, who is on it: the operator's hour over HTTP."""

from __future__ import annotations

from uuid import UUID

from litestar import Response, delete, post, put

from app.cases import commands, presence
from app.cases.routes.parts import WORK, IfMatch, shown, version_of
from app.cases.schemas import Assign, CaseView, Decline, LogCall, Plan, Snooze, Take, TalkView, Unsnooze
from app.cases.views import talk_view
from app.core.uow import UnitOfWork


@post("/v1/cases/{case_id:uuid}/assign", operation_id="assignCase", **WORK)
async def assign(uow: UnitOfWork, case_id: UUID, data: Assign, if_match: IfMatch = None) -> Response[CaseView]:
    """Give the case to a user of the partner, or to nobody; out of another's hands with a reason."""
    await commands.assign(uow, case_id, data.owner_id, reason=data.reason, expected=version_of(if_match))
    return await shown(uow, case_id)


@post("/v1/cases/{case_id:uuid}/take", operation_id="takeCase", **WORK)
async def take(uow: UnitOfWork, case_id: UUID, data: Take, if_match: IfMatch = None) -> Response[CaseView]:
    """Take the case yourself; out of another's hands with a reason."""
    await commands.take(uow, case_id, reason=data.reason, expected=version_of(if_match))
    return await shown(uow, case_id)


@post("/v1/cases/{case_id:uuid}/decline", operation_id="declineCase", **WORK)
async def decline(uow: UnitOfWork, case_id: UUID, data: Decline, if_match: IfMatch = None) -> Response[CaseView]:
    """Give the case back; "next case" spares you from it for half an hour."""
    await commands.decline(uow, case_id, reason=data.reason, expected=version_of(if_match))
    return await shown(uow, case_id)


@post("/v1/cases/{case_id:uuid}/snooze", operation_id="snoozeCase", **WORK)
async def snooze(uow: UnitOfWork, case_id: UUID, data: Snooze, if_match: IfMatch = None) -> Response[CaseView]:
    """Put the case aside until a time or until something happens, never past its next clock; it says who is awaited."""
    await commands.snooze(uow, case_id, awaits=data.awaits, until=data.until, event=data.event, expected=version_of(if_match))
    return await shown(uow, case_id)


@post("/v1/cases/{case_id:uuid}/unsnooze", operation_id="unsnoozeCase", **WORK)
async def unsnooze(uow: UnitOfWork, case_id: UUID, data: Unsnooze, if_match: IfMatch = None) -> Response[CaseView]:
    """Take a case up again that was put aside."""
    await commands.unsnooze(uow, case_id, expected=version_of(if_match))
    return await shown(uow, case_id)


@post("/v1/cases/{case_id:uuid}/plan", operation_id="planCase", **WORK)
async def plan(uow: UnitOfWork, case_id: UUID, data: Plan, if_match: IfMatch = None) -> Response[CaseView]:
    """Say what happens next."""
    await commands.plan(uow, case_id, data.next_step, expected=version_of(if_match))
    return await shown(uow, case_id)


@post("/v1/cases/{case_id:uuid}/calls", operation_id="logCall", opt={"permission": "cases.work"}, tags=["cases"])
async def log_call(uow: UnitOfWork, case_id: UUID, data: LogCall, if_match: IfMatch = None) -> TalkView:
    """Note a word on the telephone; `snooze` puts the case aside in the same act."""
    row = await commands.log_call(
        uow, case_id, who=data.who, direction=data.direction, outcome=data.outcome, name=data.name, note=data.note, next_step=data.next_step,
        snooze=data.snooze, expected=version_of(if_match),
    )  # fmt: skip
    return talk_view(row)


@put("/v1/cases/{case_id:uuid}/presence", operation_id="markPresence", opt={"permission": "cases.work"}, tags=["cases"], status_code=204)
async def mark(uow: UnitOfWork, case_id: UUID) -> None:
    """Say that you have the case open; repeat it every 20 seconds, it counts for 45."""
    await presence.mark(uow, case_id)


@delete("/v1/cases/{case_id:uuid}/presence", operation_id="leaveCase", opt={"permission": "cases.work"}, tags=["cases"], status_code=204)
async def leave(uow: UnitOfWork, case_id: UUID) -> None:
    """Say that you have closed the case."""
    await presence.leave(uow, case_id)


ROUTES = [assign, take, decline, snooze, unsnooze, plan, log_call, mark, leave]
