"""Promises: a step expected by a time. A step in time keeps one, also when it is heard of late; its absence is an event of its own."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from app.canonical.events import CanonicalEvent
from app.canonical.milestones import PHASES
from app.canonical.models import Order, Promise, Shipment
from app.core.uow import UnitOfWork

# Dates of a message that are promises: field -> (name, the milestone that keeps it).
OF_ORDER = {"ship_by": ("ship", "picked_up"), "deliver_by": ("deliver", "delivered")}
OF_SHIPMENT = {"pickup_by": ("pickup", "picked_up"), "deliver_by": ("deliver", "delivered")}
# An order's own words for the same steps.
ORDER_STEPS = {"shipped": "picked_up", "delivered": "delivered"}

KIND = "promise"


def verdict(due_at: datetime, grace_minutes: int, kept_at: datetime | None, now: datetime) -> Literal["open", "kept", "missed"]:
    """Kept by a step up to the end of the grace; missed once that has passed without one."""
    end = due_at + timedelta(minutes=grace_minutes)
    if kept_at is not None and kept_at <= end:
        return "kept"
    return "missed" if kept_at is not None or now > end else "open"


def keeps(promised: str, milestone: str) -> bool:
    """Whether reaching `milestone` means the promised one was reached: a delivered shipment was picked up. A cancelled one keeps nothing."""
    if milestone in ("cancelled", "returned"):
        return False
    return PHASES.get(milestone, -1) >= PHASES.get(promised, len(PHASES))


async def promise(
    uow: UnitOfWork,
    *,
    customer_id: UUID,
    order_id: UUID | None = None,
    shipment_id: UUID | None = None,
    name: str,
    milestone: str,
    due_at: datetime,
    grace_minutes: int = 0,
    said_at: datetime,
) -> Promise:
    """Promise a step of an order or shipment, or move it: the newest word stands. Its timer is set with it."""
    values = {
        "tenant_id": uow.tenant_id, "id": uow.new_id(), "customer_id": customer_id, "order_id": order_id, "shipment_id": shipment_id, "name": name,
        "milestone": milestone, "due_at": due_at, "grace_minutes": grace_minutes, "status": "open", "said_at": said_at, "created_at": uow.now, "version": 0,
    }  # fmt: skip
    await uow.execute(insert(Promise).values(values).on_conflict_do_nothing())
    query = select(Promise).where(
        Promise.customer_id == customer_id,
        Promise.order_id.is_not_distinct_from(order_id),
        Promise.shipment_id.is_not_distinct_from(shipment_id),
        Promise.name == name,
    )
    row: Promise = (await uow.execute(query.with_for_update(key_share=True))).scalar_one()
    is_new = row.version == 0
    if is_new or (said_at, due_at) > (row.said_at, row.due_at):
        row.milestone, row.due_at, row.grace_minutes, row.said_at, row.version = milestone, due_at, grace_minutes, said_at, row.version + 1
        _settle(uow, row)
    return row


async def promise_dates(
    uow: UnitOfWork, event: CanonicalEvent, *, order: Order | None = None, shipment: Shipment | None = None
) -> list[Promise]:
    """The promises that follow from an event's dates."""
    names = OF_ORDER if shipment is None else OF_SHIPMENT
    owner = shipment or order
    dates = [(event.data[field], *promised) for field, promised in names.items() if event.data.get(field) is not None]
    if owner is None:
        return []
    return [
        await promise(
            uow, customer_id=owner.customer_id, order_id=order.id if order and not shipment else None, shipment_id=shipment.id if shipment else None,
            name=name, milestone=milestone, due_at=due_at, said_at=event.occurred_at,
        )
        for due_at, name, milestone in dates
    ]  # fmt: skip


async def reached(uow: UnitOfWork, milestone: str, at: datetime, *, order_id: UUID | None, shipment_id: UUID | None) -> list[Promise]:
    """A step was reached at this time: keep or miss what was promised about it, and say so; returns the promises that changed."""
    owners = [column == id for column, id in ((Promise.order_id, order_id), (Promise.shipment_id, shipment_id)) if id is not None]
    if not owners:
        return []
    query = select(Promise).where(or_(*owners)).order_by(Promise.id).with_for_update(key_share=True)
    rows = [
        row for row in (await uow.execute(query)).scalars() if keeps(row.milestone, milestone) and (row.kept_at is None or at < row.kept_at)
    ]
    for row in rows:
        before, row.kept_at, row.version = row.status, at, row.version + 1
        _settle(uow, row)
        if row.status != before:
            say(uow, row, row.status)
    return rows


def settle_due(uow: UnitOfWork, rows: Iterable[Promise]) -> None:
    """What a promise's timer does: say that it is due, or that its grace has passed."""
    for row in rows:
        end = row.due_at + timedelta(minutes=row.grace_minutes)
        if row.status != "open" or uow.now < row.due_at:
            continue
        row.version += 1
        if uow.now <= end:
            uow.work(KIND, subject=row.id, due=end + timedelta(seconds=1), cls="deadline")
            say(uow, row, "due")
        else:
            row.status, row.missed_at = "missed", uow.now
            say(uow, row, "missed")


def say(uow: UnitOfWork, row: Promise, what: str) -> None:
    """promise.due, promise.kept or promise.missed, heard by whoever waits for the order or shipment."""
    key = f"shipment:{row.shipment_id}" if row.shipment_id else f"order:{row.order_id}"
    data = {
        "promise_id": row.id, "name": row.name, "milestone": row.milestone, "due_at": row.due_at, "grace_minutes": row.grace_minutes,
        "order_id": row.order_id, "shipment_id": row.shipment_id, "kept_at": row.kept_at,
    }  # fmt: skip
    uow.publish(f"promise.{what}", of=row, data=data, key=key)


def _settle(uow: UnitOfWork, row: Promise) -> None:
    """Bring status and timer in line with due time and step. A promise without its step waits for the timer, which tells of its absence."""
    row.status = verdict(row.due_at, row.grace_minutes, row.kept_at, uow.now) if row.kept_at else "open"
    row.missed_at = uow.now if row.status == "missed" else None
    if row.status == "open":
        uow.work(KIND, subject=row.id, due=row.due_at, cls="deadline")
    else:
        uow.drop_work(KIND, row.id)
