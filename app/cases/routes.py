"""Cases, approvals and offers over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from app.cases import approvals, commands, offers, proposals, queries, refusals
from app.cases.models import Approval, Offer
from app.cases.queries import Filters, Sort
from app.cases.schemas import (
    Acknowledge,
    Answer,
    ApprovalView,
    Assign,
    CaseRow,
    CaseView,
    Comment,
    CommentView,
    Decide,
    Escalate,
    Facets,
    OfferView,
    ProposalView,
    Propose,
    Reopen,
    Resolve,
)
from app.cases.timeline import Entry
from app.cases.views import approval_view, comment_view, offer_view, proposal_view
from app.core.paging import Page
from app.core.services import Shell
from app.core.uow import UnitOfWork

Limit = Annotated[int, Parameter(ge=1, le=200)]
TypeFilter = Annotated[str | None, Parameter(pattern=r"^[a-z][a-z0-9_.]{0,79}$")]
StateFilter = Literal["live", "all", "open", "acknowledged", "waiting", "resolved"]
WORK: dict[str, Any] = {"opt": {"permission": "cases.work"}, "tags": ["cases"], "status_code": 200}
READ: dict[str, Any] = {"opt": {"permission": "cases.read"}, "tags": ["cases"]}


@get("/v1/cases", operation_id="listCases", **READ)
async def list_cases(
    uow: UnitOfWork, status: StateFilter = "live", type: TypeFilter = None, customer: UUID | None = None, owner: UUID | None = None,
    priority: Literal["P1", "P2", "P3", "P4"] | None = None, breached: bool | None = None, sort: Sort | None = None, cursor: str | None = None,
    limit: Limit = 50,
) -> Page[CaseRow]:  # fmt: skip
    """The queue, riskiest first; finished cases (`status=resolved` or `all`) come newest first."""
    order: Sort = sort or ("time" if status in ("all", "resolved") else "risk")
    return await queries.board(uow, Filters(status, type, customer, owner, priority, breached), sort=order, cursor=cursor, limit=limit)


@get("/v1/cases/facets", operation_id="countCases", **READ)
async def count_cases(uow: UnitOfWork) -> Facets:
    """How the unfinished cases divide by status, type, priority and breach."""
    return await queries.facets(uow)


@get("/v1/cases/{case_id:uuid}", operation_id="getCase", **READ)
async def get_case(uow: UnitOfWork, case_id: UUID) -> CaseView:
    """One case in full."""
    return await queries.case(uow, case_id)


@get("/v1/cases/{case_id:uuid}/timeline", operation_id="getTimeline", **READ)
async def get_timeline(uow: UnitOfWork, case_id: UUID, cursor: str | None = None, limit: Limit = 50) -> Page[Entry]:
    """What happened on a case, oldest first."""
    return await queries.timeline(uow, case_id, cursor=cursor, limit=limit)


@post("/v1/cases/{case_id:uuid}/acknowledge", operation_id="acknowledgeCase", **WORK)
async def acknowledge(uow: UnitOfWork, case_id: UUID, data: Acknowledge) -> CaseView:
    """Say that somebody looks at it; the first-response clock stops."""
    await commands.acknowledge(uow, case_id)
    return await queries.case(uow, case_id)


@post("/v1/cases/{case_id:uuid}/assign", operation_id="assignCase", **WORK)
async def assign(uow: UnitOfWork, case_id: UUID, data: Assign) -> CaseView:
    """Give the case to a user of the partner, or to nobody."""
    await commands.assign(uow, case_id, data.owner_id)
    return await queries.case(uow, case_id)


@post("/v1/cases/{case_id:uuid}/escalate", operation_id="escalateCase", **WORK)
async def escalate(uow: UnitOfWork, case_id: UUID, data: Escalate) -> CaseView:
    """Raise the case by one level."""
    await commands.escalate(uow, case_id, data.reason)
    return await queries.case(uow, case_id)


@post("/v1/cases/{case_id:uuid}/comment", operation_id="commentCase", opt={"permission": "cases.work"}, tags=["cases"])
async def comment(uow: UnitOfWork, case_id: UUID, data: Comment) -> CommentView:
    """Write on the case; the customer reads it only when it is visible."""
    return comment_view(await commands.comment(uow, case_id, data.text, visible=data.visible))


@post("/v1/cases/{case_id:uuid}/propose", operation_id="proposeOption", opt={"permission": "cases.propose"}, tags=["cases"])
async def propose(uow: UnitOfWork, shell: Shell, case_id: UUID, data: Propose) -> ProposalView:
    """Put an effect forward; where a limit says so, an approval is asked for at once."""
    row, asked = await proposals.propose(shell, uow, case_id, capability=data.capability, params=data.params, note=data.note)
    return proposal_view(row, [approval.id for approval in asked])


@post("/v1/cases/{case_id:uuid}/resolve", operation_id="resolveCase", **WORK)
async def resolve(uow: UnitOfWork, case_id: UUID, data: Resolve) -> CaseView:
    """End the case with outcome and cause, after its source was looked at again."""
    await commands.resolve(
        uow, case_id, outcome=data.outcome, cause=data.cause, evidence_call_id=data.evidence_call_id, override_reason=data.override_reason
    )  # fmt: skip
    return await queries.case(uow, case_id)


@post("/v1/cases/{case_id:uuid}/reopen", operation_id="reopenCase", **WORK)
async def reopen(uow: UnitOfWork, case_id: UUID, data: Reopen) -> CaseView:
    """Take a resolved case up again."""
    await commands.reopen(uow, case_id, data.reason)
    return await queries.case(uow, case_id)


@get("/v1/approvals", opt={"permission": "approvals.read"}, operation_id="listApprovals", tags=["approvals"])
async def list_approvals(
    uow: UnitOfWork, status: Literal["requested", "approved", "refused", "expired"] | None = None, case: UUID | None = None,
    cursor: str | None = None, limit: Limit = 50,
) -> Page[ApprovalView]:  # fmt: skip
    """Approvals, the newest first."""
    return await queries.approvals(uow, status=status, case_id=case, cursor=cursor, limit=limit)


@get("/v1/approvals/{approval_id:uuid}", opt={"permission": "approvals.read"}, operation_id="getApproval", tags=["approvals"])
async def get_approval(uow: UnitOfWork, approval_id: UUID) -> ApprovalView:
    """One approval."""
    return approval_view(await uow.get(Approval, approval_id))


@post(
    "/v1/approvals/{approval_id:uuid}/decide",
    opt={"permission": "approvals.decide"},
    operation_id="decideApproval",
    tags=["approvals"],
    status_code=200,
)
async def decide(uow: UnitOfWork, shell: Shell, approval_id: UUID, data: Decide) -> ApprovalView:
    """Approve or refuse; never one's own request. A refused try is recorded."""
    async with refusals.recorded(shell, uow, what="decide an approval", subject=f"approval:{approval_id}"):
        return approval_view(await approvals.decide(uow, approval_id, data.outcome, data.note))


