"""Two transactions that tell of the same thing at once: one thing, nothing lost."""

import asyncio

import pytest
from sqlalchemy import func, select

from app.canonical.commands import record
from app.canonical.events import parse_event
from app.canonical.models import Milestone, Order, Party, Promise, Shipment
from app.canonical.shipments import ToldElsewhere
from tests.integration.canonical.test_record import order, scan

PARTY = [{"role": "consignee", "name": "Clinic", "location": {"city": "Prague"}}]


@pytest.mark.feature("M62")
async def test_the_first_words_about_an_order_and_shipment_from_eight_sides_make_one_of_each(shell, tenant, customer):
    refs = {"shipment": "SHP-1", "tracking": "1Z9", "order": "ORD-1"}

    async def side(n: int) -> None:
        told = [order(n, number="ORD-1", value_minor=n, ship_by="2030-01-01T10:00:00Z"), scan(n, "X4", refs=refs, parties=PARTY)]
        for _ in range(20):
            try:
                async with shell.unit_of_work(tenant, actor="system:test") as uow:
                    for event in told:
                        await record(uow, parse_event(event), signal_id=None, customer_id=customer)
                return
            except ToldElsewhere:
                continue
        raise AssertionError("never got through")

    await asyncio.gather(*(side(n) for n in range(8)))
    async with shell.read(tenant) as uow:
        counts = {
            model.__name__: await uow.session.scalar(select(func.count()).select_from(model))
            for model in (Order, Shipment, Milestone, Party, Promise)
        }
        (found,) = (await uow.execute(select(Order))).scalars()
        (shipment,) = (await uow.execute(select(Shipment))).scalars()
        assert counts == {"Order": 1, "Shipment": 1, "Milestone": 8, "Party": 1, "Promise": 1}
        assert found.value_minor == 7
        assert shipment.status_at == max(parse_event(scan(n, "X4")).occurred_at for n in range(8)) and shipment.order_id == found.id
