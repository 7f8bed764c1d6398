"""Journeys: an order or shipment as the people who wait for it follow it: how far it is, what was promised, what is expected now.

The pure half (steps_of, outlook_of) says what rows mean; the other half reads lists by keyset and single journeys. Nothing is guessed: a time
nobody told stays None, and an outlook nobody can know is `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, and_, exists, or_, select

from app.canonical import search as finding
from app.canonical import views
from app.canonical.lists import Window
from app.canonical.milestones import PHASES
from app.canonical.models import Document, Milestone, Order, Promise, Shipment, ShipmentReference
from app.canonical.schemas import DocumentView
from app.core.paging import Page, page
from app.core.uow import UnitOfWork

Stage = Literal["ordered", "packed", "waiting", "moving", "delivered", "cancelled", "returned"]
Outlook = Literal["late", "at_risk", "on_time", "unknown", "delivered", "delivered_late", "cancelled", "returned"]
StepState = Literal["done", "now", "todo", "wrong"]
Progress = Literal["open", "delivered", "ended", "all"]

STEPS: Final[tuple[Stage, ...]] = ("ordered", "packed", "waiting", "moving", "delivered")
FINAL: Final = ("delivered", "cancelled", "returned")
NOT_MOVING: Final = ("planned", "acknowledged", "booked")
_PACKED: Final = ("packed", "shipped")
_MOST_FOUND: Final = 200


class Step(msgspec.Struct, frozen=True):
    """One step of a journey and its times: when it happened, when it is estimated, when it was planned or promised."""

    name: Stage
    state: StepState
    actual: datetime | None = None
    estimated: datetime | None = None
    planned: datetime | None = None
    note: str = ""


class Journey(msgspec.Struct, frozen=True, kw_only=True):
    """How an order or shipment stands. `expected_at` is the newest estimate, None when nobody gave one."""

    id: UUID
    kind: Literal["order", "shipment"]
    customer: UUID
    number: str
    order_id: UUID | None
    order: str | None
    shipments: list[UUID]
    status: str
    stage: Stage
    outlook: Outlook
    promised_at: datetime | None
    expected_at: datetime | None
    reached_at: datetime | None
    last_seen_at: datetime | None
    cutoff_missed: bool
    carrier: str | None
    service: str | None
    origin: dict[str, Any] | None
    destination: dict[str, Any] | None


class Filters(msgspec.Struct, frozen=True):
    """What a list of journeys is narrowed to; `find` is any reference, whole or four letters and more of it."""

    find: str | None = None
    progress: Progress = "open"
    late: bool = False
    since: datetime | None = None


# --- what rows mean ---


def stage_of(status: str, order_status: str | None) -> Stage:
    """The furthest step a shipment has reached, told by its carrier, else by the order's own system."""
    if status in ("cancelled", "returned", "delivered"):
        return status  # type: ignore[return-value]
    if PHASES.get(status, -1) >= PHASES["picked_up"]:
        return "moving"
    if status in ("acknowledged", "booked") or order_status in _PACKED:
        return "waiting"
    return "packed" if order_status == "picked" else "ordered"


def outlook_of(
    stage: Stage,
    *,
    promised: datetime | None,
    expected: datetime | None,
    reached: datetime | None,
    is_missed: bool,
    in_danger: bool,
    now: datetime,
) -> Outlook:
    """What can be said of the arrival. `is_missed`: a promise was missed; `in_danger`: something happened that usually makes it late."""
    if stage == "delivered":
        return "delivered_late" if promised and reached and reached > promised else "delivered"
    if stage in ("cancelled", "returned"):
        return stage
    if is_missed or (promised and (now > promised or (expected and expected > promised))):
        return "late"
    if in_danger and expected is None:
        return "at_risk"
    return "on_time" if promised or expected else "unknown"


