"""Everything a case's page shows, read in one go."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from app.audit import chained
from app.canonical import lists
from app.canonical.lists import Window
from app.canonical.schemas import DocumentView, OrderView, ShipmentView
from app.cases import approvals, cockpit, happened, presence, queries
from app.cases.happened import Kind
from app.cases.schemas import ApprovalView, CaseView, CommentView, OfferView, Person, ProposalView, TalkView
from app.cases.timeline import Entry
from app.connectors import queries as connectors
from app.connectors.schemas import CallView
from app.core.errors import NotAllowed
from app.core.paging import Page
from app.core.uow import UnitOfWork
from app.notifications import queries as notifications
from app.notifications.schemas import NoticeView
from app.portal.ops import outlook
from app.portal.ops.outlook import Ahead
from app.portal.screens import Screen
from app.workflows import queries as workflows
from app.workflows.diagram import StepMark
from app.workflows.schemas import RunView
from tenants import names
from tenants.names import Named

FEW: Final = 20
LINES: Final = 25


class Gathered(msgspec.Struct, kw_only=True):
    """A case with all that stands around it. Lists end after some twenty; their own pages have the rest."""

    case: CaseView
    others: list[Person]
    people: list[Named]
    called: dict[str, str]
    approvals: list[ApprovalView]
    hindrances: dict[UUID, NotAllowed]
    offers: list[OfferView]
    proposals: list[ProposalView]
    comments: list[CommentView]
    talks: list[tuple[TalkView, str]]
    runs: list[RunView]
    steps: list[StepMark]
    calls: list[CallView]
    notices: list[NoticeView]
    documents: list[DocumentView]
    order: OrderView | None
    shipment: ShipmentView | None
    timeline: Page[Entry]
    chained: dict[UUID, int]
    ahead: list[Ahead]

    @property
    def facts(self) -> Mapping[str, Any]:
        """The decision's inputs by name."""
        return {str(told["name"]): told.get("value") for told in self.case.inputs}

    @property
    def penalty(self) -> int | None:
        """What being late costs by contract, where it is known."""
        known = [self.facts.get(name) for name in ("order.penalty_minor", "customer.penalty_minor")]
        whole = [value for value in known if isinstance(value, int) and not isinstance(value, bool) and value > 0]
        return max(whole, default=None)

    @property
    def currency(self) -> str | None:
        """The currency the case's amounts are in."""
        told = self.facts.get("order.currency")
        return self.case.money_at_risk.currency if self.case.money_at_risk else told if isinstance(told, str) else None


async def gather(screen: Screen, uow: UnitOfWork, case_id: UUID, *, kind: Kind | None, cursor: str | None) -> Gathered:
    """Read a case for its page; raises NotFound."""
    case = await queries.case(uow, case_id)
    if case.line is None:  # somebody of the partner who works for this one customer: the line without what is the partner's
        case = msgspec.structs.replace(case, line=(await cockpit.lines(uow, [case_id]))[0])
    may = screen.reader.may
    asked = (await queries.approvals(uow, status=None, case_id=case_id, cursor=None, limit=FEW)).items if may("approvals.read") else []
    offered = (await queries.offers(uow, status=None, case_id=case_id, cursor=None, limit=FEW)).items if may("offers.read") else []
    runs = (await _runs(uow, case_id)) if may("runs.read") else []
    steps = await workflows.picture(screen.shell, uow, runs[0].id) if runs else []
    timeline = await happened.latest(uow, case_id, kind=kind, cursor=cursor, limit=LINES)
    put_forward = await cockpit.proposals(uow, case_id)
    actors = {row.requested_by for row in asked} | {row.decided_by or "" for row in asked} | {row.proposed_by for row in put_forward}
    return Gathered(
        case=case, others=(await presence.on(uow, [case_id])).get(case_id, []), people=await names.people_of(uow, case.customer_id),
        called=await names.actor_names(uow, actors), approvals=asked, hindrances=await _hindrances(uow, asked), offers=offered, proposals=put_forward,
        comments=(await queries.comments(uow, case_id, limit=FEW)).items, talks=await cockpit.talks(uow, case_id), runs=runs, steps=steps,
        calls=(await connectors.calls(uow, cursor=None, limit=FEW, case_id=case_id)).items,
        notices=(await notifications.notices(uow, case_id=case_id, status=None, cursor=None, limit=FEW)).items if may("notices.read") else [],
        documents=await _documents(uow, case) if may("model.read") else [],
        order=await _order(uow, case) if may("model.read") else None, shipment=await _shipment(uow, case) if may("model.read") else None,
        timeline=timeline, chained=await chained.places(uow, [line.id for line in timeline.items]),
        ahead=outlook.ahead(case, asked, offered, steps if runs and runs[0].status == "running" else [], screen.now),
    )  # fmt: skip


async def _runs(uow: UnitOfWork, case_id: UUID) -> list[RunView]:
    return (await workflows.runs(uow, status=None, case_id=case_id, workflow=None, customer_id=None, cursor=None, limit=5)).items


async def _hindrances(uow: UnitOfWork, asked: Sequence[ApprovalView]) -> dict[UUID, NotAllowed]:
    found = {row.id: await approvals.hindrance(uow, row.id) for row in asked if row.status == "requested"}
    return {approval: why for approval, why in found.items() if why is not None}


async def _documents(uow: UnitOfWork, case: CaseView) -> list[DocumentView]:
    found = (await lists.documents(uow, Window(limit=FEW), case=case.id)).items
    for order in case.subjects.get("order", [])[:3]:
        found += (await lists.documents(uow, Window(limit=FEW), order=order)).items
    return list({document.id: document for document in found}.values())


async def _order(uow: UnitOfWork, case: CaseView) -> OrderView | None:
    known = case.subjects.get("order", [])
    return await lists.order(uow, known[0]) if known else None


async def _shipment(uow: UnitOfWork, case: CaseView) -> ShipmentView | None:
    known = case.subjects.get("shipment", [])
    return await lists.shipment(uow, known[0]) if known else None
