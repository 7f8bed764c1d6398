"""Approvals and offers over HTTP."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from litestar import get, post

from app.cases import approvals, offers, queries, refusals
from app.cases.models import Approval, Offer
from app.cases.routes.parts import Limit
from app.cases.schemas import Answer, ApprovalView, Decide, OfferView
from app.cases.views import approval_view, offer_view
from app.core.paging import Page
from app.core.services import Shell
from app.core.uow import UnitOfWork


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


ROUTES = [list_approvals, get_approval, decide, list_offers, get_offer, answer]
