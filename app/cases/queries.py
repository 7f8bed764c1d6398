"""How cases, their timelines, approvals and offers are read; the queue itself is board.py's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from app.cases import people
from app.cases.board import Filters, Sort, Tab, audience_of, board, facets, lines, newer_than, tabs
from app.cases.facts import case_facts, subjects_of
from app.cases.models import Approval, Case, CaseComment, CaseEvent, CaseMention, CaseSignal, Offer
from app.cases.schemas import ApprovalView, CaseView, CommentView, OfferView
from app.cases.timeline import Entry, entry
from app.cases.views import approval_view, case_view, comment_view, offer_view
from app.cases.weights import clocks_of
from app.core.events import Event
from app.core.models import EventRow
from app.core.paging import Page, page
from app.core.uow import UnitOfWork

__all__ = [
    "Filters", "Sort", "Tab", "approvals", "board", "case", "case_facts", "case_of_decision", "comments", "facets", "newer_than", "of_decisions", "offers", "tabs",
    "timeline",
]  # fmt: skip


async def comments(uow: UnitOfWork, case_id: UUID, *, cursor: str | None = None, limit: int = 50) -> Page[CommentView]:
    """What was written on a case, the newest first, with whom each comment calls; a customer reads what is theirs."""
    await uow.get(Case, case_id)
    query = select(CaseComment).where(CaseComment.case_id == case_id)
    rows: Page[CaseComment] = await page(uow, query, by=[(CaseComment.id, UUID)], cursor=cursor, limit=limit, view=lambda row: row)
    names = await people.called(uow, {row.author for row in rows.items})
    marks = select(CaseMention.comment_id, CaseMention.user_id).where(CaseMention.comment_id.in_([row.id for row in rows.items]))
    called: dict[UUID, list[UUID]] = {}
    for comment_id, user_id in await uow.session.execute(marks.order_by(CaseMention.id)):
        called.setdefault(comment_id, []).append(user_id)
    return Page([comment_view(row, names, called.get(row.id, [])) for row in rows.items], rows.next)


async def case(uow: UnitOfWork, case_id: UUID) -> CaseView:
    """One case in full; raises NotFound."""
    row = await uow.get(Case, case_id)
    signals = await uow.session.scalar(select(func.count()).select_from(CaseSignal).where(CaseSignal.case_id == case_id))
    clocks = [clock for clock in (await clocks_of(uow, [case_id])).get(case_id, []) if clock.round == row.round]
    [line] = await lines(uow, [row]) if uow.customer_id is None else [None]
    shown = case_view(row, clocks, await subjects_of(uow, row), int(signals or 0), audience_of(uow))
    return msgspec.structs.replace(shown, line=line)


async def of_decisions(uow: UnitOfWork, decision_ids: Iterable[UUID]) -> dict[UUID, Case]:
    """The case each of these decisions opened or joined."""
    wanted = list(decision_ids)
    if not wanted:
        return {}
    query = select(CaseSignal.decision_id, Case).join(Case, Case.id == CaseSignal.case_id).where(CaseSignal.decision_id.in_(wanted))
    rows: list[Any] = list(await uow.execute(query))
    return {row[0]: row[1] for row in rows}


async def case_of_decision(uow: UnitOfWork, decision: Event) -> UUID | None:
    """The case a later decision is about: the one it names, or the one its predecessor opened or joined."""
    earlier, named = decision.data.get("earlier"), decision.data.get("case_id")
    if named:
        return UUID(str(named))
    if not earlier:
        return None
    joined = select(CaseSignal.case_id).where(CaseSignal.decision_id == UUID(str(earlier)))
    held = select(Case.id).where(Case.decision_id == UUID(str(earlier)))
    return (await uow.execute(joined.union_all(held).limit(1))).scalar_one_or_none()


async def timeline(uow: UnitOfWork, case_id: UUID, *, cursor: str | None, limit: int) -> Page[Entry]:
    """What happened, oldest first, in the order it was recorded; a customer's page may be shorter than `limit`."""
    await uow.get(Case, case_id)
    places = select(CaseEvent.event_id).where(CaseEvent.case_id == case_id)
    ids: Page[UUID] = await page(uow, places, by=[(CaseEvent.event_id, UUID)], cursor=cursor, limit=limit, view=_first, descending=False)
    rows = (await uow.execute(select(EventRow).where(EventRow.id.in_(ids.items)).order_by(EventRow.id))).scalars()
    events = [Event.read(row.tenant_id, row.recorded_at, row.envelope) for row in rows]
    names = await people.names(uow, events)
    told = [entry(event, audience_of(uow), names) for event in events]
    return Page([line for line in told if line is not None], ids.next)


def _first(row: Any) -> UUID:
    found: UUID = row if isinstance(row, UUID) else row[0]
    return found


async def approvals(uow: UnitOfWork, *, status: str | None, case_id: UUID | None, cursor: str | None, limit: int) -> Page[ApprovalView]:
    """Approvals, the newest first."""
    return await _of_cases(uow, Approval, approval_view, status, case_id, cursor, limit)


async def offers(uow: UnitOfWork, *, status: str | None, case_id: UUID | None, cursor: str | None, limit: int) -> Page[OfferView]:
    """Offers, the newest first."""
    return await _of_cases(uow, Offer, offer_view, status, case_id, cursor, limit)


async def _of_cases(
    uow: UnitOfWork, model: Any, view: Callable[[Any], Any], status: str | None, case_id: UUID | None, cursor: str | None, limit: int
) -> Page[Any]:
    query = select(model)
    query = query if status is None else query.where(model.status == status)
    query = query if case_id is None else query.where(model.case_id == case_id)
    return await page(uow, query, by=[(model.id, UUID)], cursor=cursor, limit=limit, view=view)
