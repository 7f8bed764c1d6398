"""One ordered list of what happened on a case, whoever said it; the customer's is a part of it."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.cases import commands, log, queries
from app.cases.models import CaseEvent
from app.core.errors import NotFound
from app.core.ids import new_id
from tests.integration.cases.world import World, decide

pytestmark = pytest.mark.feature("M38")


async def _lines(world: World, case_id: UUID, *, customer: UUID | None = None, limit: int = 200) -> list[str]:
    lines: list[str] = []
    cursor = None
    while True:
        async with world.look(customer=customer) as uow:
            page = await queries.timeline(uow, case_id, cursor=cursor, limit=limit)
        lines += [entry.type for entry in page.items]
        cursor = page.next
        if cursor is None:
            return lines


async def _say(world: World, type: str, key: str, **data: Any) -> None:
    async with world.act() as uow:
        uow.publish(type, key=key, data=data, customer_id=world.customer)


class TestTimeline:
    async def test_starts_with_what_led_to_the_case(self, world: World) -> None:
        order = await world.order()
        await world.work_off()  # delivered long before the case
        async with world.act() as uow:
            missed = uow.publish("order.cutoff_missed", key=f"order:{order}", customer_id=world.customer)
            await uow.session.flush()
            event = decide(uow, world.customer, event_id=str(missed.id), subjects={"order": str(order)})
        await world.work_off()
        case = (await world.told("case.opened"))[0].data["case_id"]
        assert await _lines(world, UUID(case)) == ["order.recorded", "order.cutoff_missed", "decision.made", "case.opened"]
        assert event.type == "decision.made"

    async def test_gathers_what_concerns_the_case_its_order_and_its_approvals(self, world: World) -> None:
        order, other = await world.order("ORD-1"), await world.order("ORD-2")
        case = await world.opened(subjects={"order": str(order)})
        await _say(world, "order.changed", f"order:{order}")
        await _say(world, "order.changed", f"order:{other}")
        await _say(world, "approval.requested", f"approval:{new_id()}", case_id=case.id)
        await _say(world, "document.verified", f"document:{new_id()}", order_id=order, kind="certificate")
        await _say(world, "run.started", f"run:{new_id()}", case_id=new_id())
        await world.work_off()
        told = ["order.recorded", "decision.made", "case.opened", "order.changed", "approval.requested", "document.verified"]
        assert await _lines(world, case.id) == told

    async def test_is_the_same_read_in_small_pages(self, world: World) -> None:
        case = await world.opened()
        for number in range(7):
            await _say(world, "run.told", f"case:{case.id}", number=number)
        await world.work_off()
        assert await _lines(world, case.id, limit=2) == await _lines(world, case.id)

    async def test_notes_an_event_once_however_often_it_is_heard(self, world: World) -> None:
        case = await world.opened()
        await world.work_off()
        events = await world.told("case.opened", "decision.made")
        async with world.act() as uow:
            await log.note(uow, events)
            await log.note(uow, events)
        assert len(await world.rows(CaseEvent, case_id=case.id)) == 2

    async def test_shows_the_customer_plain_words_and_nothing_of_the_partners_own(self, world: World) -> None:
        case = await world.opened()
        async with world.act(await world.person("operator")) as uow:
            await commands.acknowledge(uow, case.id)
            await commands.comment(uow, case.id, "They always pay late.")
            await commands.comment(uow, case.id, "A courier is on the way.", visible=True)
            await commands.escalate(uow, case.id, "big customer")
        await world.work_off()
        async with world.look(customer=world.customer) as uow:
            entries = (await queries.timeline(uow, case.id, cursor=None, limit=50)).items
        assert [entry.title for entry in entries] == [
            "We noticed a problem: Order ORD-7731 missed the warehouse cutoff",
            "Our team is looking at it",
            "A courier is on the way.",
            "Passed on to a senior colleague",
        ]

    async def test_of_another_customer_is_not_there(self, world: World) -> None:
        other = await World.make(world.shell, world.tenant, slug="boreal")
        case = await world.opened()
        await world.work_off()
        with pytest.raises(NotFound):
            await _lines(world, case.id, customer=other.customer)
        async with world.look(customer=other.customer) as uow:
            assert (await uow.execute(select(CaseEvent))).all() == []
