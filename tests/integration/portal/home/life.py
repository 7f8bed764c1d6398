"""A customer's week: an order that waits for a choice, one that waits for a paper, some on their way, some arrived, trouble that was solved."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.canonical import documents
from app.canonical.commands import Recorded, record
from app.canonical.events import parse_event
from app.cases import commands, offers
from app.core.services import Shell
from app.core.uow import UnitOfWork
from tests.integration.cases.world import World

LEIPZIG = {"city": "Leipzig", "country": "DE"}
ANTWERP = {"city": "Antwerp", "country": "BE"}
LYON = {"city": "Lyon", "country": "FR"}
INNER = "Carrier quoted 1,840 to us; do not tell them"
VISIBLE = "We asked the carrier and expect an answer by noon."
SECRET_COST = 913_377


@dataclass
class Life:
    """Ids of what there is."""

    choice_order: UUID
    choice_shipment: UUID
    choice_case: UUID
    offer: UUID
    paper_order: UUID
    paper: UUID
    moving_order: UUID
    delivered_order: UUID
    solved_case: UUID
    answered_offer: UUID
    expired_offer: UUID
    lone_shipment: UUID


class Teller:
    """Tells what happened to one customer, at a clock of one's own."""

    def __init__(self, world: World, prefix: str) -> None:
        self.world, self.prefix, self.now = world, prefix, datetime.now(UTC)

    def at(self, hours: float) -> str:
        return (self.now + timedelta(hours=hours)).isoformat()

    async def told(self, kind: str, refs: dict[str, str], *, hours: float = 0.0, **data: Any) -> Recorded:
        """One event as a mapping would have made it."""
        event = {"type": kind, "occurred_at": self.at(hours), "refs": {k: f"{self.prefix}{v}" for k, v in refs.items()}, "data": data}
        async with self.world.act() as uow:
            return await record(uow, parse_event(event), signal_id=None, customer_id=self.world.customer)

    async def order(self, number: str, *, due: float, shipment: str = "", regulated: bool = False, **more: Any) -> Recorded:
        lines = [{"sku": "VAC-10", "quantity": 24, "description": "Vaccine, 10 doses, cooled"}]
        made = await self.told(
            "order.recorded", {"order": number, **({"shipment": shipment} if shipment else {})}, hours=-30, deliver_by=self.at(due), lines=lines,
            regulated=regulated, status="released", value_minor=4_520_000, currency="EUR", penalty_minor=SECRET_COST, **more,
        )  # fmt: skip
        if shipment:
            made = await self.told(
                "shipment.recorded", {"shipment": shipment, "order": number}, hours=-29, carrier="SIMX", service="Regular departure", origin=LEIPZIG,
                destination=ANTWERP, pieces=24, weight_grams=86_500, deliver_by=self.at(due),
                stops=[{"location": LEIPZIG, "kind": "pickup", "planned_at": self.at(due - 30)}, {"location": ANTWERP, "kind": "delivery", "planned_at": self.at(due)}],
                parties=[{"role": "consignee", "name": "St. Mary's Hospital"}],
            )  # fmt: skip
        return made

    async def seen(self, shipment: str, milestone: str, hours: float, **more: Any) -> None:
        await self.told("shipment.milestone_recorded", {"shipment": shipment}, hours=hours, milestone=milestone, **more)


async def live(shell: Shell, tenant: UUID, customer: UUID, prefix: str = "") -> Life:
    """Let it all happen to a customer."""
    tell = Teller(World(shell, tenant, customer), prefix)
    choice, case, offer = await _choice(tell)
    paper_order, paper = await _paper(tell)
    moving = await tell.order("ORD-7734", due=30, shipment="SHP-224")
    await tell.seen("SHP-224", "picked_up", -10, location=LEIPZIG)
    await tell.seen("SHP-224", "departed", -8, location=LEIPZIG, estimated_at=tell.at(26))
    done = await tell.order("ORD-7735", due=-20, shipment="SHP-225")
    await tell.seen("SHP-225", "picked_up", -50)
    await tell.seen("SHP-225", "delivered", -22, location=ANTWERP)
    await tell.order("ORD-7736", due=-26, shipment="SHP-226")
    await tell.seen("SHP-226", "delivered", -20)
    await tell.order("ORD-7737", due=-3, shipment="SHP-227")
    await tell.seen("SHP-227", "picked_up", -20)
    lone = await tell.told("shipment.recorded", {"shipment": "SHP-900", "pro": "123-456 789"}, hours=-5, carrier="CNPT", destination=LYON)
    await tell.seen("SHP-900", "delivery_attempted", -2, location=LYON)
    solved, answered, expired = await _solved(tell)
    assert choice.order_id and choice.shipment_id and moving.order_id and done.order_id and lone.shipment_id
    return Life(
        choice.order_id,
        choice.shipment_id,
        case,
        offer,
        paper_order,
        paper,
        moving.order_id,
        done.order_id,
        solved,
        answered,
        expired,
        lone.shipment_id,
    )


