"""The queue: one list of cases, narrowed and in order, that costs the same at any size; its tabs, its facets, and what arrived since.

Every condition stands in the words of an index of `case`, and the order is a stored key (urgency.py), so a page reads its own rows. Counts
stop where nobody counts on. A page keeps its order while one works on it: `as_of` remembers when and how far it was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, func, literal_column, or_, select, tuple_

from app.canonical.models import Order, Shipment, ShipmentReference
from app.cases import people, presence, urgency, weights
from app.cases.counting import at_most
from app.cases.models import Approval, Case, CaseSubject, Offer
from app.cases.schemas import Board, CaseRow, Count, Facets, NextStep, Person, Stop, Urgency
from app.cases.status import LIVE
from app.cases.timeline import Audience
from app.cases.views import case_row
from app.core.errors import FieldError, Invalid
from app.core.paging import Page, decode_cursor, encode_cursor, page
from app.core.uow import UnitOfWork
from tenants.models import Customer

Sort = Literal["risk", "time"]
Tab = Literal["queue", "mine", "waiting", "breached", "resolved"]
TABS: Final[tuple[Tab, ...]] = ("queue", "mine", "waiting", "breached", "resolved")
COUNTED: Final = 10_000
SHOWN: Final = 500
NEWS: Final = 99
SHORTEST_REF: Final = 3
_MOST_FOUND: Final = 200
_LAST: Final = 2**63 - 1

# Constants in the statement, not parameters: so that the planner recognises the partial indexes, in prepared statements too.
_RESOLVED: Final[ColumnElement[str]] = literal_column("'resolved'")
_WAITING: Final[ColumnElement[str]] = literal_column("'waiting'")
UNFINISHED: Final = Case.status != _RESOLVED
AT_REST: Final = or_(Case.status == _WAITING, Case.snoozed_until.is_not(None))
UP_FOR_WORK: Final = and_(UNFINISHED, Case.status != _WAITING, Case.snoozed_until.is_(None))


class Filters(msgspec.Struct, frozen=True):
    """What a list of cases is narrowed to. `status` may be one state, `live` (unfinished) or `all`; countries are ISO 3166-1 alpha-2.

    `owner` may be `none`; `ref` is any whole number of an order or shipment, from three characters; `since` is when a case was opened.
    """

    status: str = "live"
    type: str | None = None
    customer: UUID | None = None
    owner: UUID | Literal["none"] | None = None
    priority: str | None = None
    breached: bool | None = None
    carrier: str | None = None
    origin: str | None = None
    destination: str | None = None
    ref: str | None = None
    since: datetime | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """All but the state and the reference, which is looked up first."""
        equal: tuple[tuple[Any, Any], ...] = (
            (Case.exception_type, self.type), (Case.customer_id, self.customer), (Case.priority_level, self.priority), (Case.breached, self.breached),
            (Case.carrier, self.carrier), (Case.origin_country, self.origin and self.origin.upper()),
            (Case.destination_country, self.destination and self.destination.upper()),
        )  # fmt: skip
        yield from (column == value for column, value in equal if value is not None)
        if self.owner is not None:
            yield Case.owner_id.is_(None) if self.owner == "none" else Case.owner_id == self.owner
        if self.since is not None:
            yield Case.opened_at >= self.since


def audience_of(uow: UnitOfWork) -> Audience:
    """Whoever is confined to one customer reads as that customer."""
    return "partner" if uow.customer_id is None else "customer"


async def _narrowed(uow: UnitOfWork, query: Select[Any], filters: Filters, tab: Tab | None) -> Select[Any]:
    conditions = [*(await _of_tab(uow, tab) if tab else _of_status(filters.status)), *filters.conditions()]
    if filters.ref is not None:
        conditions.append(Case.id.in_(await _named(uow, filters.ref)))
    return query.where(*conditions)


def _of_status(status: str) -> list[ColumnElement[bool]]:
    if status == "all":
        return []
    if status == "live":
        return [UNFINISHED]
    same = Case.status == literal_column(f"'{status}'") if status in (*LIVE, "resolved") else Case.status == status
    return [same] if status == "resolved" else [UNFINISHED, same]


async def _of_tab(uow: UnitOfWork, tab: Tab) -> list[ColumnElement[bool]]:
    if tab == "mine":
        return [Case.owner_id == (await people.who(uow) or UUID(int=0)), UNFINISHED]
    fixed: dict[str, list[ColumnElement[bool]]] = {
        "queue": [UP_FOR_WORK], "waiting": [AT_REST, UNFINISHED], "breached": [Case.breached.is_(True), UNFINISHED], "resolved": [Case.status == _RESOLVED],
    }  # fmt: skip
    return fixed[tab]


async def _named(uow: UnitOfWork, ref: str) -> list[UUID]:
    """The cases about an order or shipment that goes by this number; the latest of very many."""
    key = ref.strip().lower()
    if len(key) < SHORTEST_REF:
        raise Invalid("A reference is looked for from three characters on.", errors=[FieldError("ref", "too short", "Write more of it.")])
    orders = select(Order.id).where(Order.number_key == key)
    shipments = select(ShipmentReference.shipment_id).where(ShipmentReference.value_key == key)
    subjects = list((await uow.execute(orders.union(shipments).limit(_MOST_FOUND))).scalars())
    about = select(CaseSubject.case_id).where(CaseSubject.subject_id.in_(subjects)).distinct().limit(_MOST_FOUND)
    return list((await uow.execute(about)).scalars()) if subjects else []


async def board(
    uow: UnitOfWork,
    filters: Filters | None = None,
    *,
    tab: Tab | None = None,
    sort: Sort | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Board:
    """A page of cases: of a tab, or of a status. `risk` (unfinished work only) puts the most urgent first, `time` the newest.

    Without `sort`, what is finished comes by its end, the newest first. Raises Invalid for an order that doesn't fit.
    """
    wanted = filters or Filters()
    is_finished = tab == "resolved" or (tab is None and wanted.status == "resolved")
    order = sort or ("ended" if is_finished else "time" if tab is None and wanted.status == "all" else "risk")
    if order == "risk" and (is_finished or (tab is None and wanted.status not in ("live", *LIVE))):
        raise Invalid(
            "Only unfinished cases are ordered by risk.", errors=[FieldError("sort", "risk with resolved cases", "Use sort=time.")]
        )
    by = _ORDERS[order]
    query = await _narrowed(uow, select(Case), wanted, tab)
    rows: Page[Case] = await page(uow, query, by=by, cursor=cursor, limit=limit, view=lambda row: row, descending=order != "risk")
    last = rows.items[-1] if rows.next and order == "risk" else None
    return Board(await lines(uow, rows.items), rows.next, _token(uow.now, last))


_ORDERS: Final[dict[str, list[tuple[Any, type]]]] = {
    "risk": [(Case.urgent_at, int), (Case.id, UUID)],
    "time": [(Case.id, UUID)],
    "ended": [(Case.resolved_at, datetime), (Case.id, UUID)],
}


def _token(now: datetime, last: Case | None) -> str:
    micros = (now - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
    return encode_cursor([micros, last.urgent_at if last else _LAST, last.id if last else UUID(int=2**128 - 1)])


async def newer_than(uow: UnitOfWork, as_of: str, filters: Filters | None = None, *, tab: Tab | None = "queue") -> Count:
    """How many cases came, since a page was read, before the last case on it: new ones, those that rose, those back from rest.

    It reads no further than the page did. Raises Invalid for a token no page gave.
    """
    micros, urgent, last = decode_cursor(as_of, [int, int, UUID])
    moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=min(max(micros, 0), 10**17))
    query = await _narrowed(uow, select(Case.id), filters or Filters(), tab)
    before = tuple_(Case.urgent_at, Case.id) < tuple_(urgent, last)
    return await at_most(uow, query.where(before, Case.surfaced_at > moment).order_by(Case.urgent_at, Case.id), NEWS)


async def tabs(uow: UnitOfWork, filters: Filters | None = None) -> dict[Tab, Count]:
    """How many cases each tab holds, up to 500."""
    return {tab: await at_most(uow, await _narrowed(uow, select(Case.id), filters or Filters(), tab), SHOWN) for tab in TABS}


_FACETS: Final[dict[str, SQLColumnExpression[Any]]] = {
    "status": Case.status, "type": Case.exception_type, "priority": Case.priority_level, "breached": Case.breached,
    "customer": Case.customer_id, "carrier": Case.carrier, "owner": Case.owner_id,
    "lane": func.coalesce(Case.origin_country, "?") + "-" + func.coalesce(Case.destination_country, "?"),
}  # fmt: skip


async def facets(uow: UnitOfWork, filters: Filters | None = None, *, tab: Tab | None = None) -> Facets:
    """How the cases divide; of more than 10,000 the most urgent are counted."""
    told: list[Any] = [column.label(name) for name, column in _FACETS.items()]
    query = await _narrowed(uow, select(*told), filters or Filters(), tab)
    rows = query.order_by(Case.urgent_at, Case.id).limit(COUNTED + 1).subquery()
    columns = [rows.c[name] for name in _FACETS]
    sets = func.grouping_sets(*(tuple_(column) for column in columns))
    counted = select(func.grouping(*columns).label("told"), *columns, func.count().label("cases")).group_by(sets)
    counts: dict[str, dict[str, int]] = {name: {} for name in _FACETS}
    for row in (await uow.session.execute(counted)).mappings():
        name = _which(row["told"])
        value = row[name]
        if (name, value) != ("lane", "?-?"):
            counts[name]["none" if value is None else str(value).lower() if name == "breached" else str(value)] = row["cases"]
    return Facets(counts, sum(counts["status"].values()) <= COUNTED, await _names(uow, counts))


def _which(told: int) -> str:
    """The one column of a grouping set: its bit alone is zero, the first column's the highest."""
    names = list(_FACETS)
    return next(name for place, name in enumerate(names) if not told >> (len(names) - 1 - place) & 1)


