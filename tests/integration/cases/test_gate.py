"""The gate: what leaves is judged by the very order it is about and the approvals given, whoever asks, whatever they say."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.cases import approvals, commands, proposals
from app.cases.approvals import OwnRequest
from app.cases.gate import CaseGate
from app.cases.models import Approval, Case
from app.connectors.commands.invoking import CapabilityNotGranted, invoke, invoke_by_hand
from app.connectors.models import Call
from app.core.gate import GateRefused, GateRequest, Verdict
from app.core.ids import new_id
from tests.integration.cases.world import World
from tests.services import Database

OpenCase = Callable[..., Awaitable[tuple[Case, UUID]]]

POLICY = """
name: handling
title: How effects are bounded
gate:
  - rule: regulated-goods-need-their-certificate
    capability: [carrier.amend, erp.amend_order, "notice:reroute-done"]
    when: order.regulated
    require: '"compliance_certificate" in document.verified'
    reason: Regulated goods stay held until their certificate is verified.
    remedy: Upload the certificate.
limit:
  - rule: expedite-boundary
    capability: [carrier.amend]
    amount: call.amount_minor
    currency: EUR
    above_minor: 50000
    approval: {kind: expedite, role: approver}
    reason: An option above 500.00 EUR needs a second person.
"""
DEAR = {"shipment": "SHP-1", "option_id": "air", "amount_minor": 90000, "currency": "EUR"}
CHEAP = {"shipment": "SHP-1", "option_id": "road", "amount_minor": 20000, "currency": "EUR"}


@pytest.fixture
async def held(world: World) -> World:
    await world.policy(POLICY)
    return world


@pytest.fixture
def open_case(held: World, database: Database) -> OpenCase:
    """Opens a case about an order and its shipment, for which the carrier offered `air` and `road`."""

    async def opened(number: str = "ORD-1", *, regulated: bool = False, shipment: str = "SHP-1") -> tuple[Case, UUID]:
        order = await held.order(number, regulated=regulated, shipment=shipment)
        case = await held.opened(order=number, subjects={"order": str(order)})
        await held.quoted(database, case, ("air", 90000), ("road", 20000), shipment=shipment)
        return case, order

    return opened


async def _ask(
    world: World, params: dict[str, Any], *, case: UUID | None = None, capability: str = "carrier.amend", actor: str = "run:1", **more: Any
) -> Verdict:
    request = {
        "tenant_id": world.tenant,
        "customer_id": world.customer,
        "case_id": case,
        "capability": capability,
        "effect_key": "k",
        "actor": actor,
    }
    return await CaseGate().verdict(world.shell, GateRequest(params=params, **{**request, **more}))


async def _approved(world: World, case: Case, params: dict[str, Any]) -> Approval:
    proposer, approver = await world.person("operator"), await world.person("approver")
    async with world.act(proposer) as uow:
        _, [asked] = await proposals.propose(world.shell, uow, case.id, capability="carrier.amend", params=params)
    async with world.act(approver) as uow:
        return await approvals.decide(uow, asked.id, "approved")


@pytest.mark.feature("M31")
class TestComplianceGate:
    async def test_holds_a_regulated_order_until_its_certificate_is_verified(self, held: World, open_case: OpenCase) -> None:
        case, order = await open_case(regulated=True)
        operator = await held.person("operator")
        for actor in ("run:1", operator):
            verdict = await _ask(held, CHEAP, case=case.id, actor=actor)
            assert (verdict.allowed, verdict.rule) == (False, "handling/regulated-goods-need-their-certificate")
            assert verdict.remedy == "Upload the certificate."
        await held.certificate(order, "ORD-1")
        assert (await _ask(held, CHEAP, case=case.id)).allowed

    async def test_does_not_speak_of_other_goods(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        assert (await _ask(held, CHEAP, case=case.id)).allowed

    async def test_is_not_passed_under_another_cases_name(self, held: World, open_case: OpenCase) -> None:
        await open_case("ORD-1", regulated=True, shipment="SHP-1")
        harmless, _ = await open_case("ORD-2", shipment="SHP-2")
        assert (await _ask(held, {**CHEAP, "shipment": "SHP-2"}, case=harmless.id)).allowed
        assert not (await _ask(held, {**CHEAP, "shipment": "SHP-1"}, case=harmless.id)).allowed
        assert not (await _ask(held, {"order": "ORD-1"}, case=harmless.id, capability="erp.amend_order")).allowed
        assert not (await _ask(held, {"order": "ord-1"}, case=harmless.id, capability="erp.amend_order")).allowed

    async def test_refuses_what_it_cannot_find_out(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        assert not (await _ask(held, {**CHEAP, "shipment": "SHP-404"}, case=case.id)).allowed
        assert not (await _ask(held, {**CHEAP, "order": "ORD-404"}, case=case.id)).allowed
        assert not (await _ask(held, {"option_id": "road", "amount_minor": 1, "currency": "EUR"})).allowed

    async def test_refuses_parameters_that_name_two_orders(self, held: World, open_case: OpenCase) -> None:
        await open_case("ORD-1", regulated=True, shipment="SHP-1")
        harmless, _ = await open_case("ORD-2", shipment="SHP-2")
        assert not (await _ask(held, {**CHEAP, "order": "ORD-2", "shipment": "SHP-1"}, case=harmless.id)).allowed

    async def test_refuses_a_case_that_is_not_there_or_of_another_customer(self, held: World, open_case: OpenCase) -> None:
        other = await World.make(held.shell, held.tenant, slug="boreal")
        case, _ = await open_case()
        assert (await _ask(held, CHEAP, case=new_id())).rule == "case"
        assert (await _ask(held, CHEAP, case=case.id, customer_id=other.customer)).rule == "case"

    async def test_holds_a_notice_too(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case(regulated=True)
        assert not (await _ask(held, {}, case=case.id, capability="notice:reroute-done")).allowed
        assert (await _ask(held, {}, case=case.id, capability="notice:sorry")).allowed

    async def test_lets_pass_what_no_rule_speaks_of(self, world: World) -> None:
        assert await _ask(world, {"text": "hello"}, capability="crm.add_note") == Verdict(True)


@pytest.mark.feature("M31")
class TestWhereEffectsLeave:
    async def test_workflow_and_person_are_refused_alike_recorded_and_nothing_is_sent(self, held: World, open_case: OpenCase) -> None:
        case, order = await open_case(regulated=True)
        operator = await held.person("operator")
        for ask, actor in ((invoke, "run:1"), (invoke_by_hand, operator)):
            with pytest.raises(GateRefused):
                await ask(held.shell, **_wanted(held, case, actor))
        denied = await held.told("access.denied")
        assert [(event.actor, event.key, event.data["rule"]) for event in denied] == [
            (actor, f"case:{case.id}", "handling/regulated-goods-need-their-certificate") for actor in ("run:1", operator)
        ]
        assert await held.rows(Call, has_effect=True) == []
        await held.work_off()
        assert [line.type for line in await held.timeline(case.id)].count("access.denied") == 2

        await held.certificate(order, "ORD-1")
        # Past the gate now; that nobody is connected is the next thing it meets.
        with pytest.raises(CapabilityNotGranted):
            await invoke(held.shell, **_wanted(held, case, "run:1"))


def _wanted(world: World, case: Case, actor: str) -> dict[str, Any]:
    return {
        "tenant": world.tenant, "actor": actor, "customer_id": world.customer, "case_id": case.id, "capability": "carrier.amend",
        "params": CHEAP, "effect_key": f"effect-of-{actor}",
    }  # fmt: skip


@pytest.mark.feature("M118")
class TestApprovalLimit:
    async def test_needs_a_second_person_above_the_boundary(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        refused = await _ask(held, DEAR, case=case.id)
        assert (refused.allowed, refused.rule) == (False, "handling/expedite-boundary")
        await _approved(held, case, DEAR)
        assert (await _ask(held, DEAR, case=case.id)).allowed

    async def test_counts_an_approval_only_for_its_amount_option_and_currency(
        self, held: World, open_case: OpenCase, database: Database
    ) -> None:
        case, _ = await open_case()
        await _approved(held, case, DEAR)
        assert not (await _ask(held, {**DEAR, "option_id": "helicopter"}, case=case.id)).allowed
        await held.quoted(database, case, ("air", 90001))
        assert not (await _ask(held, DEAR, case=case.id)).allowed
        await held.quoted(database, case, ("air", 90000))
        assert (await _ask(held, DEAR, case=case.id)).allowed

    async def test_goes_by_the_price_that_was_offered_not_by_the_one_that_is_told(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        for told in ({"amount_minor": 100}, {"amount_minor": None}, {"amount_minor": 100, "currency": "JPY"}):
            assert not (await _ask(held, {**DEAR, **told}, case=case.id)).allowed
        await _approved(held, case, {**DEAR, "amount_minor": 1})
        [row] = await held.rows(Approval, case_id=case.id)
        assert row.amount_minor == 90000
        assert (await _ask(held, {**DEAR, "amount_minor": 1}, case=case.id)).allowed

    async def test_does_not_believe_a_price_nobody_offered(self, held: World, open_case: OpenCase, database: Database) -> None:
        case, _ = await open_case()
        other, _ = await open_case("ORD-2", shipment="SHP-2")
        await held.quoted(database, other, ("balloon", 100), shipment="SHP-2")
        await held.quoted(database, case, ("balloon", 100), shipment="SHP-2")
        balloon = {**CHEAP, "option_id": "balloon"}
        for params, asked_for in ((balloon, case.id), (CHEAP, None), (balloon, None), ({**CHEAP, "option_id": 7}, case.id)):
            verdict = await _ask(held, params, case=asked_for)
            assert (verdict.allowed, verdict.rule) == (False, "handling/expedite-boundary"), (params, asked_for)

    async def test_lets_an_option_nobody_offered_pass_by_an_approval_for_that_very_option(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        balloon = {**CHEAP, "option_id": "balloon"}
        await _approved(held, case, balloon)
        [row] = await held.rows(Approval, case_id=case.id)
        assert (row.amount_minor, row.subject["option_id"]) == (None, "balloon")
        assert not (await _ask(held, {**balloon, "option_id": "kite"}, case=case.id)).allowed
        assert not (await _ask(held, DEAR, case=case.id)).allowed
        assert (await _ask(held, balloon, case=case.id)).allowed

    async def test_takes_no_approval_for_an_amount_for_an_option_nobody_offered(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        async with held.act("run:1") as uow:
            row = await approvals.request(
                uow, case_id=case.id, kind="expedite", amount_minor=90000, currency="EUR", subject={}, key="any-option",
                expires_at=uow.now + proposals.TIME_TO_DECIDE,
            )  # fmt: skip
        async with held.act(await held.person("approver")) as uow:
            await approvals.decide(uow, row.id, "approved")
        assert not (await _ask(held, {**CHEAP, "option_id": "balloon"}, case=case.id)).allowed
        assert (await _ask(held, DEAR, case=case.id)).allowed

    async def test_counts_an_approval_only_for_its_case(self, held: World, open_case: OpenCase) -> None:
        first, _ = await open_case("ORD-1", shipment="SHP-1")
        second, _ = await open_case("ORD-2", shipment="SHP-2")
        await _approved(held, first, DEAR)
        assert not (await _ask(held, {**DEAR, "shipment": "SHP-2"}, case=second.id)).allowed
        assert not (await _ask(held, {**DEAR, "shipment": "SHP-2"}, case=first.id)).allowed

    async def test_does_not_count_an_approval_from_before_the_case_was_reopened(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        await _approved(held, case, DEAR)
        async with held.act() as uow:
            await commands.resolve(
                uow, case.id, outcome="rerouted", cause="warehouse.late", evidence_call_id=None, override_reason="by phone"
            )
        async with held.act() as uow:
            await commands.reopen(uow, case.id, "It came back.")
        assert not (await _ask(held, DEAR, case=case.id)).allowed

    async def test_does_not_count_a_refusal(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        async with held.act(await held.person("operator")) as uow:
            _, [asked] = await proposals.propose(held.shell, uow, case.id, capability="carrier.amend", params=DEAR)
        async with held.act(await held.person("approver")) as uow:
            await approvals.decide(uow, asked.id, "refused")
        assert not (await _ask(held, DEAR, case=case.id)).allowed


@pytest.mark.feature("M118")
class TestApproval:
    async def test_lets_one_effect_pass_as_often_as_it_is_tried(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        await _approved(held, case, DEAR)
        for _ in range(3):
            assert (await _ask(held, DEAR, case=case.id, effect_key="first")).allowed
        [row] = await held.rows(Approval, case_id=case.id)
        assert row.used_by == "first"
        [used] = await held.told("approval.used")
        assert (used.key, used.data["effect_key"], used.data["capability"]) == (f"approval:{row.id}", "first", "carrier.amend")

    async def test_does_not_let_a_second_effect_pass_and_says_so(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        await _approved(held, case, DEAR)
        assert (await _ask(held, DEAR, case=case.id, effect_key="first")).allowed
        second = await _ask(held, DEAR, case=case.id, effect_key="second")
        assert (second.allowed, second.rule) == (False, "handling/expedite-boundary")
        assert second.reason == "Its approval let another effect pass already; an approval is for one."
        await _approved(held, case, DEAR)
        assert (await _ask(held, DEAR, case=case.id, effect_key="second")).allowed
        assert (await _ask(held, DEAR, case=case.id, effect_key="first")).allowed
        assert not (await _ask(held, DEAR, case=case.id, effect_key="third")).allowed

    async def test_lets_only_one_of_many_effects_at_once_pass(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        await _approved(held, case, DEAR)
        verdicts = await asyncio.gather(*(_ask(held, DEAR, case=case.id, effect_key=f"effect-{number}") for number in range(8)))
        assert [verdict.allowed for verdict in verdicts].count(True) == 1
        assert len(await held.told("approval.used")) == 1

    async def test_is_not_used_up_by_what_needs_none(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        await _approved(held, case, DEAR)
        assert (await _ask(held, CHEAP, case=case.id, effect_key="cheap")).allowed
        [row] = await held.rows(Approval, case_id=case.id)
        assert row.used_by is None

    async def test_is_free_again_only_when_the_system_refused_its_effect(
        self, held: World, open_case: OpenCase, database: Database
    ) -> None:
        case, _ = await open_case()
        await _approved(held, case, DEAR)
        assert (await _ask(held, DEAR, case=case.id, effect_key="first")).allowed
        call = await held.call(database, case, capability="carrier.amend", has_effect=True, effect_key="first", status="unknown")
        for status, is_free in (("unknown", False), ("failed", False), ("done", False), ("refused", True)):
            await _became(database, call, status)
            assert (await _ask(held, DEAR, case=case.id, effect_key="second")).allowed is is_free, status

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


@pytest.mark.feature("M118")
class TestPropose:
    async def test_asks_for_an_approval_only_above_the_boundary(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        operator = await held.person("operator")
        for params, asked in ((CHEAP, 0), (DEAR, 1)):
            async with held.act(operator) as uow:
                _, found = await proposals.propose(held.shell, uow, case.id, capability="carrier.amend", params=params)
            assert len(found) == asked
        cheap, dear = await held.told("case.proposed")
        assert cheap.data["approval_id"] is None
        [row] = await held.rows(Approval, case_id=case.id)
        assert dear.data["approval_id"] == str(row.id)
        assert (row.amount_minor, row.requested_by, row.role, row.kind) == (90000, operator, "approver", "expedite")

    async def test_acknowledges_the_case(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        async with held.act(await held.person("operator")) as uow:
            await proposals.propose(held.shell, uow, case.id, capability="carrier.amend", params=CHEAP)
        assert (await held.case(case.id)).status == "acknowledged"

    async def test_makes_the_proposer_the_asker_of_what_a_workflow_asks_for(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        both = await held.person("approver")
        async with held.act(both) as uow:
            await proposals.propose(held.shell, uow, case.id, capability="carrier.amend", params=DEAR)
        async with held.act("run:1") as uow:
            row = await approvals.request(
                uow, case_id=case.id, kind="expedite", amount_minor=90000, currency="EUR", subject={"option_id": "air"}, key="effect-1",
                expires_at=uow.now + proposals.TIME_TO_DECIDE,
            )  # fmt: skip
        with pytest.raises(OwnRequest):
            async with held.act(both) as uow:
                await approvals.decide(uow, row.id, "approved")

    async def test_makes_the_proposer_an_asker_though_the_workflow_names_another(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        both, stranger = await held.person("approver"), await held.person("operator")
        async with held.act(both) as uow:
            await proposals.propose(held.shell, uow, case.id, capability="carrier.amend", params=DEAR)
        for number, asker in enumerate((stranger, "user:nobody", "run:1")):
            async with held.act("run:1") as uow:
                row = await approvals.request(
                    uow, case_id=case.id, kind="expedite", amount_minor=90000, currency="EUR", subject={"option": {"id": "air"}}, key=f"effect-{number}",
                    expires_at=uow.now + proposals.TIME_TO_DECIDE, requested_by=asker,
                )  # fmt: skip
            with pytest.raises(OwnRequest):
                async with held.act(both) as uow:
                    await approvals.decide(uow, row.id, "approved")