def expecting(journey: Journey, at: datetime, now: datetime) -> Journey:
    """The journey when somebody arranged for it to arrive at `at`; what a carrier says of it later goes before."""
    if journey.expected_at is not None or journey.stage in FINAL:
        return journey
    outlook = outlook_of(
        journey.stage,
        promised=journey.promised_at,
        expected=at,
        reached=None,
        is_missed=journey.outlook == "late",
        in_danger=False,
        now=now,
    )
    return msgspec.structs.replace(journey, expected_at=at, outlook=outlook)


def steps_of(
    stage: Stage, *, furthest: Stage, times: dict[str, datetime], promised: datetime | None, expected: datetime | None, pickup_by: datetime | None,
    cutoff_missed: bool,
) -> list[Step]:  # fmt: skip
    """The five steps with their times. A journey that ended elsewhere stops after the step it had reached (`furthest`)."""
    reached = STEPS.index(furthest if stage in ("cancelled", "returned") else stage)
    made = []
    for place, name in enumerate(STEPS):
        state: StepState = "done" if place < reached or stage == "delivered" else "now" if place == reached else "todo"
        if name == "packed" and cutoff_missed and reached < STEPS.index("moving"):
            state = "wrong"
        made.append(
            Step(
                name, state, actual=times.get(name), estimated=expected if name == "delivered" and stage != "delivered" else None,
                planned=promised if name == "delivered" else pickup_by if name == "waiting" else None,
            )
        )  # fmt: skip
    if stage in ("cancelled", "returned"):
        return [*(msgspec.structs.replace(s, state="done") for s in made[: reached + 1]), Step(stage, "wrong", actual=times.get(stage))]
    return made


# --- lists ---


async def shipments(uow: UnitOfWork, filters: Filters, window: Window) -> Page[Journey]:
    """Shipments as people follow them, newest first."""
    query = _progress(select(Shipment), Shipment.status, filters.progress)
    if filters.late:
        query = query.where(_late_shipment(uow.now))
    if filters.since is not None:
        query = query.where(Shipment.created_at >= filters.since)
    if filters.find:
        query = query.where(Shipment.id.in_(await _found(uow, "shipment", filters.find)))
    rows: Page[Shipment] = await page(uow, query, by=[(Shipment.id, UUID)], cursor=window.cursor, limit=window.limit, view=_itself)
    return Page(await _of_shipments(uow, rows.items), rows.next)


async def orders(uow: UnitOfWork, filters: Filters, window: Window) -> Page[Journey]:
    """Orders as people follow them, newest first."""
    query: Select[Any] = select(Order)
    if filters.progress != "all":
        query = query.where(_order_progress(filters.progress))
    if filters.late:
        query = query.where(_late_order(uow.now))
    if filters.since is not None:
        query = query.where(Order.created_at >= filters.since)
    if filters.find:
        query = query.where(Order.id.in_(await _found(uow, "order", filters.find)))
    rows: Page[Order] = await page(uow, query, by=[(Order.id, UUID)], cursor=window.cursor, limit=window.limit, view=_itself)
    return Page(await _of_orders(uow, rows.items), rows.next)


async def arriving(uow: UnitOfWork, until: datetime, *, limit: int) -> list[Journey]:
    """Unfinished shipments due or expected from now on until then, the soonest first."""
    due = or_(
        Shipment.eta.between(uow.now, until), and_(Shipment.eta.is_(None), _promise_of_shipment(Promise.due_at.between(uow.now, until)))
    )
    query = select(Shipment).where(Shipment.status.not_in(FINAL), due).order_by(Shipment.eta.asc().nulls_last(), Shipment.id.desc())
    found = await _of_shipments(uow, (await uow.execute(query.limit(limit))).scalars().all())
    return sorted(found, key=lambda journey: journey.expected_at or journey.promised_at or until)


async def late(uow: UnitOfWork, *, limit: int) -> list[Journey]:
    """Unfinished shipments that are or will be late, and such orders no shipment is known of, the newest first."""
    carried = (await shipments(uow, Filters(late=True), Window(limit=limit))).items
    alone = select(Order).where(_late_order(uow.now), ~exists().where(Shipment.order_id == Order.id)).order_by(Order.id.desc()).limit(limit)
    return [*carried, *await _of_orders(uow, (await uow.execute(alone)).scalars().all())][:limit]