@get("/v1/offers", opt={"permission": "offers.read"}, operation_id="listOffers", tags=["offers"])
async def list_offers(
    uow: UnitOfWork, status: Literal["open", "answered", "expired"] | None = None, case: UUID | None = None, cursor: str | None = None,
    limit: Limit = 50,
) -> Page[OfferView]:  # fmt: skip
    """Offers, the newest first."""
    return await queries.offers(uow, status=status, case_id=case, cursor=cursor, limit=limit)


@get("/v1/offers/{offer_id:uuid}", opt={"permission": "offers.read"}, operation_id="getOffer", tags=["offers"])
async def get_offer(uow: UnitOfWork, offer_id: UUID) -> OfferView:
    """One offer."""
    return offer_view(await uow.get(Offer, offer_id))


@post(
    "/v1/offers/{offer_id:uuid}/answer", opt={"permission": "offers.answer"}, operation_id="answerOffer", tags=["offers"], status_code=200
)
async def answer(uow: UnitOfWork, offer_id: UUID, data: Answer) -> OfferView:
    """Take one of the options, once."""
    return offer_view(await offers.answer(uow, offer_id, data.option))


ROUTES = [
    list_cases, count_cases, get_case, get_timeline, acknowledge, assign, escalate, comment, propose, resolve, reopen,
    list_approvals, get_approval, decide, list_offers, get_offer, answer,
]  # fmt: skip
