"""How cases, their timelines, approvals and offers are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, func, select, text
from sqlalchemy import text as sql

from app.cases.facts import case_facts, subjects_of
from app.cases.models import Approval, Case, CaseClock, CaseEvent, CaseSignal, Offer
from app.cases.schemas import ApprovalView, CaseRow, CaseView, Facets, OfferView
from app.cases.status import LIVE
from app.cases.timeline import Audience, Entry, entry
from app.cases.views import approval_view, case_row, case_view, offer_view
from app.core.errors import FieldError, Invalid
from app.core.events import Event
from app.core.models import EventRow
from app.core.paging import Page, page
from app.core.uow import UnitOfWork

__all__ = ["approvals", "board", "case", "case_facts", "case_of_decision", "facets", "offers", "timeline"]

Sort = Literal["risk", "time"]
COUNTED: Final = 10_000


class Filters(msgspec.Struct, frozen=True):
    """What a list of cases is narrowed to; `status` may be one state, `live` (unfinished) or `all`."""

    status: str = "live"
    type: str | None = None
    customer: UUID | None = None
    owner: UUID | None = None
    priority: str | None = None
    breached: bool | None = None

    def narrow(self, query: Select[Any]) -> Select[Any]:
        for condition in self._conditions():
            query = query.where(condition)
        return query

    def _conditions(self) -> Iterable[ColumnElement[bool]]:
        if self.status == "live":
            # In the words of the partial index, so that the planner finds it.
            yield text("status <> 'resolved'")  # type: ignore[misc]
        elif self.status != "all":
            yield Case.status == self.status
        equal = ((Case.exception_type, self.type), (Case.customer_id, self.customer), (Case.owner_id, self.owner))
        more = ((Case.priority_level, self.priority), (Case.breached, self.breached))
        yield from (column == value for column, value in (*equal, *more) if value is not None)


def audience_of(uow: UnitOfWork) -> Audience:
    """Whoever is confined to one customer reads as that customer."""
    return "partner" if uow.customer_id is None else "customer"


async def board(uow: UnitOfWork, filters: Filters, *, sort: Sort, cursor: str | None, limit: int) -> Page[CaseRow]:
    """The queue: the riskiest first (`risk`, unfinished work only) or the newest first (`time`)."""
    if sort == "risk" and filters.status not in ("live", *(state for state in LIVE)):
        raise Invalid(
            "Only unfinished cases are ordered by risk.", errors=[FieldError("sort", "risk with resolved cases", "Use sort=time.")]
        )
    by: list[tuple[Any, type]] = [(Case.priority_score, int), (Case.id, UUID)] if sort == "risk" else [(Case.id, UUID)]
    rows: Page[Case] = await page(uow, filters.narrow(select(Case)), by=by, cursor=cursor, limit=limit, view=lambda row: row)
    clocks = await _clocks(uow, [row.id for row in rows.items])
    audience = audience_of(uow)
    return Page([case_row(row, clocks.get(row.id, []), audience) for row in rows.items], rows.next)


async def _clocks(uow: UnitOfWork, case_ids: list[UUID]) -> dict[UUID, list[CaseClock]]:
    found: dict[UUID, list[CaseClock]] = {}
    if case_ids:
        query = select(CaseClock).where(CaseClock.case_id.in_(case_ids)).order_by(CaseClock.id)
        for clock in (await uow.execute(query)).scalars():
            found.setdefault(clock.case_id, []).append(clock)
    return found


_FACETS: Final = sql("""
select grouping(status, exception_type, priority_level, breached) as told, status, exception_type, priority_level, breached, count(*) as cases
from (select status, exception_type, priority_level, breached from cases."case" where status <> 'resolved' order by priority_score desc, id desc limit :most) as live
group by grouping sets ((status), (exception_type), (priority_level), (breached))""")
_TOLD: Final = {0b0111: "status", 0b1011: "exception_type", 0b1101: "priority_level", 0b1110: "breached"}
_SHOWN: Final = {"exception_type": "type", "priority_level": "priority"}


async def facets(uow: UnitOfWork) -> Facets:
    """How the unfinished cases divide; of more than 10,000 the riskiest are counted."""
    counts: dict[str, dict[str, int]] = {"status": {}, "type": {}, "priority": {}, "breached": {}}
    for row in (await uow.session.execute(_FACETS, {"most": COUNTED + 1})).mappings():
        name = _TOLD[row["told"]]
        counts[_SHOWN.get(name, name)][str(row[name]).lower() if name == "breached" else row[name]] = row["cases"]
    return Facets(counts, sum(counts["status"].values()) <= COUNTED)


async def case(uow: UnitOfWork, case_id: UUID) -> CaseView:
    """One case in full; raises NotFound."""
    row = await uow.get(Case, case_id)
    signals = await uow.session.scalar(select(func.count()).select_from(CaseSignal).where(CaseSignal.case_id == case_id))
    clocks = [clock for clock in (await _clocks(uow, [case_id])).get(case_id, []) if clock.round == row.round]
    return case_view(row, clocks, await subjects_of(uow, row), int(signals or 0), audience_of(uow))


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
    lines = [entry(event, audience_of(uow)) for event in events]
    return Page([line for line in lines if line is not None], ids.next)


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
