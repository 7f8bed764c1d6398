"""What pages show beside a case itself: lines of chosen cases, what was proposed, what was said on the telephone."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.cases import board, people
from app.cases.models import Approval, Case, CaseProposal, CaseSubject, CaseTalk
from app.cases.schemas import CaseRow, ProposalView, TalkView
from app.cases.views import proposal_view, talk_view
from app.core.uow import UnitOfWork

MOST = 20
MOST_ABOUT = 200


async def proposals(uow: UnitOfWork, case_id: UUID) -> list[ProposalView]:
    """What was put forward on a case, the latest first, each with the approvals it asked for."""
    rows = (
        (await uow.execute(select(CaseProposal).where(CaseProposal.case_id == case_id).order_by(CaseProposal.id.desc()).limit(MOST)))
        .scalars()
        .all()
    )
    asked = select(Approval.id, Approval.subject["proposal_id"].astext).where(Approval.case_id == case_id).order_by(Approval.id)
    of_proposal: dict[str, list[UUID]] = {}
    for approval, proposal in (await uow.session.execute(asked)).all() if rows else ():
        of_proposal.setdefault(str(proposal), []).append(approval)
    return [proposal_view(row, of_proposal.get(str(row.id), [])) for row in rows]


async def talks(uow: UnitOfWork, case_id: UUID) -> list[tuple[TalkView, str]]:
    """The calls noted on a case, the latest first, each with what people call whoever noted it; none in a customer's scope."""
    if uow.customer_id is not None:
        return []
    rows = (await uow.execute(select(CaseTalk).where(CaseTalk.case_id == case_id).order_by(CaseTalk.id.desc()).limit(MOST))).scalars().all()
    names = await people.called(uow, {row.logged_by for row in rows})
    return [(talk_view(row), names.get(row.logged_by, "somebody")) for row in rows]


async def lines(uow: UnitOfWork, case_ids: Sequence[UUID]) -> list[CaseRow]:
    """These cases as the queue's lines, the most urgent first; one that isn't there is left out."""
    query = select(Case).where(Case.id.in_(case_ids)).order_by(Case.urgent_at, Case.id)
    return await board.lines(uow, list((await uow.execute(query)).scalars())) if case_ids else []


class About(msgspec.Struct, frozen=True):
    """A case about something, as a list of other things names it."""

    id: UUID
    title: str
    status: str


async def about(uow: UnitOfWork, subject_ids: Sequence[UUID]) -> dict[UUID, list[About]]:
    """The cases about each of these orders and shipments, the latest first, as many as a page can hold."""
    if not subject_ids:
        return {}
    joined = (CaseSubject.tenant_id == Case.tenant_id) & (CaseSubject.case_id == Case.id)
    query = (
        select(CaseSubject.subject_id, Case.id, Case.title, Case.status).join(Case, joined).where(CaseSubject.subject_id.in_(subject_ids))
    )
    found: dict[UUID, list[About]] = {}
    for subject, case_id, title, status in await uow.session.execute(query.order_by(Case.id.desc()).limit(MOST_ABOUT)):
        found.setdefault(subject, []).append(About(case_id, title, status))
    return found