# --- one ---


async def shipment(uow: UnitOfWork, shipment_id: UUID) -> Journey:
    """One shipment's journey; raises NotFound."""
    return (await _of_shipments(uow, [await uow.get(Shipment, shipment_id)]))[0]


async def order(uow: UnitOfWork, order_id: UUID) -> Journey:
    """One order's journey: that of its shipment that is furthest behind; raises NotFound."""
    return (await _of_orders(uow, [await uow.get(Order, order_id)]))[0]


async def named(uow: UnitOfWork, *, orders: Collection[UUID] = (), shipments: Collection[UUID] = ()) -> dict[UUID, Journey]:
    """The journeys of these orders and shipments by id, those that are there."""
    found = await _of_orders(uow, await _rows(uow, Order, orders)) + await _of_shipments(uow, await _rows(uow, Shipment, shipments))
    return {journey.id: journey for journey in found}


async def numbers(uow: UnitOfWork, ids: Collection[UUID]) -> dict[UUID, str]:
    """What these orders and shipments are called."""
    if not ids:
        return {}
    queries = [select(model.id, model.number).where(model.id.in_(ids)) for model in (Order, Shipment)]
    return {row.id: row.number for query in queries for row in (await uow.session.execute(query)).all()}


async def wanted(uow: UnitOfWork, *, limit: int) -> list[DocumentView]:
    """Documents somebody must still send: asked for, or sent and refused; the newest first."""
    query = select(Document).where(Document.status.in_(("required", "refused"))).order_by(Document.id.desc()).limit(limit)
    return [views.document(row) for row in (await uow.execute(query)).scalars()]


async def steps(uow: UnitOfWork, journey: Journey) -> list[Step]:
    """A journey's steps with their times, from what was reported and promised."""
    ids = [journey.id] if journey.kind == "shipment" else journey.shipments
    times, furthest = await _times(uow, ids[:1])
    pickup = await _promised(uow, [journey.id, *ids[:1], *([journey.order_id] if journey.order_id else [])], ("pickup", "ship"))
    return steps_of(
        journey.stage, furthest=furthest, times=times, promised=journey.promised_at, expected=journey.expected_at,
        pickup_by=min((row.due_at for row in pickup), default=None), cutoff_missed=journey.cutoff_missed,
    )  # fmt: skip


async def _times(uow: UnitOfWork, shipment_ids: Collection[UUID]) -> tuple[dict[str, datetime], Stage]:
    """When each step was first reached, by what carriers reported, and the furthest before the end."""
    if not shipment_ids:
        return {}, "ordered"
    query = select(Milestone.milestone, Milestone.at).where(Milestone.shipment_id.in_(shipment_ids), Milestone.kind == "actual")
    times: dict[str, datetime] = {}
    furthest: Stage = "ordered"
    for row in (await uow.execute(query.order_by(Milestone.at, Milestone.id))).all():
        stage = stage_of(row.milestone, None)
        times.setdefault(stage, row.at)
        if stage in STEPS and stage != "delivered" and STEPS.index(stage) > STEPS.index(furthest):
            furthest = stage
    return times, furthest


# --- rows to journeys ---


async def _of_shipments(uow: UnitOfWork, rows: Sequence[Shipment]) -> list[Journey]:
    orders = {row.id: row for row in await _rows(uow, Order, {row.order_id for row in rows if row.order_id})}
    promises = await _promised(uow, [*(row.id for row in rows), *orders], ("deliver", "ship", "pickup"))
    return [_of_shipment(row, orders.get(row.order_id) if row.order_id else None, promises, uow.now) for row in rows]


