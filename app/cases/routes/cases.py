"""One case over HTTP: reading it, and the verbs that move it. Answers carry its version as an ETag; If-Match guards against acting blindly."""

from __future__ import annotations

from uuid import UUID

from litestar import Response, get, post

from app.cases import commands, proposals, queries
from app.cases.routes.parts import READ, WORK, IfMatch, Limit, shown, version_of
from app.cases.schemas import (
    Acknowledge,
    CaseView,
    Comment,
    CommentView,
    Escalate,
    ProposalView,
    Propose,
    Reopen,
    Resolve,
)
from app.cases.timeline import Entry
from app.cases.views import comment_view, proposal_view
from app.core.paging import Page
from app.core.services import Shell
from app.core.uow import UnitOfWork


@get("/v1/cases/{case_id:uuid}", operation_id="getCase", **READ)
async def get_case(uow: UnitOfWork, case_id: UUID) -> Response[CaseView]:
    """One case in full."""
    return await shown(uow, case_id)


@get("/v1/cases/{case_id:uuid}/timeline", operation_id="getTimeline", **READ)
async def get_timeline(uow: UnitOfWork, case_id: UUID, cursor: str | None = None, limit: Limit = 50) -> Page[Entry]:
    """What happened on a case, oldest first."""
    return await queries.timeline(uow, case_id, cursor=cursor, limit=limit)


@get("/v1/cases/{case_id:uuid}/comments", operation_id="listComments", **READ)
async def list_comments(uow: UnitOfWork, case_id: UUID, cursor: str | None = None, limit: Limit = 50) -> Page[CommentView]:
    """What was written on a case, the newest first."""
    return await queries.comments(uow, case_id, cursor=cursor, limit=limit)


@post("/v1/cases/{case_id:uuid}/acknowledge", operation_id="acknowledgeCase", **WORK)
async def acknowledge(uow: UnitOfWork, case_id: UUID, data: Acknowledge, if_match: IfMatch = None) -> Response[CaseView]:
    """Say that somebody looks at it; the first-response clock stops."""
    await commands.acknowledge(uow, case_id, expected=version_of(if_match))
    return await shown(uow, case_id)


@post("/v1/cases/{case_id:uuid}/escalate", operation_id="escalateCase", **WORK)
async def escalate(uow: UnitOfWork, case_id: UUID, data: Escalate, if_match: IfMatch = None) -> Response[CaseView]:
    """Raise the case by one level."""
    await commands.escalate(uow, case_id, data.reason, expected=version_of(if_match))
    return await shown(uow, case_id)


@post("/v1/cases/{case_id:uuid}/comment", operation_id="commentCase", opt={"permission": "cases.comment"}, tags=["cases"])
async def comment(uow: UnitOfWork, case_id: UUID, data: Comment, if_match: IfMatch = None) -> CommentView:
    """Write on the case; the customer reads it only when it is visible. Who is named with an @ gets a mail."""
    row = await commands.comment(
        uow, case_id, data.text, visible=data.visible, mentions=data.mentions, expected=version_of(if_match)
    )  # fmt: skip
    return comment_view(row)


@post("/v1/cases/{case_id:uuid}/propose", operation_id="proposeOption", opt={"permission": "cases.propose"}, tags=["cases"])
async def propose(uow: UnitOfWork, shell: Shell, case_id: UUID, data: Propose, if_match: IfMatch = None) -> ProposalView:
    """Put an effect forward; where a limit says so, an approval is asked for at once."""
    row, asked = await proposals.propose(
        shell, uow, case_id, capability=data.capability, params=data.params, note=data.note, expected=version_of(if_match)
    )
    return proposal_view(row, [approval.id for approval in asked])


@post("/v1/cases/{case_id:uuid}/resolve", operation_id="resolveCase", **WORK)
async def resolve(uow: UnitOfWork, case_id: UUID, data: Resolve, if_match: IfMatch = None) -> Response[CaseView]:
    """End the case with outcome and cause, after its source was looked at again."""
    await commands.resolve(
        uow, case_id, outcome=data.outcome, cause=data.cause, evidence_call_id=data.evidence_call_id, override_reason=data.override_reason,
        expected=version_of(if_match),
    )  # fmt: skip
    return await shown(uow, case_id)


@post("/v1/cases/{case_id:uuid}/reopen", operation_id="reopenCase", **WORK)
async def reopen(uow: UnitOfWork, case_id: UUID, data: Reopen, if_match: IfMatch = None) -> Response[CaseView]:
    """Take a resolved case up again."""
    await commands.reopen(uow, case_id, data.reason, expected=version_of(if_match))
    return await shown(uow, case_id)


ROUTES = [get_case, get_timeline, list_comments, acknowledge, escalate, comment, propose, resolve, reopen]