async def _choice(tell: Teller) -> tuple[Recorded, UUID, UUID]:
    made = await tell.order("ORD-7732", due=20, shipment="SHP-221")
    await tell.told("order.cutoff_missed", {"order": "ORD-7732", "shipment": "SHP-221"}, hours=-4, reason="not packed")
    case = await _case(tell, "cutoff.missed", "ORD-7732", order=made.order_id, shipment=made.shipment_id)
    options = [
        {"id": "road", "label": "Next regular departure", "eta": tell.at(44), "cost_minor": 0, "currency": "EUR", "buy_minor": SECRET_COST},
        {"id": "air", "label": "Courier tonight", "eta": tell.at(18), "cost_minor": 24_000, "currency": "EUR", "buy_minor": SECRET_COST},
    ]
    async with tell.world.act() as uow:
        await commands.comment(uow, case, INNER)
        await commands.comment(uow, case, VISIBLE, visible=True)
        offer = await _offer(uow, case, options, "road", tell.now + timedelta(hours=6), f"{tell.prefix}life-1")
    return made, case, offer


async def _paper(tell: Teller) -> tuple[UUID, UUID]:
    made = await tell.order("ORD-7733", due=50, shipment="SHP-223", regulated=True, un_number="UN1993")
    case = await _case(tell, "document.gap", "ORD-7733", order=made.order_id, shipment=made.shipment_id)
    assert made.order_id
    async with tell.world.act() as uow:
        row = await documents.require(
            uow, kind="compliance_certificate", customer_id=tell.world.customer, order_id=made.order_id, case_id=case
        )
        await commands.acknowledge(uow, case)
    return made.order_id, row.id


async def _solved(tell: Teller) -> tuple[UUID, UUID, UUID]:
    made = await tell.order("ORD-7730", due=-60, shipment="SHP-220")
    case = await _case(tell, "pickup.missed", "ORD-7730", order=made.order_id, shipment=made.shipment_id)
    options = [{"id": "a", "label": "Tomorrow morning", "eta": tell.at(-40)}, {"id": "b", "label": "Tomorrow evening", "eta": tell.at(-34)}]
    async with tell.world.act() as uow:
        first = await _offer(uow, case, options, None, tell.now + timedelta(hours=1), f"{tell.prefix}life-2")
        second = await _offer(uow, case, options, "b", tell.now + timedelta(hours=1), f"{tell.prefix}life-3")
    async with tell.world.act() as uow:
        await offers.answer(uow, first, "a")
    async with tell.world.act(now=datetime.now(UTC) + timedelta(hours=2)) as uow:
        await offers.expire(uow, second)
    await tell.seen("SHP-220", "delivered", -40)
    async with tell.world.act() as uow:
        await commands.resolve(
            uow, case, outcome="rerouted", cause="carrier.late_pickup", evidence_call_id=None, override_reason="shown in a test"
        )
    return case, first, second


async def _case(tell: Teller, kind: str, number: str, **subjects: UUID | None) -> UUID:
    named = {name: str(id) for name, id in subjects.items() if id}
    wrong = {"type": kind, "reason": "past_cutoff", "responsible": "warehouse"}
    group = f"{kind}|order:{tell.prefix}{number}"
    case = await tell.world.opened(order=f"{tell.prefix}{number}", exception=wrong, group_key=group, subjects=named)
    return case.id


async def _offer(uow: UnitOfWork, case: UUID, options: list[dict[str, Any]], default: str | None, until: datetime, key: str) -> UUID:
    row = await offers.make(
        uow, case_id=case, to={"address": "ops@acme.example"}, options=options, default=default, expires_at=until, key=key
    )
    return row.id
