"""A case is worked on: taken, given, written on, timed, ended and taken up again."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from app.cases import clocks, commands
from app.cases.commands.ending import GroupAlreadyOpen, SourceNotChecked
from app.cases.commands.owning import UnknownOwner
from app.cases.models import Case, CaseClock, CaseComment
from app.cases.status import CaseAlreadyResolved, CaseNotResolved
from app.core.errors import NotFound
from app.core.ids import new_id
from tests.integration.cases.world import CONTRACT, World, ago


async def _resolve(world: World, case: Case) -> None:
    async with world.act() as uow:
        await commands.resolve(uow, case.id, outcome="rerouted", cause="warehouse.late", evidence_call_id=None, override_reason="by phone")


async def _clocks(world: World, case: Case) -> dict[str, CaseClock]:
    return {row.kind: row for row in await world.rows(CaseClock, case_id=case.id, round=(await world.case(case.id)).round)}


class TestAcknowledge:
    @pytest.mark.feature("M36")
    async def test_stops_the_first_response_clock_for_good(self, world: World) -> None:
        case = await world.opened(now=ago(minutes=29))
        operator = await world.person("operator")
        async with world.act(operator) as uow:
            await commands.acknowledge(uow, case.id)
        await world.work_off()
        after = await world.case(case.id)
        assert (after.status, after.acknowledged_by, after.breached) == ("acknowledged", operator, False)
        stood = await _clocks(world, case)
        assert stood["first_response"].stopped_at is not None
        assert stood["resolution"].stopped_at is None
        pending = await world.shell.boundary.dispatch("select subject from core.work where tenant_id = $1 and kind = 'clock'", world.tenant)
        assert [row["subject"] for row in pending] == [stood["resolution"].id]

    async def test_twice_says_it_once(self, world: World) -> None:
        case = await world.opened()
        for _ in range(2):
            async with world.act() as uow:
                await commands.acknowledge(uow, case.id)
        assert len(await world.told("case.acknowledged")) == 1

    async def test_of_another_tenants_case_finds_nothing(self, world: World, shell, other_tenant) -> None:  # type: ignore[no-untyped-def]
        case = await world.opened()
        with pytest.raises(NotFound):
            async with shell.unit_of_work(other_tenant, actor="user:x") as uow:
                await commands.acknowledge(uow, case.id)


@pytest.mark.feature("M36")
class TestClocks:
    async def test_warns_then_breaches_and_climbs(self, world: World) -> None:
        case = await world.opened(now=ago(minutes=25))
        await world.work_off()
        assert [event.data["clock"] for event in await world.told("case.warned")] == ["first response"]
        assert await world.told("case.breached") == []
        # Time passes: the same clock, seen seven minutes later.
        clock = (await _clocks(world, case))["first_response"]
        async with world.act("system:clock", now=datetime.now(UTC) + timedelta(minutes=7)) as uow:
            assert await commands.ring(uow, clock.id) == "breached"
        after = await world.case(case.id)
        assert (after.breached, after.escalation) == (True, 1)
        [breached] = await world.told("case.breached")
        assert breached.data["clock"] == "first response"

    async def test_breaches_when_nobody_was_there_for_the_warning(self, world: World) -> None:
        case = await world.opened(now=ago(hours=9))
        await world.work_off()
        assert {event.data["clock"] for event in await world.told("case.breached")} == {"first response", "resolution"}
        assert (await world.case(case.id)).escalation == 2

    async def test_breaches_once_however_often_it_rings(self, world: World) -> None:
        case = await world.opened(now=ago(hours=1))
        await world.work_off()
        clock = (await _clocks(world, case))["first_response"]
        async with world.act("system:clock") as uow:
            assert await commands.ring(uow, clock.id) is None
        assert len(await world.told("case.breached")) == 1

    async def test_rings_for_nothing_that_is_gone(self, world: World) -> None:
        async with world.act("system:clock") as uow:
            assert await commands.ring(uow, new_id()) is None

    async def test_keeps_the_calendar_it_started_on(self, shell, tenant) -> None:  # type: ignore[no-untyped-def]
        world = await World.make(shell, tenant, sla=CONTRACT)
        case = await world.opened()
        assert (await _clocks(world, case))["resolution"].calendar == CONTRACT["calendar"]

    async def test_pauses_and_runs_on_with_what_was_left(self, world: World) -> None:
        start = datetime.now(UTC)
        case = await world.opened(now=start)
        async with world.act(now=start + timedelta(hours=2)) as uow:
            [paused] = await clocks.pause(uow, case.id)
            uow.publish("clock.paused", of=paused)
        assert paused.left_seconds == 6 * 3600
        async with world.act(now=start + timedelta(hours=5)) as uow:
            [running] = await clocks.resume(uow, case.id)
            uow.publish("clock.resumed", of=running)
        assert running.due_at == start + timedelta(hours=11)
        assert running.warn_at == start + timedelta(hours=11) - timedelta(hours=8) / 5


class TestAssign:
    async def test_gives_it_to_a_user_of_the_partner(self, world: World) -> None:
        case, operator = await world.opened(), await world.person("operator")
        async with world.act() as uow:
            await commands.assign(uow, case.id, _id(operator))
        assert (await world.case(case.id)).owner_id == _id(operator)
        [told] = await world.told("case.assigned")
        assert told.changes["owner_id"] == [None, operator.partition(":")[2]]

    async def test_refuses_a_stranger_and_a_customers_user(self, world: World) -> None:
        case, customers = await world.opened(), await world.person("customer_admin", customer=world.customer)
        for wrong in (new_id(), _id(customers)):
            with pytest.raises(UnknownOwner) as refused:
                async with world.act() as uow:
                    await commands.assign(uow, case.id, wrong)
            assert refused.value.errors[0].pointer == "/owner_id"


class TestComment:
    async def test_is_the_partners_own_unless_it_is_meant_for_the_customer(self, world: World) -> None:
        case = await world.opened()
        async with world.act() as uow:
            await commands.comment(uow, case.id, "They always pay late.")
            await commands.comment(uow, case.id, "We are on it.", visible=True)
        async with world.look(customer=world.customer) as uow:
            seen = [row.text for row in (await uow.execute(select(CaseComment).order_by(CaseComment.id))).scalars()]
        assert seen == ["We are on it."]
        inner, outer = await world.told("case.commented")
        assert (inner.customer_id, outer.customer_id) == (None, world.customer)


@pytest.mark.feature("M41")
class TestResolve:
    async def test_needs_a_look_at_the_source_or_a_reason(self, world: World) -> None:
        case = await world.opened()
        with pytest.raises(SourceNotChecked):
            async with world.act() as uow:
                await commands.resolve(uow, case.id, outcome="rerouted", cause="warehouse.late", evidence_call_id=None)
        with pytest.raises(SourceNotChecked):
            async with world.act() as uow:
                await commands.resolve(uow, case.id, outcome="rerouted", cause="warehouse.late", evidence_call_id=new_id())
        assert (await world.case(case.id)).status == "open"

    async def test_takes_a_look_at_the_source_made_for_this_case_since_it_was_opened(self, world: World, database) -> None:  # type: ignore[no-untyped-def]
        case, other = await world.opened(), await world.opened(order="ORD-2")
        good = await world.call(database, case)
        wrong = [
            await world.call(database, other),
            await world.call(database, case, status="failed"),
            await world.call(database, case, has_effect=True),
            await world.call(database, case, started_at=ago(hours=1)),
        ]
        for call in wrong:
            with pytest.raises(SourceNotChecked):
                async with world.act() as uow:
                    await commands.resolve(uow, case.id, outcome="rerouted", cause="warehouse.late", evidence_call_id=call)
        async with world.act("run:1") as uow:
            await commands.resolve(uow, case.id, outcome="rerouted", cause="warehouse.late", evidence_call_id=good)
        after = await world.case(case.id)
        assert (after.status, after.evidence_call_id, after.deviation) == ("resolved", good, None)
        assert await world.told("deviation.recorded") == []

    async def test_by_a_persons_word_is_recorded_as_a_deviation(self, world: World) -> None:
        case = await world.opened()
        await _resolve(world, case)
        after = await world.case(case.id)
        assert (after.status, after.outcome, after.cause, after.deviation) == ("resolved", "rerouted", "warehouse.late", "by phone")
        [deviation] = await world.told("deviation.recorded")
        assert deviation.data["reason"] == "by phone"

    async def test_stops_every_clock(self, world: World) -> None:
        case = await world.opened()
        await _resolve(world, case)
        assert all(clock.stopped_at for clock in (await _clocks(world, case)).values())
        assert not await world.shell.boundary.dispatch("select 1 from core.work where tenant_id = $1 and kind = 'clock'", world.tenant)

    async def test_ends_the_work_until_it_is_reopened(self, world: World) -> None:
        case = await world.opened()
        await _resolve(world, case)
        for verb in (
            commands.acknowledge,
            lambda uow, id: commands.escalate(uow, id, "now"),
            lambda uow, id: commands.assign(uow, id, None),
        ):
            with pytest.raises(CaseAlreadyResolved):
                async with world.act() as uow:
                    await verb(uow, case.id)


@pytest.mark.feature("M41")
class TestReopen:
    async def test_starts_fresh_clocks_and_keeps_what_was_said(self, world: World) -> None:
        case = await world.opened(now=ago(hours=9))
        await world.work_off()
        await _resolve(world, case)
        async with world.act() as uow:
            await commands.reopen(uow, case.id, "It came back.")
        after = await world.case(case.id)
        assert (after.status, after.round, after.outcome, after.breached, after.acknowledged_at) == ("open", 1, None, False, None)
        fresh = await _clocks(world, case)
        assert len(fresh) == 2
        assert all(clock.stopped_at is None and clock.due_at > datetime.now(UTC) for clock in fresh.values())
        assert len(await world.rows(CaseClock, case_id=case.id)) == 4
        [told] = await world.told("case.reopened")
        assert told.data["ended"]["outcome"] == "rerouted"

    async def test_yields_to_a_newer_case_of_the_same_group(self, world: World) -> None:
        old = await world.opened()
        await _resolve(world, old)
        new = await world.opened()
        with pytest.raises(GroupAlreadyOpen) as refused:
            async with world.act() as uow:
                await commands.reopen(uow, old.id, "It came back.")
        assert refused.value.extra == {"case_id": str(new.id)}

    async def test_refuses_unfinished_work(self, world: World) -> None:
        case = await world.opened()
        with pytest.raises(CaseNotResolved):
            async with world.act() as uow:
                await commands.reopen(uow, case.id, "why not")


def _id(actor: str) -> UUID:
    return UUID(actor.partition(":")[2])
