"""Asking real (simulated) systems on the real database: each effect once, whatever happens on the way."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from app.connectors.capabilities import CapabilityUnknown, ParamsInvalid
from app.connectors.commands import create_connection, disable, rotate
from app.connectors.commands.invoking import CapabilityNotGranted, EffectKeyReused
from app.connectors.commands.recording import CallTakenOver
from app.core.gate import GateRefused, GateRequest, Verdict
from app.core.ids import new_id
from app.core.services import Shell
from tests.integration.connectors.conftest import Customer, World, make_customer, wanted

AMEND = {"shipment": "S-A1", "option_id": "ROAD-EXP", "reference": "A1"}


def closed(shell: Shell) -> Shell:
    """The same shell behind a gate that lets nothing pass."""
    return shell.but(gate=ClosedGate())


class ClosedGate:
    async def verdict(self, shell: Shell, request: GateRequest) -> Verdict:
        return Verdict(False, "The certificate is missing.", "regulated", "Upload it.")


@pytest.mark.feature("M46", "M59")
class TestInvoke:
    async def test_every_capability_of_the_story_answers_in_its_form(self, customer: Customer, world: World):
        await world.order("A1")
        asked = {
            "crm.customer_tier": {"account": "ACME-01"},
            "erp.inventory_alternatives": {"order": "A1"},
            "carrier.expedite_options": {"shipment": "S-A1"},
            "carrier.amend": AMEND,
            "erp.amend_order": {"order": "A1", "promised_at": "2026-11-24T10:00:00+01:00", "option_id": "ROAD-EXP"},
            "desk.open_case": {"subject": "Late", "text": "Rerouted", "priority": "P1"},
            "crm.add_note": {"account": "ACME-01", "subject": "Late", "text": "Rerouted"},
            "wms.order_status": {"order": "A1"},
        }
        answers = {name: await customer.ask(name, params) for name, params in asked.items()}
        assert {name: a.status for name, a in answers.items()} == dict.fromkeys(asked, "done")
        assert answers["crm.customer_tier"].response["tier"] == "platinum"
        assert answers["wms.order_status"].response["status"] == "rerouted"
        assert len(answers["carrier.expedite_options"].response) == 3
        assert len(await customer.events("call.succeeded")) == 8 and len(await customer.events("call.started")) == 4

    async def test_records_authentication_schema_rate_retry_and_mediation_of_each_call(self, customer: Customer, world: World):
        await world.order("A1")
        await world.fault("throttle", "carrier", operation="expedite_options", times=1)
        outcome = await customer.ask("carrier.expedite_options", {"shipment": "S-A1"})
        [call] = await customer.rows("select * from connectors.call")
        assert call["id"] == outcome.call_id and call["attempts"] == 2
        assert call["mediation"]["auth"] == {"kind": "oauth2_client_credentials", "token": "fetched"}
        assert call["mediation"]["schema"] == {"params": "fits", "response": "fits"}
        assert call["mediation"]["rate"] == {"waited_ms": 0}
        assert [r["cause"] for r in call["mediation"]["retry"]["for"]] == ["429"]
        assert call["mediation"]["protocol"]["operation"] == "expedite_options"
        assert call["request"]["method"] == "POST" and call["answer"]["status"] == 200
        again = await customer.ask("carrier.expedite_options", {"shipment": "S-A1"})
        kept = await customer.rows("select mediation from connectors.call where id = :v0", again.call_id)
        assert kept[0]["mediation"]["auth"]["token"] == "kept"

    async def test_refuses_params_that_do_not_fit_before_anything_happens(self, customer: Customer):
        with pytest.raises(ParamsInvalid) as refused:
            await customer.ask("carrier.amend", {"shipment": "S", "option": "x"})
        assert {e.pointer for e in refused.value.errors} == {"/params/option", "/params/option_id"}
        with pytest.raises(CapabilityUnknown):
            await customer.ask("carrier.teleport", {})
        assert await customer.rows("select 1 from connectors.call") == []

    async def test_a_refusal_of_the_system_is_final_under_its_key(self, customer: Customer, world: World):
        outcome = await customer.ask("carrier.amend", {**AMEND, "shipment": "S-nowhere"}, "k1")
        assert outcome.status == "refused" and outcome.error["status"] == 404 and outcome.error["retryable"] is False
        assert (await customer.ask("carrier.amend", {**AMEND, "shipment": "S-nowhere"}, "k1")).call_id == outcome.call_id
        assert len(await world.ledger(operation="amend", key="k1")) == 1

    async def test_a_wrong_secret_is_refused_and_said(self, customer: Customer, world: World):
        [row] = await customer.rows("select id from connectors.connection where name = 'our-crm'")
        async with customer.shell.unit_of_work(customer.tenant, actor="user:test") as uow:
            await rotate(uow, customer.shell.vault, row["id"], "stale")
        outcome = await customer.ask("crm.customer_tier", {"account": "ACME-01"})
        assert outcome.status == "refused" and outcome.error["cause"] == "401"


@pytest.mark.feature("M60", "M61", "M143")
class TestOneEffect:
    async def test_asking_twice_with_one_key_does_it_once(self, customer: Customer, world: World):
        await world.order("A1")
        key = new_id().hex
        first = await customer.ask("carrier.amend", AMEND, key)
        second = await customer.ask("carrier.amend", AMEND, key)
        assert second.response == first.response and second.call_id == first.call_id
        assert len(await world.ledger(operation="amend", key=key)) == 1
        with pytest.raises(EffectKeyReused):
            await customer.ask("carrier.amend", {**AMEND, "option_id": "AIR-NFO"}, key)

    async def test_asking_twice_at_once_does_it_once(self, customer: Customer, world: World):
        await world.order("A1")
        key = new_id().hex
        outcomes = await asyncio.gather(*(customer.ask("carrier.amend", AMEND, key) for _ in range(4)), return_exceptions=True)
        assert any(getattr(o, "status", None) == "done" for o in outcomes)
        assert await world.effects(key) == 1

    async def test_a_lost_answer_is_asked_for_and_found(self, customer: Customer, world: World):
        await world.order("A1")
        await world.fault("reset_after", "carrier", operation="amend", times=1)
        key = new_id().hex
        outcome = await customer.ask("carrier.amend", AMEND, key)
        assert outcome.status == "done" and outcome.response["booking"] == "BK-S-A1"
        lines = await world.ledger(system="carrier")
        assert [line["operation"] for line in lines if line["key"] == key or line["path"].endswith(key)] == ["amend", "find_request"]
        assert await world.effects(key) == 1

    async def test_a_reset_before_the_effect_is_asked_for_and_then_done_again(self, customer: Customer, world: World):
        await world.order("A1")
        await world.fault("down", "carrier", operation="amend", times=1)
        key = new_id().hex
        assert (await customer.ask("carrier.amend", AMEND, key)).status == "done"
        assert await world.effects(key) == 1

    async def test_a_broken_answer_proves_nothing_and_is_asked_for(self, customer: Customer, world: World):
        await world.order("A1")
        await world.fault("error", "erp", operation="amend_order", times=1)
        key = new_id().hex
        params = {"order": "A1", "promised_at": "2026-11-24T10:00:00+01:00"}
        assert (await customer.ask("erp.amend_order", params, key)).status == "done"
        assert [line["operation"] for line in await world.ledger(system="erp")][-3:] == ["amend_order", "find_amendment", "amend_order"]
        assert await world.effects(key) == 1

    async def test_a_dripping_answer_ends_at_the_time_out_and_is_asked_for(self, customer: Customer, world: World):
        await world.order("A1")
        await world.fault("drip", "crm", operation="add_note", times=1, delay=20)
        key = new_id().hex
        outcome = await customer.ask("crm.add_note", {"account": "ACME-01", "subject": "a", "text": "b"}, key)
        assert outcome.status == "done" and await world.effects(key) == 1

    async def test_what_nobody_knows_stays_unknown_until_the_work_finds_out(
        self, customer: Customer, world: World, settle, superuser: asyncpg.Connection
    ):
        await world.order("A1")
        key = new_id().hex
        await world.fault("reset_after", "carrier", operation="amend", times=1)
        await world.fault("down", "carrier", operation="find_request", times=1)
        outcome = await customer.ask("carrier.amend", AMEND, key)
        assert outcome.status == "unknown" and outcome.error["cause"] == "reset"
        assert [e["data"]["status"] for e in await customer.events("call.unknown")] == ["unknown"]
        await _make_due(superuser, customer.tenant)
        await settle(customer.tenant)
        [call] = await customer.rows("select status, response from connectors.call where effect_key = :v0", key)
        assert call["status"] == "done" and call["response"]["booking"] == "BK-S-A1"
        assert (await customer.events("call.succeeded"))[-1]["key"] == f"call:{outcome.call_id}"
        assert await world.effects(key) == 1

    async def test_asking_again_about_an_unknown_effect_asks_the_system_first(self, customer: Customer, world: World):
        await world.order("A1")
        key = new_id().hex
        await world.fault("down", "carrier")
        assert (await customer.ask("carrier.amend", AMEND, key)).status == "failed"  # the token address was down: nothing left
        await world.heal()
        await world.fault("down", "carrier", operation="amend", times=1)
        await world.fault("down", "carrier", operation="find_request", times=1)
        assert (await customer.ask("carrier.amend", AMEND, key)).status == "unknown"
        assert (await customer.ask("carrier.amend", AMEND, key)).status == "done"
        assert await world.effects(key) == 1

    async def test_one_that_comes_back_late_finds_its_call_taken_over(self, customer: Customer, world: World):
        await world.order("A1")
        await world.fault("hang", "carrier", operation="amend", times=1, delay=1.5)
        key = new_id().hex
        late = asyncio.create_task(customer.ask("carrier.amend", AMEND, key))
        while not await world.ledger(operation="amend", key=key):
            await asyncio.sleep(0.05)
        assert (await customer.ask("carrier.amend", AMEND, key)).status == "done"
        with pytest.raises(CallTakenOver):
            await late
        assert await world.effects(key) == 1 and len(await customer.events("call.succeeded")) == 1

    async def test_a_call_that_died_between_sending_and_recording_is_asked_for(
        self, customer: Customer, world: World, superuser: asyncpg.Connection
    ):
        await world.order("A1")
        key = new_id().hex
        sent = await customer.ask("carrier.amend", AMEND, key)
        await superuser.execute("update connectors.call set status = 'sending', response = null where effect_key = $1", key)
        again = await customer.ask("carrier.amend", AMEND, key)
        assert again.status == "done" and again.response == sent.response
        assert len(await world.ledger(operation="amend", key=key)) == 1


@pytest.mark.feature("M143", "M60")
class TestBreaker:
    async def test_opens_after_failures_in_a_row_and_closes_with_a_probe(
        self, customer: Customer, world: World, superuser: asyncpg.Connection
    ):
        await world.fault("down", "crm")
        outcomes = [await customer.ask("crm.customer_tier", {"account": "ACME-01"}) for _ in range(6)]
        assert [o.status for o in outcomes] == ["failed"] * 6
        assert outcomes[-1].error["cause"] == "resting" and outcomes[-1].error["retry_after"] > 0
        [opened] = await customer.events("breaker.opened")
        assert opened["data"]["connection"] == "our-crm"
        seen = len(await world.ledger(system="crm"))
        assert (await customer.ask("crm.customer_tier", {"account": "ACME-01"})).error["cause"] == "resting"
        assert len(await world.ledger(system="crm")) == seen
        await world.heal()
        await superuser.execute("update connectors.circuit_breaker set retry_at = now() where state = 'open'")
        assert (await customer.ask("crm.customer_tier", {"account": "ACME-01"})).status == "done"
        assert len(await customer.events("breaker.closed")) == 1

    async def test_what_was_doubtful_stays_unknown_while_the_system_rests(self, customer: Customer, world: World):
        await world.order("A1")
        await world.fault("reset_after", "carrier", operation="amend", times=1)
        await world.fault("down", "carrier", operation="find_request")
        outcomes = [await customer.ask("carrier.amend", AMEND, "doubtful") for _ in range(7)]
        assert {o.status for o in outcomes} == {"unknown"} and outcomes[-1].error["cause"] == "resting"
        assert await world.effects("doubtful") == 1

    async def test_a_second_connection_steps_in_while_the_first_rests(
        self, customer: Customer, world: World, superuser: asyncpg.Connection
    ):
        async with customer.shell.unit_of_work(customer.tenant, actor="user:test") as uow:
            await create_connection(
                uow, customer.shell.vault, wanted(world, "sim-crm", name="spare-crm", customer_id=customer.id, precedence=200)
            )
        await superuser.execute(
            "update connectors.circuit_breaker b set state = 'open', retry_at = now() + interval '1 minute' "
            "from connectors.connection c where c.id = b.connection_id and c.name = 'our-crm' and c.customer_id = $1",
            customer.id,
        )
        assert (await customer.ask("crm.customer_tier", {"account": "ACME-01"})).connection == "spare-crm"

    async def test_the_throttle_holds_calls_back_and_then_says_no(self, customer: Customer, world: World):
        async with customer.shell.unit_of_work(customer.tenant, actor="user:test") as uow:
            await create_connection(
                uow,
                customer.shell.vault,
                wanted(world, "sim-crm", name="slow-crm", customer_id=customer.id, precedence=1, rate_per_minute=60),
            )
        outcomes = await asyncio.gather(*(customer.ask("crm.customer_tier", {"account": "ACME-01"}) for _ in range(17)))
        assert sorted({o.status for o in outcomes}) == ["done", "failed"]
        assert {o.error["cause"] for o in outcomes if o.status == "failed"} == {"resting"}
        waits = await customer.rows("select (mediation->'rate'->>'waited_ms')::int as ms from connectors.call order by 1 desc limit 1")
        assert waits[0]["ms"] > 1000


@pytest.mark.feature("M145", "M210")
class TestLeastPrivilege:
    async def test_what_is_not_granted_fails_closed_and_is_said(self, customer: Customer, world: World):
        other = await make_customer(customer.shell, customer.tenant, "boreal-foods")
        with pytest.raises(CapabilityNotGranted):
            await other.ask("crm.customer_tier", {"account": "ACME-01"})
        [denied] = await other.events("access.denied")
        assert denied["data"]["capability"] == "crm.customer_tier" and denied["customer_id"] == str(other.id)
        assert await world.ledger(operation="customer_tier", account="boreal-foods") == []

    async def test_a_customers_own_connection_comes_before_the_partners(self, customer: Customer, world: World):
        async with customer.shell.unit_of_work(customer.tenant, actor="user:test") as uow:
            await create_connection(uow, customer.shell.vault, wanted(world, "sim-crm", name="shared-crm", precedence=1))
        assert (await customer.ask("crm.customer_tier", {"account": "ACME-01"})).connection == "our-crm"
        other = await make_customer(customer.shell, customer.tenant, "boreal-foods")
        assert (await other.ask("crm.customer_tier", {"account": "ACME-01"})).connection == "shared-crm"

    async def test_a_disabled_connection_lets_nothing_leave(self, customer: Customer, world: World):
        [row] = await customer.rows("select id from connectors.connection where name = 'our-wms'")
        async with customer.shell.unit_of_work(customer.tenant, actor="user:test") as uow:
            await disable(uow, row["id"])
        with pytest.raises(CapabilityNotGranted):
            await customer.ask("wms.order_status", {"order": "A1"})

    async def test_another_tenant_learns_nothing_of_a_key(self, customer: Customer, other_tenant: UUID, world: World):
        await world.order("A1")
        await customer.ask("carrier.amend", AMEND, "shared-key")
        stranger = await make_customer(customer.shell, other_tenant)
        with pytest.raises(CapabilityNotGranted):
            await stranger.ask("carrier.amend", AMEND, "shared-key")


@pytest.mark.feature("M92", "M210")
class TestGate:
    async def test_a_refusal_stops_the_effect_before_it_leaves_and_is_said(self, customer: Customer, world: World):
        await world.order("G1")
        key = new_id().hex
        with pytest.raises(GateRefused, match="certificate"):
            await customer.ask("carrier.amend", {**AMEND, "shipment": "S-G1"}, key, shell=closed(customer.shell))
        [denied] = await customer.events("access.denied")
        assert denied["data"]["rule"] == "regulated" and denied["data"]["remedy"] == "Upload it."
        assert await world.ledger(key=key) == [] and await customer.rows("select 1 from connectors.call") == []

    async def test_a_question_passes_without_being_asked(self, customer: Customer, world: World):
        assert (await customer.ask("crm.customer_tier", {"account": "ACME-01"}, shell=closed(customer.shell))).status == "done"


async def _make_due(superuser: asyncpg.Connection, tenant: UUID) -> None:
    await superuser.execute("update core.work set due = now() where tenant_id = $1 and kind = 'call'", tenant)
