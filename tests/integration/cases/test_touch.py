"""Whether anybody laid hands on a case: said when it ends, counted by the meter."""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.cases import approvals, commands, offers, proposals
from app.core.uow import UnitOfWork
from tests.integration.cases.world import World
from tests.services import Database

pytestmark = pytest.mark.feature("M88", "M150")
Command = Callable[[UnitOfWork, UUID], Awaitable[object]]
COMMANDS: dict[str, Command] = {
    "acknowledge": commands.acknowledge,
    "assign": lambda uow, case: commands.assign(uow, case, UUID(uow.actor.partition(":")[2])),
    "comment": lambda uow, case: commands.comment(uow, case, "Called the warehouse."),
    "escalate": lambda uow, case: commands.escalate(uow, case, "Nobody answers."),
}


async def _end(world: World, case_id: UUID, actor: str = "run:1") -> None:
    async with world.act(actor) as uow:
        await commands.resolve(
            uow, case_id, outcome="rerouted", cause="warehouse.late", evidence_call_id=None, override_reason="told by phone"
        )


async def _touched(world: World, case_id: UUID) -> bool:
    """What the latest end of the case says."""
    told = [event for event in await world.told("case.resolved") if event.data["case_id"] == str(case_id)]
    said: bool = told[-1].data["touched"]
    return said


class TestTouch:
    async def test_is_none_when_runs_clocks_and_policies_did_it_all(self, world: World) -> None:
        case = await world.opened()
        for actor in ("run:1", "system:clock"):
            async with world.act(actor) as uow:
                await commands.acknowledge(uow, case.id)
                await commands.comment(uow, case.id, "The carrier was asked.")
                await commands.escalate(uow, case.id, "The clock was breached.")
        await _end(world, case.id)
        assert await _touched(world, case.id) is False

    @pytest.mark.parametrize("name", COMMANDS)
    async def test_is_every_command_of_a_person(self, world: World, name: str) -> None:
        case, person = await world.opened(), await world.person("operator")
        async with world.act(person) as uow:
            await COMMANDS[name](uow, case.id)
        await _end(world, case.id)
        assert await _touched(world, case.id) is True

    async def test_is_a_proposal_though_a_run_acknowledged_first(self, world: World) -> None:
        case, person = await world.opened(), await world.person("operator")
        async with world.act("run:1") as uow:
            await commands.acknowledge(uow, case.id)
        async with world.act(person) as uow:
            await proposals.propose(world.shell, uow, case.id, capability="carrier.amend", params={"shipment": "SHP-1", "option_id": "air"})
        await _end(world, case.id)
        assert await _touched(world, case.id) is True

    @pytest.mark.parametrize("actor", ["user:1", "key:1"])
    async def test_is_the_end_itself(self, world: World, actor: str) -> None:
        case = await world.opened()
        await _end(world, case.id, actor)
        assert await _touched(world, case.id) is True

    async def test_stays_after_a_reopening(self, world: World) -> None:
        case, person = await world.opened(), await world.person("operator")
        await _end(world, case.id)
        async with world.act(person) as uow:
            await commands.reopen(uow, case.id, "It came back.")
        await _end(world, case.id)
        assert await _touched(world, case.id) is True

    @pytest.mark.parametrize(("actor", "said"), [("user:1", True), ("key:1", True), ("run:1", False)])
    async def test_is_a_system_asked_by_hand(self, world: World, database: Database, actor: str, said: bool) -> None:
        case = await world.opened()
        await world.call(database, case, actor=actor)
        await _end(world, case.id)
        assert await _touched(world, case.id) is said

    async def test_is_not_an_answer_the_case_waited_for(self, world: World) -> None:
        case = await world.opened()
        approver, buyer = await world.person("approver"), await world.person("customer_user", customer=world.customer)
        async with world.act("run:1") as uow:
            until = uow.now + proposals.TIME_TO_DECIDE
            asked = await approvals.request(
                uow, case_id=case.id, kind="expedite", amount_minor=1, currency="EUR", subject={}, key="a", expires_at=until
            )
            options = [{"id": "air", "label": "Air"}]
            offer = await offers.make(uow, case_id=case.id, to={}, options=options, default=None, key="o", expires_at=until)
        async with world.act(approver) as uow:
            await approvals.decide(uow, asked.id, "approved")
        async with world.act(buyer, customer=world.customer) as uow:
            await offers.answer(uow, offer.id, "air")
        await _end(world, case.id)
        assert await _touched(world, case.id) is False

    async def test_is_left_out_of_the_meter_of_untouched_cases(self, world: World) -> None:
        alone, touched = await world.opened(order="ORD-1"), await world.opened(order=f"ORD-{uuid4()}")
        await _end(world, alone.id)
        await _end(world, touched.id, "user:1")
        await world.work_off()
        async with world.look() as uow:
            counted = text(
                "select meter, sum(quantity)::bigint from metering.usage_record where meter like 'cases_resolved%' group by meter"
            )
            assert dict((await uow.session.execute(counted)).all()) == {"cases_resolved": 2, "cases_resolved_without_touch": 1}
