"""The gate: what leaves is judged by the very order it is about, whoever asks, whatever they say."""

from typing import Any

import pytest

from app.cases.models import Case
from app.connectors.commands.invoking import CapabilityNotGranted, invoke, invoke_by_hand
from app.connectors.models import Call
from app.core.gate import GateRefused, Verdict
from app.core.ids import new_id
from tests.integration.cases.bounded import CHEAP, OpenCase, ask
from tests.integration.cases.world import World


@pytest.mark.feature("M31")
class TestComplianceGate:
    async def test_holds_a_regulated_order_until_its_certificate_is_verified(self, held: World, open_case: OpenCase) -> None:
        case, order = await open_case(regulated=True)
        operator = await held.person("operator")
        for actor in ("run:1", operator):
            verdict = await ask(held, CHEAP, case=case.id, actor=actor)
            assert (verdict.allowed, verdict.rule) == (False, "handling/regulated-goods-need-their-certificate")
            assert verdict.remedy == "Upload the certificate."
        await held.certificate(order, "ORD-1")
        assert (await ask(held, CHEAP, case=case.id)).allowed

    async def test_does_not_speak_of_other_goods(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        assert (await ask(held, CHEAP, case=case.id)).allowed

    async def test_is_not_passed_under_another_cases_name(self, held: World, open_case: OpenCase) -> None:
        await open_case("ORD-1", regulated=True, shipment="SHP-1")
        harmless, _ = await open_case("ORD-2", shipment="SHP-2")
        assert (await ask(held, {**CHEAP, "shipment": "SHP-2"}, case=harmless.id)).allowed
        assert not (await ask(held, {**CHEAP, "shipment": "SHP-1"}, case=harmless.id)).allowed
        assert not (await ask(held, {"order": "ORD-1"}, case=harmless.id, capability="erp.amend_order")).allowed
        assert not (await ask(held, {"order": "ord-1"}, case=harmless.id, capability="erp.amend_order")).allowed

    async def test_refuses_what_it_cannot_find_out(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        assert not (await ask(held, {**CHEAP, "shipment": "SHP-404"}, case=case.id)).allowed
        assert not (await ask(held, {**CHEAP, "order": "ORD-404"}, case=case.id)).allowed
        assert not (await ask(held, {"option_id": "road", "amount_minor": 1, "currency": "EUR"})).allowed

    async def test_refuses_parameters_that_name_two_orders(self, held: World, open_case: OpenCase) -> None:
        await open_case("ORD-1", regulated=True, shipment="SHP-1")
        harmless, _ = await open_case("ORD-2", shipment="SHP-2")
        assert not (await ask(held, {**CHEAP, "order": "ORD-2", "shipment": "SHP-1"}, case=harmless.id)).allowed

    async def test_refuses_a_case_that_is_not_there_or_of_another_customer(self, held: World, open_case: OpenCase) -> None:
        other = await World.make(held.shell, held.tenant, slug="boreal")
        case, _ = await open_case()
        assert (await ask(held, CHEAP, case=new_id())).rule == "case"
        assert (await ask(held, CHEAP, case=case.id, customer_id=other.customer)).rule == "case"

    async def test_holds_a_notice_too(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case(regulated=True)
        assert not (await ask(held, {}, case=case.id, capability="notice:reroute-done")).allowed
        assert (await ask(held, {}, case=case.id, capability="notice:sorry")).allowed

    async def test_lets_pass_what_no_rule_speaks_of(self, world: World) -> None:
        assert await ask(world, {"text": "hello"}, capability="crm.add_note") == Verdict(True)


@pytest.mark.feature("M31")
class TestWhereEffectsLeave:
    async def test_workflow_and_person_are_refused_alike_recorded_and_nothing_is_sent(self, held: World, open_case: OpenCase) -> None:
        case, order = await open_case(regulated=True)
        operator = await held.person("operator")
        for reach, actor in ((invoke, "run:1"), (invoke_by_hand, operator)):
            with pytest.raises(GateRefused):
                await reach(held.shell, **_wanted(held, case, actor))
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
