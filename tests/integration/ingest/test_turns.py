"""Two batches that tell of the same things in opposite orders: neither waits for the other for ever, nothing is lost or doubled."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.canonical.models import Order
from app.cases.models import Case, CaseSignal
from app.core.ids import new_id
from app.core.locks import MOST_NAMES, take_all_turns
from app.core.services import Shell, WorkItem
from app.ingest.handlers import settle_signals
from app.policies.publishing import publish, save
from tests.integration.ingest.desk import Desk

pytestmark = pytest.mark.feature("M42")
MANY = 20
MAPPING = '[{type: "order.cutoff_missed", occurred_at: .at, account: .account, refs: {order: .order}, data: {wave: .wave}}]'
POLICY = """
name: waves
title: A wave that missed its cutoff
facts: {event.data.wave: string}
open:
  - rule: wave
    on: order.cutoff_missed
    exception: {type: cutoff.missed}
    group_by: {wave: event.data.wave}
    title: A wave missed the warehouse cutoff
"""


async def _leased(desk: Desk, told: list[tuple[str, str]], minute: int) -> list[WorkItem]:
    """Messages of (order, wave), accepted in this order and claimed by a worker."""
    for order, wave in told:
        body = f'{{"order": "{order}", "wave": "{wave}", "account": "ACME-01", "at": "2026-11-23T17:{minute:02}:00Z"}}'
        answer = await desk.hook(body.encode(), f"{order}-{minute}")
        assert answer.status_code == 202
    token = new_id()
    async with desk.shell.unit_of_work(desk.tenant, actor="system:test") as uow:
        claim = text("select * from core.claim_work(array['signal'], 1000, :lease, :token)")
        rows = (await uow.session.execute(claim, {"lease": timedelta(minutes=5), "token": token})).all()
    return [WorkItem(row.id, desk.tenant, row.kind, row.subject, (), token, row.version, row.tries) for row in rows]


async def _waves(desk: Desk) -> None:
    await desk.publish("cutoff", MAPPING)
    async with desk.shell.unit_of_work(desk.tenant, actor="user:admin") as uow:
        await publish(uow, await save(uow, desk.shell.sandbox, POLICY, customer_id=None))


class TestTwoBatches:
    async def test_of_the_same_new_orders_and_cases_in_opposite_orders_both_end(self, desk: Desk) -> None:
        await _waves(desk)
        told = [(f"ORD-{number}", f"W-{number}") for number in range(MANY)]
        there, back = await _leased(desk, told, 5), await _leased(desk, told[::-1], 6)
        assert (len(there), len(back)) == (MANY, MANY)
        await asyncio.gather(settle_signals(desk.shell, there), settle_signals(desk.shell, back))
        assert (await desk.count(Order), await desk.count(Case), await desk.count(CaseSignal)) == (MANY, MANY, 2 * MANY)

    async def test_that_share_only_their_cases_both_end(self, desk: Desk) -> None:
        await _waves(desk)
        one = [(f"ORD-{number}", f"W-{number}") for number in range(MANY)]
        other = [(f"EVE-{number}", f"W-{number}") for number in reversed(range(MANY))]
        for minute in (5, 7):
            there, back = await _leased(desk, one, minute), await _leased(desk, other, minute + 1)
            await asyncio.gather(settle_signals(desk.shell, there), settle_signals(desk.shell, back))
        assert (await desk.count(Order), await desk.count(Case), await desk.count(CaseSignal)) == (2 * MANY, MANY, 4 * MANY)


class TestTakeAllTurns:
    @pytest.mark.parametrize(("one", "other"), [(3, 3), (3, MOST_NAMES + 1), (MOST_NAMES + 1, MOST_NAMES + 1)])
    async def test_lets_one_batch_in_at_a_time_where_they_share_a_name(self, shell: Shell, desk: Desk, one: int, other: int) -> None:
        inside: list[str] = []

        async def enter(who: str, names: list[str]) -> None:
            async with shell.unit_of_work(desk.tenant, actor="system:test") as uow:
                await take_all_turns(uow, names)
                inside.append(who)
                await asyncio.sleep(0.05)
                assert inside[-1] == who
                inside.append(who)

        for _ in range(3):
            await asyncio.gather(enter("one", [str(n) for n in range(one)]), enter("other", [str(n) for n in reversed(range(other))]))
        assert inside[::2] == inside[1::2]

    async def test_lets_batches_without_a_common_name_in_together(self, shell: Shell, desk: Desk) -> None:
        both = asyncio.Barrier(2)

        async def enter(name: str) -> None:
            async with shell.unit_of_work(desk.tenant, actor="system:test") as uow:
                await take_all_turns(uow, [name])
                await asyncio.wait_for(both.wait(), 5)

        await asyncio.gather(enter("one"), enter("other"))
