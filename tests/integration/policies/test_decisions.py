"""From events to kept decisions: in the real tables, through the real sandbox, with the facts they were made from."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select

from app.canonical import queries as canonical
from app.core.errors import NotFound
from app.core.models import EventRow
from app.policies.commands import StaleFacts, publish_decision, redecide
from app.policies.gates import Judgement, call_facts, judge
from app.policies.models import DecisionRow
from app.policies.queries import decision as kept
from app.policies.queries import gate_rules
from app.policies.redeciding import UnknownFact
from app.policies.schemas import Input
from tests.integration.canonical.conftest import add_customer
from tests.integration.policies.conftest import ask, put_in_force, write
from tests.unit.policies.examples import CUTOFF, NOT_PICKED_UP, library

NOW = datetime(2026, 11, 23, 16, 40, tzinfo=UTC)


class TestTheMissedCutoff:
    @pytest.mark.feature("M30", "M205", "M34")
    @pytest.mark.parametrize("events", [(CUTOFF, NOT_PICKED_UP), (NOT_PICKED_UP, CUTOFF)], ids=["webhook first", "214 first"])
    async def test_two_signals_in_two_batches_decide_the_same_group(self, decide, policies, events):
        (first,) = await decide(events[0])
        (second,) = await decide(events[1])
        assert first.group_key == second.group_key == "cutoff.missed|order:ORD-7731|promise:ship"
        assert first.exception.type == second.exception.type == "cutoff.missed"
        assert first.workflow.name == "cutoff-missed"
        assert first.subjects["order"] == second.subjects["order"]

    @pytest.mark.feature("M205")
    async def test_is_kept_and_said_with_every_inputs_value_source_and_age(self, shell, tenant, decide, policies):
        (decision,) = await decide(CUTOFF)
        async with shell.read(tenant) as uow:
            view = await kept(uow, decision.id)
            event = await uow.get(EventRow, decision.id)
            row = await uow.get(DecisionRow, decision.id)
            assert (row.exception_type, row.level, row.provisional) == ("cutoff.missed", "P2", True)
            told = event.envelope["data"]
        inputs = {one.name: one for one in view.inputs}
        assert inputs["order.value_minor"].value == 4520000
        assert inputs["order.value_minor"].source == f"signal:{decision.signal_id}"
        assert inputs["order.value_minor"].age_seconds >= 0
        assert "customer.tier" in view.missing and view.priority.provisional
        assert told["group_key"] == decision.group_key and told["money_at_risk"] == {"minor": 4520000, "currency": "EUR"}
        assert told["subjects"]["order"] and told["signal_id"] == decision.signal_id and told["priority"]["level"] == "P2"

    @pytest.mark.feature("M205", "M34")
    async def test_decided_again_with_the_tier_it_is_final_and_shows_what_changed(self, shell, tenant, customer, decide, policies):
        (first,) = await decide(CUTOFF)
        tier = Input("customer.tier", "platinum", "call:0199", NOW)
        again = await redecide(
            shell, tenant=tenant, customer_id=customer, decision_id=first.id, case_facts={"case.signals": 1}, extra=[tier]
        )
        assert (again.priority.level, again.priority.provisional, again.group_key) == ("P1", False, first.group_key)
        assert again.earlier == first.id
        changed = {change.name: (change.before, change.after) for change in again.changes}
        assert changed["customer.tier"] == (None, "platinum")
        assert changed["priority.score"] == (first.priority.score, first.priority.score + 300)
        assert changed["priority.provisional"] == (True, False)
        assert {one.name: one.source for one in again.inputs}["customer.tier"] == "call:0199"
        async with shell.unit_of_work(tenant, actor="run:1") as uow:
            await publish_decision(uow, again)
        third = await redecide(shell, tenant=tenant, customer_id=customer, decision_id=again.id)
        assert third.priority.level == "P1", "what was found out before is not forgotten"

    async def test_of_somebody_else_is_not_found_and_unknown_facts_are_named(
        self, shell, tenant, other_tenant, customer, other_customer, decide, policies
    ):
        (first,) = await decide(CUTOFF)
        with pytest.raises(NotFound):
            await redecide(shell, tenant=tenant, customer_id=other_customer, decision_id=first.id)
        with pytest.raises(NotFound):
            await redecide(shell, tenant=other_tenant, customer_id=customer, decision_id=first.id)
        with pytest.raises(UnknownFact) as refused:
            await redecide(
                shell, tenant=tenant, customer_id=customer, decision_id=first.id, extra=[Input("customer.teir", 1, "call:1", NOW)]
            )
        assert refused.value.errors[0].pointer == "/inputs/0/name"


class TestFreshness:
    @pytest.mark.feature("M62")
    async def test_facts_that_changed_meanwhile_are_refused_and_fresh_ones_held(self, shell, tenant, customer, decide, policies):
        await decide(CUTOFF)
        incoming, evaluation = await ask(shell, tenant, customer, NOT_PICKED_UP)
        await decide({**CUTOFF, "type": "order.recorded", "occurred_at": "2026-11-23T18:05:00+01:00"})
        with pytest.raises(StaleFacts):
            await write(shell, tenant, incoming, evaluation)
        await write(shell, tenant, *await ask(shell, tenant, customer, NOT_PICKED_UP))

    async def test_something_that_was_not_there_and_is_now_is_stale_too(self, shell, tenant, customer, decide, policies):
        incoming, evaluation = await ask(shell, tenant, customer, NOT_PICKED_UP)
        await decide(CUTOFF)
        with pytest.raises(StaleFacts):
            await write(shell, tenant, incoming, evaluation)


class TestOwnership:
    @pytest.mark.feature("M210")
    async def test_a_customers_own_policy_replaces_the_partners_for_it_alone(
        self, shell, tenant, customer, other_customer, decide, policies
    ):
        own = library("cutoff-missed").replace("title: Order {order.number} missed the warehouse cutoff", "title: Ours {order.number}")
        await put_in_force(shell, tenant, own, customer_id=customer)
        (ours,) = await decide(CUTOFF)
        (theirs,) = await decide(CUTOFF, customer_id=other_customer)
        assert (ours.title, theirs.title) == ("Ours ORD-7731", "Order ORD-7731 missed the warehouse cutoff")

    async def test_another_tenants_policies_say_nothing(self, shell, other_tenant, policies):
        customer = await add_customer(shell, other_tenant, "acme")
        _, evaluation = await ask(shell, other_tenant, customer, CUTOFF)
        assert evaluation.decisions == [None]


class TestGates:
    async def facts(self, shell, tenant, customer, decision, params):
        async with shell.read(tenant) as uow:
            known = await canonical.facts(uow, customer_id=customer, subjects=decision.subjects, now=uow.now)
            return await gate_rules(uow, customer), known | call_facts("carrier.amend", params, "user:1", uow.now)

    @pytest.mark.feature("M31", "M118")
    async def test_a_regulated_orders_reroute_is_refused_and_a_dear_one_needs_an_approval(self, shell, tenant, customer, decide, policies):
        (decision,) = await decide(CUTOFF)
        rules, facts = await self.facts(shell, tenant, customer, decision, {"amount_minor": 89000, "currency": "EUR"})
        judgement = await judge(shell.sandbox, rules, "carrier.amend", facts)
        assert [refusal.rule for refusal in judgement.refusals] == ["regulated-goods-need-their-certificate"]
        assert "certificate" in judgement.refusals[0].remedy
        assert [(b.rule, b.amount_minor, b.above_minor, b.role) for b in judgement.boundaries] == [
            ("expedite-boundary", 89000, 50000, "approver")
        ]
        assert await judge(shell.sandbox, rules, "crm.add_note", facts) == Judgement()

    @pytest.mark.feature("M31")
    async def test_doubt_refuses(self, shell, tenant, customer, decide, policies):
        (decision,) = await decide({**CUTOFF, "data": {"currency": "EUR"}})
        rules, facts = await self.facts(shell, tenant, customer, decision, {})
        judgement = await judge(shell.sandbox, rules, "carrier.amend", facts)
        assert len(judgement.refusals) == 1, "whether it is regulated is not known"
        assert [b.amount_minor for b in judgement.boundaries] == [None], "what it costs is not known"

    async def test_what_is_not_regulated_and_cheap_goes(self, shell, tenant, customer, decide, policies):
        (decision,) = await decide({**CUTOFF, "data": CUTOFF["data"] | {"regulated": False}})
        rules, facts = await self.facts(shell, tenant, customer, decision, {"amount_minor": 50000, "currency": "EUR"})
        assert await judge(shell.sandbox, rules, "carrier.amend", facts) == Judgement()
        dollars = facts | call_facts("carrier.amend", {"amount_minor": 1, "currency": "USD"}, "user:1", NOW)
        assert len((await judge(shell.sandbox, rules, "carrier.amend", dollars)).boundaries) == 1


class TestAbsence:
    @pytest.mark.feature("M19")
    async def test_a_missed_promise_is_decided_on_like_any_event(self, shell, tenant, customer, decide, settle):
        text = """\
name: silence
title: Nothing heard
open:
  - rule: missed
    on: promise.missed
    exception: {type: milestone.missed, reason: no_scan}
    group_by: {order: order.number, promise: promise.name}
    title: Order {order.number} did not {promise.name} in time
"""
        await put_in_force(shell, tenant, text)
        event = {
            **CUTOFF,
            "type": "order.recorded",
            "occurred_at": "2026-11-02T09:00:00Z",
            "data": {"ship_by": "2026-11-02T18:00:00+01:00"},
        }
        assert await decide(event) == [None]
        await settle(tenant)
        async with shell.read(tenant) as uow:
            (row,) = (await uow.execute(select(DecisionRow))).scalars().all()
            assert row.group_key == "milestone.missed|order:ORD-7731|promise:ship"
            assert row.document["title"] == "Order ORD-7731 did not ship in time"
            assert UUID(row.document["subjects"]["order"])