def _of_shipment(row: Shipment, order: Order | None, promises: Sequence[Promise], now: datetime) -> Journey:
    own = [p for p in promises if p.shipment_id == row.id]
    mine = own if any(p.name == "deliver" for p in own) else own + [p for p in promises if order is not None and p.order_id == order.id]
    deliver = next((p for p in mine if p.name == "deliver"), None)
    stage = stage_of(row.status, order.status if order else None)
    reached = row.status_at if stage in FINAL else None
    promised = deliver.due_at if deliver else None
    return Journey(
        id=row.id, kind="shipment", customer=row.customer_id, number=row.number, order_id=row.order_id, order=order.number if order else None,
        shipments=[row.id], status=row.status, stage=stage, promised_at=promised, expected_at=row.eta, reached_at=reached,
        last_seen_at=row.last_seen_at, cutoff_missed=bool(order and order.cutoff_missed), carrier=row.carrier, service=row.service,
        origin=row.origin, destination=row.destination,
        outlook=outlook_of(
            stage, promised=promised, expected=row.eta, reached=reached, is_missed=bool(deliver and deliver.status == "missed"),
            in_danger=_in_danger(mine, order, row.status), now=now,
        ),
    )  # fmt: skip


def _in_danger(promises: Iterable[Promise], order: Order | None, status: str) -> bool:
    """It missed the warehouse's cutoff or its pickup and hasn't left since."""
    is_waiting = status in NOT_MOVING
    return is_waiting and (bool(order and order.cutoff_missed) or any(p.status == "missed" for p in promises))


async def _of_orders(uow: UnitOfWork, rows: Sequence[Order]) -> list[Journey]:
    ids = [row.id for row in rows]
    query = select(Shipment).where(Shipment.order_id.in_(ids)).order_by(Shipment.id)
    carried: dict[UUID, list[Shipment]] = {}
    for shipment in (await uow.execute(query)).scalars() if ids else ():
        carried.setdefault(shipment.order_id, []).append(shipment)
    promises = await _promised(uow, [*ids, *(s.id for each in carried.values() for s in each)], ("deliver", "ship", "pickup"))
    return [_of_order(row, carried.get(row.id, []), promises, uow.now) for row in rows]


def _of_order(row: Order, carried: Sequence[Shipment], promises: Sequence[Promise], now: datetime) -> Journey:
    behind = min((s for s in carried if s.status not in ("cancelled", "returned")), key=_how_far, default=carried[-1] if carried else None)
    if behind is None:
        return _without_shipment(row, [p for p in promises if p.order_id == row.id], now)
    journey = _of_shipment(behind, row, promises, now)
    others = [s.id for s in carried if s.id != behind.id]
    return msgspec.structs.replace(journey, id=row.id, kind="order", number=row.number, order_id=row.id, shipments=[behind.id, *others])


def _how_far(row: Shipment) -> tuple[int, datetime | None]:
    return PHASES.get(row.status, -1), None


def _without_shipment(row: Order, promises: Sequence[Promise], now: datetime) -> Journey:
    deliver = next((p for p in promises if p.name == "deliver"), None)
    status = {"shipped": "picked_up", "delivered": "delivered", "cancelled": "cancelled"}.get(row.status or "", "planned")
    stage, promised = stage_of(status, row.status), deliver.due_at if deliver else None
    reached = deliver.kept_at if deliver and stage == "delivered" else None
    return Journey(
        id=row.id, kind="order", customer=row.customer_id, number=row.number, order_id=row.id, order=row.number, shipments=[], status=status,
        stage=stage, promised_at=promised, expected_at=None, reached_at=reached, last_seen_at=row.updated_at, cutoff_missed=row.cutoff_missed,
        carrier=None, service=None, origin=None, destination=None,
        outlook=outlook_of(
            stage, promised=promised, expected=None, reached=reached, is_missed=bool(deliver and deliver.status == "missed"),
            in_danger=_in_danger(promises, row, status), now=now,
        ),
    )  # fmt: skip


