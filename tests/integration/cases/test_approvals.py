"""A second person's word: never the asker's, only the right role's, once, in time."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.cases import approvals, commands
from app.cases.approvals import ApprovalDecided, ApprovalExpired, OwnRequest, RoleNeeded
from app.cases.models import Approval, Case
from app.cases.status import CaseAlreadyResolved
from app.core.errors import Invalid
from app.core.ids import new_id
from tenants.models import ApiKey
from tests.integration.cases.world import World, ago

pytestmark = pytest.mark.feature("M118")


async def _ask(world: World, case: Case, by: str, **changes: Any) -> Approval:
    given = {
        "case_id": case.id, "kind": "expedite", "amount_minor": 90000, "currency": "EUR", "subject": {"option_id": "air"}, "key": str(new_id()),
        "expires_at": datetime.now(UTC) + timedelta(hours=1),
    }  # fmt: skip
    async with world.act(by) as uow:
        return await approvals.request(uow, **{**given, **changes})


async def _decide(world: World, row: Approval, by: str, outcome: approvals.Outcome = "approved") -> Approval:
    async with world.act(by) as uow:
        return await approvals.decide(uow, row.id, outcome, "fine")


async def _key(world: World, made_by: str, *, successor: str | None = None) -> str:
    async with world.act(made_by) as uow:
        row = uow.add(
            ApiKey(
                public_id=new_id().hex, shown="dk", secret_hash=b"", name="key", scope="partner", roles=["approver"], addresses=[], created_at=uow.now,
                created_by=made_by,
            )
        )  # fmt: skip
        uow.publish("key.created", of=row)
        if successor:
            await uow.session.flush()
            old = await uow.get(ApiKey, UUID(successor.partition(":")[2]))
            old.successor_id = row.id
            uow.publish("key.rotated", of=old)
    return f"key:{row.id}"


class TestDecide:
    async def test_by_a_second_person_with_the_role_holds(self, world: World) -> None:
        case, operator, approver = await world.opened(), await world.person("operator"), await world.person("approver")
        row = await _ask(world, case, operator)
        decided = await _decide(world, row, approver)
        assert (decided.status, decided.decided_by, decided.note) == ("approved", approver, "fine")
        [told] = await world.told("approval.decided")
        assert told.key == f"approval:{row.id}"
        assert (told.data["outcome"], told.data["case_id"], told.data["subject"]) == ("approved", str(case.id), {"option_id": "air"})

    async def test_is_never_for_whoever_asked_though_an_approver(self, world: World) -> None:
        case, approver = await world.opened(), await world.person("approver")
        row = await _ask(world, case, approver)
        with pytest.raises(OwnRequest):
            await _decide(world, row, approver)

    async def test_is_never_for_a_key_of_whoever_asked(self, world: World) -> None:
        case, approver = await world.opened(), await world.person("approver")
        row = await _ask(world, case, approver)
        hand = await _key(world, approver)
        hand_of_hand = await _key(world, hand)
        for key in (hand, hand_of_hand):
            with pytest.raises(OwnRequest):
                await _decide(world, row, key)

    async def test_is_never_for_whoever_asked_through_a_key(self, world: World) -> None:
        case, approver = await world.opened(), await world.person("approver")
        row = await _ask(world, case, await _key(world, approver))
        with pytest.raises(OwnRequest):
            await _decide(world, row, approver)

    async def test_is_never_for_the_successor_of_the_key_that_asked(self, world: World) -> None:
        case, admin = await world.opened(), await world.person("partner_admin")
        asking = await _key(world, "system:provisioning")
        row = await _ask(world, case, asking)
        rotated = await _key(world, admin, successor=asking)
        with pytest.raises(OwnRequest):
            await _decide(world, row, rotated)

    async def test_by_another_machines_key_with_the_role_holds(self, world: World) -> None:
        case, one, other = await world.opened(), await _key(world, "system:provisioning"), await _key(world, "system:provisioning")
        row = await _ask(world, case, one)
        assert (await _decide(world, row, other)).status == "approved"

    async def test_needs_the_role_the_limit_names(self, world: World) -> None:
        case, operator = await world.opened(), await world.person("operator")
        elsewhere = await World.make(world.shell, world.tenant, slug="boreal")
        approver_elsewhere = await world.person("approver", customer=elsewhere.customer)
        row = await _ask(world, case, "run:1")
        for stranger in (operator, approver_elsewhere):
            with pytest.raises(RoleNeeded) as refused:
                await _decide(world, row, stranger)
            assert refused.value.extra == {"role": "approver"}

    async def test_is_once(self, world: World) -> None:
        case, approver = await world.opened(), await world.person("approver")
        row = await _ask(world, case, "run:1")
        await _decide(world, row, approver, "refused")
        with pytest.raises(ApprovalDecided):
            await _decide(world, row, approver)

    async def test_is_in_time_even_when_nobody_ended_it_yet(self, world: World) -> None:
        case, approver = await world.opened(), await world.person("approver")
        row = await _ask(world, case, "run:1")
        with pytest.raises(ApprovalExpired):
            async with world.act(approver, now=datetime.now(UTC) + timedelta(hours=2)) as uow:
                await approvals.decide(uow, row.id, "approved")

    async def test_is_over_with_the_case(self, world: World) -> None:
        case, approver = await world.opened(), await world.person("approver")
        row = await _ask(world, case, "run:1")
        async with world.act() as uow:
            await commands.resolve(
                uow, case.id, outcome="rerouted", cause="warehouse.late", evidence_call_id=None, override_reason="by phone"
            )
        with pytest.raises(CaseAlreadyResolved):
            await _decide(world, row, approver)

    async def test_by_one_pair_of_eyes_is_refused_by_the_database_too(self, world: World, database) -> None:  # type: ignore[no-untyped-def]
        case, approver = await world.opened(), await world.person("approver")
        row = await _ask(world, case, approver)
        connection = await database.superuser()
        try:
            with pytest.raises(Exception, match="approval_four_eyes"):
                await connection.execute("update cases.approval set status = 'approved', decided_by = $1 where id = $2", approver, row.id)
        finally:
            await connection.close()


class TestRequest:
    async def test_with_the_same_key_is_the_first_one(self, world: World) -> None:
        case = await world.opened()
        first = await _ask(world, case, "run:1", key="effect-1")
        assert (await _ask(world, case, "run:1", key="effect-1")).id == first.id
        assert len(await world.told("approval.requested")) == 1

    @pytest.mark.parametrize("changes", [{"amount_minor": -1}, {"currency": None}, {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}])
    async def test_refuses_what_makes_no_sense(self, world: World, changes: dict[str, Any]) -> None:
        case = await world.opened()
        with pytest.raises(Invalid):
            await _ask(world, case, "run:1", **changes)


class TestExpire:
    async def test_ends_what_nobody_decided(self, world: World) -> None:
        case = await world.opened()
        async with world.act("run:1", now=ago(hours=2)) as uow:
            row = await approvals.request(
                uow, case_id=case.id, kind="expedite", amount_minor=1, currency="EUR", subject={}, key="late", expires_at=ago(hours=1)
            )
        await world.work_off()
        [kept_row] = await world.rows(Approval, id=row.id)
        assert kept_row.status == "expired"
        [told] = await world.told("approval.expired")
        assert (told.key, told.data["outcome"]) == (f"approval:{row.id}", "expired")
        with pytest.raises(ApprovalExpired):
            await _decide(world, row, await world.person("approver"))