async def _names(uow: UnitOfWork, counts: dict[str, dict[str, int]]) -> dict[str, str]:
    customers = [UUID(value) for value in counts["customer"] if value != "none"]
    owners = [UUID(value) for value in counts["owner"] if value != "none"]
    rows = await uow.session.execute(select(Customer.id, Customer.name).where(Customer.id.in_(customers))) if customers else ()
    named = {str(customer): name for customer, name in rows}
    if uow.customer_id is not None:
        return named
    return named | {str(person.id): person.name for person in (await people.persons(uow, owners)).values()}


async def lines(uow: UnitOfWork, cases: Sequence[Case]) -> list[CaseRow]:
    """The cases as the queue's lines, in their order; a customer's without what is the partner's."""
    clocks = await weights.clocks_of(uow, [case.id for case in cases])
    audience = audience_of(uow)
    plain = [case_row(case, clocks.get(case.id, []), audience) for case in cases]
    if not cases:
        return plain
    known = await _known(uow, cases, audience)
    shown = [_with_references(row, case, known) for row, case in zip(plain, cases, strict=True)]
    if audience == "customer":
        return shown
    _, chosen = await weights.in_force(uow)
    return [
        _with_work(row, case, known, urgency.explain(urgency.standing(case, clocks.get(case.id, [])), chosen, uow.now))
        for row, case in zip(shown, cases, strict=True)
    ]


