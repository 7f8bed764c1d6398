"""Limits: what is dear needs a second person, whatever price is told; an approval is for one effect."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.cases import approvals, commands, lifting, proposals
from app.cases.models import Approval
from tests.integration.cases.bounded import CHEAP, DEAR, OpenCase, approved, ask
from tests.integration.cases.world import World
from tests.services import Database


@pytest.mark.feature("M118")
class TestApprovalLimit:
    async def test_needs_a_second_person_above_the_boundary(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        refused = await ask(held, DEAR, case=case.id)
        assert (refused.allowed, refused.rule) == (False, "handling/expedite-boundary")
        await approved(held, case, DEAR)
        assert (await ask(held, DEAR, case=case.id)).allowed

    async def test_counts_an_approval_only_for_its_amount_option_and_currency(
        self, held: World, open_case: OpenCase, database: Database
    ) -> None:
        case, _ = await open_case()
        await approved(held, case, DEAR)
        assert not (await ask(held, {**DEAR, "option_id": "helicopter"}, case=case.id)).allowed
        await held.quoted(database, case, ("air", 90001))
        assert not (await ask(held, DEAR, case=case.id)).allowed
        await held.quoted(database, case, ("air", 90000))
        assert (await ask(held, DEAR, case=case.id)).allowed

    async def test_goes_by_the_price_that_was_offered_not_by_the_one_that_is_told(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        for told in ({"amount_minor": 100}, {"amount_minor": None}, {"amount_minor": 100, "currency": "JPY"}):
            assert not (await ask(held, {**DEAR, **told}, case=case.id)).allowed
        await approved(held, case, {**DEAR, "amount_minor": 1})
        [row] = await held.rows(Approval, case_id=case.id)
        assert row.amount_minor == 90000
        assert (await ask(held, {**DEAR, "amount_minor": 1}, case=case.id)).allowed

    async def test_does_not_believe_a_price_nobody_offered(self, held: World, open_case: OpenCase, database: Database) -> None:
        case, _ = await open_case()
        other, _ = await open_case("ORD-2", shipment="SHP-2")
        await held.quoted(database, other, ("balloon", 100), shipment="SHP-2")
        await held.quoted(database, case, ("balloon", 100), shipment="SHP-2")
        balloon = {**CHEAP, "option_id": "balloon"}
        for params, asked_for in ((balloon, case.id), (CHEAP, None), (balloon, None), ({**CHEAP, "option_id": 7}, case.id)):
            verdict = await ask(held, params, case=asked_for)
            assert (verdict.allowed, verdict.rule) == (False, "handling/expedite-boundary"), (params, asked_for)

    async def test_lets_an_option_nobody_offered_pass_by_an_approval_for_that_very_option(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        balloon = {**CHEAP, "option_id": "balloon"}
        await approved(held, case, balloon)
        [row] = await held.rows(Approval, case_id=case.id)
        assert (row.amount_minor, row.subject["option_id"]) == (None, "balloon")
        assert not (await ask(held, {**balloon, "option_id": "kite"}, case=case.id)).allowed
        assert not (await ask(held, DEAR, case=case.id)).allowed
        assert (await ask(held, balloon, case=case.id)).allowed

    async def test_takes_no_approval_for_an_amount_for_an_option_nobody_offered(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        async with held.act("run:1") as uow:
            row = await approvals.request(
                uow, case_id=case.id, kind="expedite", amount_minor=90000, currency="EUR", subject={}, key="any-option",
                expires_at=uow.now + proposals.TIME_TO_DECIDE,
            )  # fmt: skip
        async with held.act(await held.person("approver")) as uow:
            await approvals.decide(uow, row.id, "approved")
        assert not (await ask(held, {**CHEAP, "option_id": "balloon"}, case=case.id)).allowed
        assert (await ask(held, DEAR, case=case.id)).allowed

    async def test_counts_an_approval_only_for_its_case(self, held: World, open_case: OpenCase) -> None:
        first, _ = await open_case("ORD-1", shipment="SHP-1")
        second, _ = await open_case("ORD-2", shipment="SHP-2")
        await approved(held, first, DEAR)
        assert not (await ask(held, {**DEAR, "shipment": "SHP-2"}, case=second.id)).allowed
        assert not (await ask(held, {**DEAR, "shipment": "SHP-2"}, case=first.id)).allowed

    async def test_does_not_count_an_approval_from_before_the_case_was_reopened(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        await approved(held, case, DEAR)
        async with held.act() as uow:
            await commands.resolve(
                uow, case.id, outcome="rerouted", cause="warehouse.late", evidence_call_id=None, override_reason="by phone"
            )
        async with held.act() as uow:
            await commands.reopen(uow, case.id, "It came back.")
        assert not (await ask(held, DEAR, case=case.id)).allowed

    async def test_does_not_count_a_refusal(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        async with held.act(await held.person("operator")) as uow:
            _, [asked] = await proposals.propose(held.shell, uow, case.id, capability="carrier.amend", params=DEAR)
        async with held.act(await held.person("approver")) as uow:
            await approvals.decide(uow, asked.id, "refused")
        assert not (await ask(held, DEAR, case=case.id)).allowed


@pytest.mark.feature("M118")
class TestApproval:
    async def test_lets_one_effect_pass_as_often_as_it_is_tried(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        await approved(held, case, DEAR)
        for _ in range(3):
            assert (await ask(held, DEAR, case=case.id, effect_key="first")).allowed
        [row] = await held.rows(Approval, case_id=case.id)
        assert row.used_by == "first"
        [used] = await held.told("approval.used")
        assert (used.key, used.data["effect_key"], used.data["capability"]) == (f"approval:{row.id}", "first", "carrier.amend")

    async def test_does_not_let_a_second_effect_pass_and_says_so(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        await approved(held, case, DEAR)
        assert (await ask(held, DEAR, case=case.id, effect_key="first")).allowed
        second = await ask(held, DEAR, case=case.id, effect_key="second")
        assert (second.allowed, second.rule) == (False, "handling/expedite-boundary")
        assert second.reason == "Its approval let another effect pass already; an approval is for one."
        await approved(held, case, DEAR)
        assert (await ask(held, DEAR, case=case.id, effect_key="second")).allowed
        assert (await ask(held, DEAR, case=case.id, effect_key="first")).allowed
        assert not (await ask(held, DEAR, case=case.id, effect_key="third")).allowed

    async def test_lets_only_one_of_many_effects_at_once_pass(
        self, held: World, open_case: OpenCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        case, _ = await open_case()
        await approved(held, case, DEAR)
        look = lifting.found

        async def look_slowly(*given: Any) -> list[lifting.Lift]:
            lifts = await look(*given)
            await asyncio.sleep(0.1)  # long enough for the others to look at the same moment, if they could
            return lifts

        monkeypatch.setattr(lifting, "found", look_slowly)
        verdicts = await asyncio.gather(*(ask(held, DEAR, case=case.id, effect_key=f"effect-{number}") for number in range(8)))
        assert [verdict.allowed for verdict in verdicts].count(True) == 1
        assert len(await held.told("approval.used")) == 1

    async def test_is_not_used_up_by_what_needs_none(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        await approved(held, case, DEAR)
        assert (await ask(held, CHEAP, case=case.id, effect_key="cheap")).allowed
        [row] = await held.rows(Approval, case_id=case.id)
        assert row.used_by is None

    async def test_is_free_again_only_when_the_system_refused_its_effect(
        self, held: World, open_case: OpenCase, database: Database
    ) -> None:
        case, _ = await open_case()
        await approved(held, case, DEAR)
        assert (await ask(held, DEAR, case=case.id, effect_key="first")).allowed
        call = await held.call(database, case, capability="carrier.amend", has_effect=True, effect_key="first", status="unknown")
        for status, is_free in (("unknown", False), ("failed", False), ("done", False), ("refused", True)):
            await _became(database, call, status)
            assert (await ask(held, DEAR, case=case.id, effect_key="second")).allowed is is_free, status

    async def test_can_not_be_used_before_it_was_given(self, held: World, open_case: OpenCase, database: Database) -> None:
        case, _ = await open_case()
        async with held.act(await held.person("operator")) as uow:
            _, [asked] = await proposals.propose(held.shell, uow, case.id, capability="carrier.amend", params=DEAR)
        connection = await database.superuser()
        try:
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute("update cases.approval set used_by = 'k', used_at = now() where id = $1", asked.id)
        finally:
            await connection.close()


async def _became(database: Database, call: UUID, status: str) -> None:
    connection = await database.superuser()
    try:
        await connection.execute("update connectors.call set status = $2 where id = $1", call, status)
    finally:
        await connection.close()
