"""From what systems tell to one case: the library's policies, real events, a late fact, and the timeline that says how it went."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.canonical.commands import record
from app.canonical.events import parse_event
from app.cases.models import Case, CaseSignal
from app.cases.queries import case_facts
from app.core.ids import new_id
from app.policies import commands as policies
from app.policies.deciding import Incoming
from app.policies.schemas import Input
from tests.integration.cases.world import World

POLICY = """
name: cutoff-missed
title: Missed warehouse cutoff
open:
  - rule: wms
    on: order.cutoff_missed
    exception: {type: cutoff.missed, reason: past_cutoff, responsible: warehouse}
    group_by: {order: order.number, promise: '"ship"'}
    title: Order {order.number} missed the warehouse cutoff
    money_at_risk: {minor: order.value_minor, currency: order.currency}
  - rule: carrier
    on: shipment.milestone_recorded
    where: {event.data.status_code: [SN, PU]}
    when: '!event.stale && "order.number" in given && event.data.reason_code in ["AW", "AY"]'
    exception: {type: cutoff.missed, reason: past_cutoff, responsible: warehouse}
    group_by: {order: order.number, promise: '"ship"'}
    title: Order {order.number} missed the warehouse cutoff
    money_at_risk: {minor: order.value_minor, currency: order.currency}
prioritise:
  value: {fact: order.value_minor, steps: [[0, 0], [4000000, 250]]}
  tier: {fact: customer.tier, points: {platinum: 500, gold: 200}}
  levels: {P1: 650, P2: 400, P3: 150}
"""


async def _told(world: World, kind: str, refs: dict[str, str], **data: Any) -> None:
    """What ingest does with one mapped event."""
    event = parse_event({"type": kind, "occurred_at": datetime.now(UTC).isoformat(), "refs": refs, "data": data})
    async with world.look() as reader:
        incoming = Incoming(event=event, signal_id=new_id(), customer_id=world.customer)
        evaluation = await policies.evaluate(world.shell, reader, [incoming])
    async with world.act("source:wms") as uow:
        await policies.check_fresh(uow, evaluation)
        recorded = await record(uow, event, signal_id=None, customer_id=world.customer)
        for decision in filter(None, evaluation.decisions):
            await policies.publish_decision(uow, decision, recorded)


@pytest.mark.feature("M93", "M34")
class TestMissedCutoff:
    async def test_told_by_warehouse_and_carrier_is_one_case_with_its_priority_in_two_steps(self, world: World) -> None:
        await world.policy(POLICY)
        refs = {"order": "ORD-7731", "shipment": "SHP-220"}
        await _told(world, "order.cutoff_missed", refs, value_minor=4520000, currency="EUR", regulated=True)
        await _told(world, "shipment.milestone_recorded", refs, milestone="exception", status_code="SN", reason_code="AW")
        [case] = await world.rows(Case)
        assert len(await world.rows(CaseSignal)) == 2
        assert (case.money_at_risk_minor, case.priority_provisional, case.missing) == (4520000, True, ["customer.tier"])
        assert {"order_id": case.order_id is not None, "shipment_id": case.shipment_id is not None} == {
            "order_id": True,
            "shipment_id": True,
        }

        await self._learn_the_tier(world, case)
        after = await world.case(case.id)
        assert (after.priority_level, after.priority_provisional, after.missing) == ("P1", False, [])
        [moved] = await world.told("case.reprioritised")
        assert "customer.tier" in [change["name"] for change in moved.data["changed"]]

        await world.work_off()
        lines = [line.type for line in await world.timeline(case.id)]
        assert lines.count("decision.made") == 3
        assert [line for line in lines if line.startswith("case.")] == ["case.opened", "case.grouped", "case.reprioritised"]
        assert lines.index("order.cutoff_missed") < lines.index("case.opened") < lines.index("shipment.milestone_recorded")

    async def _learn_the_tier(self, world: World, case: Case) -> None:
        async with world.look() as uow:
            facts = await case_facts(uow, case.id)
        tier = Input(name="customer.tier", value="platinum", source="call:7", observed_at=datetime.now(UTC))
        decision = await policies.redecide(
            world.shell, tenant=world.tenant, customer_id=world.customer, decision_id=case.decision_id, case_facts=facts, extra=[tier]
        )
        async with world.act("run:1") as uow:
            await policies.publish_decision(uow, decision)
