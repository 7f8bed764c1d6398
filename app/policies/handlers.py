"""An absence is an event: a missed promise is put to the policies like anything a signal tells."""

from uuid import UUID

from sqlalchemy import select

from app.canonical.events import CanonicalEvent
from app.canonical.models import Order, Promise, Shipment, ShipmentReference
from app.core.events import Event
from app.core.models import EventRow
from app.core.services import Shell, WorkItem
from app.core.uow import UnitOfWork
from app.policies.commands import StaleFacts, check_fresh, evaluate, publish_decision
from app.policies.deciding import Incoming

ACTOR = "system:policies"
_TRIES = 4


async def ask_soon(uow: UnitOfWork, event: Event) -> None:
    """Have the policies asked about this event once it is committed."""
    uow.work("decide", subject=event.id, cls="deadline")


async def decide_due(shell: Shell, items: list[WorkItem]) -> None:
    """Decide on events we said ourselves; whether there is an exception is the partner's rule."""
    for item in items:
        await _decide(shell, item)


async def _decide(shell: Shell, item: WorkItem) -> None:
    for attempt in range(_TRIES):
        async with shell.read(item.tenant_id, actor=ACTOR) as reader:
            row = await reader.get(EventRow, item.subject)
            incoming = await _missed(reader, row)
            subjects, event_id = _subjects(row), row.id
            evaluation = await evaluate(shell, reader, [incoming])
        try:
            async with shell.unit_of_work(item.tenant_id, actor=ACTOR, cause=str(event_id)) as uow:
                await check_fresh(uow, evaluation)
                for decision in evaluation.decisions:
                    if decision is not None:
                        decision.subjects, decision.event_id = subjects, str(event_id)
                        await publish_decision(uow, decision)
                await uow.finish(item)
            return
        except StaleFacts:
            if attempt == _TRIES - 1:
                raise


async def _missed(reader: UnitOfWork, row: EventRow) -> Incoming:
    """A missed promise in the words policies read."""
    promise = await reader.get(Promise, UUID(row.envelope["data"]["promise_id"]))
    event = CanonicalEvent(
        type="promise.missed",
        occurred_at=promise.missed_at or promise.due_at,
        refs={"promise": promise.name} | await _refs(reader, promise),
        data={"milestone": promise.milestone, "due_at": promise.due_at, "grace_minutes": promise.grace_minutes},
    )
    return Incoming(event, None, promise.customer_id)


async def _refs(reader: UnitOfWork, promise: Promise) -> dict[str, str]:
    shipment = await reader.find(Shipment, promise.shipment_id) if promise.shipment_id else None
    order_id = promise.order_id or (shipment.order_id if shipment else None)
    number = (await reader.execute(select(Order.number).where(Order.id == order_id))).scalar_one_or_none() if order_id else None
    return ({"order": number} if number else {}) | (await _identity(reader, shipment.id) if shipment else {})


async def _identity(reader: UnitOfWork, shipment_id: UUID) -> dict[str, str]:
    query = select(ShipmentReference).where(ShipmentReference.shipment_id == shipment_id, ShipmentReference.is_identity)
    return {ref.kind: ref.value for ref in (await reader.execute(query.order_by(ShipmentReference.id.desc()))).scalars()}


def _subjects(row: EventRow) -> dict[str, str]:
    data = row.envelope["data"]
    return {kind: data[f"{kind}_id"] for kind in ("order", "shipment") if data.get(f"{kind}_id")}
