"""A case begins: opened once, joined by later signals, its priority provisional and then final."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from app.cases import commands
from app.cases.models import Case, CaseClock, CaseSignal, CaseSubject
from app.core.ids import new_id
from tests.integration.cases.world import CONTRACT, World, decide, decision


async def _count(world: World, model: type) -> int:
    async with world.look() as uow:
        return int(await uow.session.scalar(select(func.count()).select_from(model)) or 0)


class TestOpenCase:
    @pytest.mark.feature("M34")
    async def test_holds_what_the_policy_decided_and_what_it_missed(self, world: World) -> None:
        case = await world.opened(workflow={"name": "cutoff-missed"})
        assert (case.status, case.priority_level, case.priority_score, case.priority_provisional) == ("open", "P2", 450, True)
        assert (case.money_at_risk_minor, case.currency, case.missing) == (4520000, "EUR", ["customer.tier"])
        assert case.inputs == [{"name": "order.value_minor", "value": 4520000, "source": "order:1"}]
        [opened] = await world.told("case.opened")
        assert opened.key == f"case:{case.id}"
        assert opened.customer_id == world.customer
        assert opened.data["workflow"] == {"name": "cutoff-missed"}
        assert opened.data["decision_id"] == str(case.decision_id)

    async def test_starts_the_sla_clocks_in_the_customers_time_zone(self, shell, tenant) -> None:  # type: ignore[no-untyped-def]
        world = await World.make(shell, tenant, sla=CONTRACT)
        friday_evening = datetime(2026, 12, 11, 17, 45, tzinfo=UTC)  # 18:45 in Berlin, a quarter of an hour before closing
        case = await world.opened(now=friday_evening)
        clocks = {row.kind: row for row in await world.rows(CaseClock, case_id=case.id)}
        assert clocks["first_response"].due_at == datetime(2026, 12, 14, 6, 15, tzinfo=UTC)
        assert clocks["resolution"].due_at == datetime(2026, 12, 14, 13, 45, tzinfo=UTC)

    async def test_opens_without_clocks_when_nothing_was_promised(self, shell, tenant) -> None:  # type: ignore[no-untyped-def]
        world = await World.make(shell, tenant, sla={})
        await world.opened()
        assert await _count(world, CaseClock) == 0

    async def test_opens_also_when_the_promise_can_never_fall_due(self, shell, tenant) -> None:  # type: ignore[no-untyped-def]
        world = await World.make(shell, tenant, sla={"resolution": "PT9999H", "calendar": {"hours": "Mon 09:00-09:01"}})
        assert (await world.opened()).status == "open"
        assert await _count(world, CaseClock) == 0

    @pytest.mark.feature("M42")
    async def test_joins_the_unfinished_case_of_the_same_group(self, world: World) -> None:
        first = await world.opened(signal_id=str(new_id()))
        second = await world.opened(signal_id=str(new_id()))
        assert first.id == second.id
        assert await _count(world, Case) == 1
        assert await _count(world, CaseSignal) == 2
        [grouped] = await world.told("case.grouped")
        assert grouped.data["case_id"] == str(first.id)

    async def test_takes_the_same_decision_twice_for_one(self, world: World) -> None:
        async with world.act() as uow:
            event = decide(uow, world.customer)
        async with world.act() as uow:
            await commands.open_case(uow, decision_event=event)
        assert await _count(world, CaseSignal) == 1
        assert await world.told("case.grouped") == []

    @pytest.mark.feature("M42")
    async def test_makes_one_case_of_two_that_arrive_at_the_same_moment(self, world: World) -> None:
        inside, both = asyncio.Barrier(2), []

        async def arrive(pause: float) -> None:
            async with world.act() as uow:
                await uow.session.connection()
                await inside.wait()
                event = decide(uow, world.customer, signal_id=str(new_id()))
                await uow.settle()
                both.append(event.id)
                await asyncio.sleep(pause)  # holds the row while the other asks for it

        await asyncio.gather(arrive(0.2), arrive(0.2))
        assert await _count(world, Case) == 1
        assert await _count(world, CaseSignal) == 2
        assert len(await world.told("case.opened")) == len(await world.told("case.grouped")) == 1

    async def test_makes_one_case_a_group_of_many_arriving_at_once(self, world: World) -> None:
        async def arrive(number: int) -> None:
            async with world.act() as uow:
                decide(uow, world.customer, order=f"ORD-{number % 3}", signal_id=str(new_id()))

        await asyncio.gather(*(arrive(number) for number in range(24)))
        assert await _count(world, Case) == 3
        assert await _count(world, CaseSignal) == 24

    async def test_keeps_customers_with_the_same_order_number_apart(self, world: World) -> None:
        other = await World.make(world.shell, world.tenant, slug="boreal")
        await world.opened()
        await other.opened()
        assert await _count(world, Case) == 2

    async def test_opens_a_new_case_after_the_old_one_ended_and_links_it(self, world: World) -> None:
        first = await world.opened()
        async with world.act() as uow:
            await commands.resolve(
                uow, first.id, outcome="rerouted", cause="warehouse.late", evidence_call_id=None, override_reason="by phone"
            )
        second = await world.opened()
        assert second.id != first.id
        assert second.previous_id == first.id

    async def test_adds_the_subjects_a_later_signal_names(self, world: World) -> None:
        first, second = await world.order("ORD-1"), await world.order("ORD-2")
        case = await world.opened(subjects={"order": str(first)})
        await world.opened(subjects={"order": str(second)})
        assert case.order_id == first
        assert {row.subject_id for row in await world.rows(CaseSubject, case_id=case.id)} == {first, second}


class TestUpdatePriority:
    @pytest.mark.feature("M34")
    async def test_says_what_changed_and_by_which_input(self, world: World) -> None:
        case = await world.opened()
        tier = {"name": "customer.tier", "value": "platinum", "source": "call:7"}
        inputs = [*decision()["inputs"], tier]
        async with world.act() as uow:
            decide(uow, world.customer, earlier=str(case.decision_id), level="P1", score=750, provisional=False, missing=[], inputs=inputs)
        after = await world.case(case.id)
        assert (after.priority_level, after.priority_provisional, after.missing) == ("P1", False, [])
        [changed] = await world.told("case.reprioritised")
        assert changed.data["changed"] == [{"name": "customer.tier", "before": None, "after": "platinum", "source": "call:7"}]
        assert changed.data["before"]["level"] == "P2"
        assert changed.changes["priority_level"] == ["P2", "P1"]

    async def test_is_quiet_when_nothing_changed(self, world: World) -> None:
        await world.opened()
        await world.opened(signal_id=str(new_id()))
        assert await world.told("case.reprioritised") == []

    async def test_does_not_take_back_what_is_known(self, world: World) -> None:
        case = await world.opened(level="P1", score=750, provisional=False, missing=[])
        await world.opened(level="P3", score=200, provisional=True, signal_id=str(new_id()))
        assert (await world.case(case.id)).priority_level == "P1"

    async def test_leaves_a_resolved_case_alone(self, world: World) -> None:
        case = await world.opened()
        async with world.act() as uow:
            await commands.resolve(
                uow, case.id, outcome="rerouted", cause="warehouse.late", evidence_call_id=None, override_reason="by phone"
            )
        async with world.act() as uow:
            decide(uow, world.customer, earlier=str(case.decision_id), level="P1", score=900)
        assert (await world.case(case.id)).priority_level == "P2"