async def _promised(uow: UnitOfWork, owners: Collection[UUID], names: Collection[str]) -> Sequence[Promise]:
    """What was promised about these orders and shipments; without a promise of that name there is nothing to be late for."""
    if not owners:
        return []
    query = select(Promise).where(or_(Promise.order_id.in_(owners), Promise.shipment_id.in_(owners)), Promise.name.in_(names))
    return (await uow.execute(query.order_by(Promise.due_at, Promise.id))).scalars().all()


async def _rows(uow: UnitOfWork, model: Any, ids: Collection[UUID]) -> Sequence[Any]:
    return (await uow.execute(select(model).where(model.id.in_(ids)).order_by(model.id))).scalars().all() if ids else []


def _itself(row: Any) -> Any:
    return row


# --- conditions ---


def _progress(query: Select[Any], column: Any, progress: Progress) -> Select[Any]:
    wanted: dict[str, Callable[[], ColumnElement[bool]]] = {
        "open": lambda: column.not_in(FINAL), "delivered": lambda: column == "delivered", "ended": lambda: column.in_(("cancelled", "returned")),
    }  # fmt: skip
    return query.where(wanted[progress]()) if progress in wanted else query


def _order_progress(progress: Progress) -> ColumnElement[bool]:
    """By the order's own word, else by its shipments: open while one of them travels."""
    own = Shipment.order_id == Order.id
    has_some, travels = exists().where(own), exists().where(own, Shipment.status.not_in(FINAL))
    arrived = exists().where(own, Shipment.status == "delivered")
    told = {"delivered": Order.status == "delivered", "ended": Order.status == "cancelled"}
    is_done = or_(Order.status.in_(("delivered", "cancelled")).is_(True), and_(has_some, ~travels))
    if progress == "open":
        return ~is_done
    if progress == "delivered":
        return or_(told["delivered"].is_(True), and_(Order.status.is_distinct_from("cancelled"), has_some, ~travels, arrived))
    return or_(told["ended"].is_(True), and_(Order.status.is_distinct_from("delivered"), has_some, ~travels, ~arrived))


def _late_shipment(now: datetime) -> ColumnElement[bool]:
    """Unfinished, and past its promise or expected after it, or in danger without an estimate (outlook_of in SQL)."""
    is_over = or_(Promise.status == "missed", Promise.due_at < now, Shipment.eta > Promise.due_at)
    missed_cutoff = exists().where(Order.id == Shipment.order_id, Order.cutoff_missed)
    in_danger = and_(Shipment.eta.is_(None), Shipment.status.in_(NOT_MOVING), missed_cutoff)
    return and_(Shipment.status.not_in(FINAL), or_(_promise_of_shipment(is_over), in_danger))


def _promise_of_shipment(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    owner = or_(Promise.shipment_id == Shipment.id, and_(Promise.order_id == Shipment.order_id, Promise.shipment_id.is_(None)))
    return exists().where(owner, Promise.name == "deliver", condition)


def _late_order(now: datetime) -> ColumnElement[bool]:
    carried = exists().where(Shipment.order_id == Order.id, _late_shipment(now))
    promise = exists().where(Promise.order_id == Order.id, Promise.name == "deliver", or_(Promise.status == "missed", Promise.due_at < now))
    alone = and_(~exists().where(Shipment.order_id == Order.id), or_(promise, Order.cutoff_missed))
    return and_(_order_progress("open"), or_(carried, alone))


async def _found(uow: UnitOfWork, kind: finding.Kind, said: str) -> list[UUID]:
    """Ids of what goes by this reference: whole ones of any length, parts from four letters or digits on."""
    try:
        hits = await finding.find(uow, said, kinds=(kind,), limit=_MOST_FOUND)
        return [hit.id for hit in hits.items]
    except finding.QueryTooShort:
        if kind == "order":
            query: Select[Any] = select(Order.id).where(Order.number_key == said.strip().lower())
        else:
            query = select(ShipmentReference.shipment_id).where(ShipmentReference.value_key == said.strip().lower())
        return list((await uow.execute(query.limit(_MOST_FOUND))).scalars())