class _Known(msgspec.Struct):
    """What lines show beside their cases, by id."""

    orders: dict[UUID, str]
    shipments: dict[UUID, Shipment]
    customers: dict[UUID, str] = {}
    owners: dict[UUID, Person] = {}
    on_it: dict[UUID, list[Person]] = {}
    steps: dict[UUID, NextStep] = {}


async def _known(uow: UnitOfWork, cases: Sequence[Case], audience: Audience) -> _Known:
    ids = [case.id for case in cases]
    orders = select(Order.id, Order.number).where(Order.id.in_({case.order_id for case in cases if case.order_id}))
    shipments = select(Shipment).where(Shipment.id.in_({case.shipment_id for case in cases if case.shipment_id}))
    numbers: dict[UUID, str] = {row.id: row.number for row in await uow.session.execute(orders)}
    known = _Known(numbers, {row.id: row for row in (await uow.execute(shipments)).scalars()})
    if audience == "customer":
        return known
    named = select(Customer.id, Customer.name).where(Customer.id.in_({case.customer_id for case in cases}))
    known.customers = {row.id: row.name for row in await uow.session.execute(named)}
    known.owners = await people.persons(uow, {case.owner_id for case in cases if case.owner_id})
    known.on_it, known.steps = await presence.on(uow, ids), await _steps(uow, ids)
    return known


async def _steps(uow: UnitOfWork, case_ids: Sequence[UUID]) -> dict[UUID, NextStep]:
    """What an open offer or approval makes happen next; of several the one that ends first, an approval before an offer."""
    offers = select(Offer).where(Offer.case_id.in_(case_ids), Offer.status == literal_column("'open'")).order_by(Offer.expires_at.desc())
    asked = select(Approval).where(Approval.case_id.in_(case_ids), Approval.status == literal_column("'requested'"))
    steps = {row.case_id: _offered(row) for row in (await uow.execute(offers)).scalars()}
    for row in (await uow.execute(asked.order_by(Approval.expires_at.desc()))).scalars():
        steps[row.case_id] = NextStep("approval", f"somebody with the role {row.role} decides", row.expires_at)
    return steps


def _offered(row: Offer) -> NextStep:
    default = next((str(option.get("label")) for option in row.options if option.get("id") == row.default_option), None)
    silence = f"without an answer: {default}" if default else "nothing happens without an answer"
    return NextStep("offer", f"the offer is answered; {silence}", row.expires_at)


def _with_references(row: CaseRow, case: Case, known: _Known) -> CaseRow:
    shipment = known.shipments.get(case.shipment_id) if case.shipment_id else None
    return msgspec.structs.replace(
        row, order=known.orders.get(case.order_id) if case.order_id else None, shipment=shipment.number if shipment else None,
        origin=_stop(shipment.origin) if shipment else None, destination=_stop(shipment.destination) if shipment else None,
    )  # fmt: skip


def _stop(place: dict[str, Any] | None) -> Stop | None:
    told = Stop(str((place or {}).get("city") or ""), str((place or {}).get("country") or ""))
    return told if told.city or told.country else None


def _with_work(row: CaseRow, case: Case, known: _Known, why: Urgency) -> CaseRow:
    return msgspec.structs.replace(
        row, customer=known.customers.get(case.customer_id), owner=known.owners.get(case.owner_id) if case.owner_id else None,
        on_it=known.on_it.get(case.id, []), urgency=why, next_step=_next(case, known.steps.get(case.id)),
    )  # fmt: skip


def _next(case: Case, step: NextStep | None) -> NextStep | None:
    if case.awaits is not None:
        return NextStep("rest", f"waiting for {case.awaits}", case.snoozed_until)
    return NextStep("planned", case.next_step) if case.next_step else step
