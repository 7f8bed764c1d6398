"""What holds when processes die, pause and meet: leases, poison, no lost wake-up, one lock order."""

import asyncio
import os
import signal
import sys
import textwrap
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from app.core.ids import new_id
from app.workflows import engine, store
from app.workflows.definitions import load
from app.workflows.driver import ACTOR
from app.workflows.engine import Due
from app.workflows.snapshot import fold
from app.workflows.store import Turn
from tests.integration.workflows.conftest import Desk

pytestmark = pytest.mark.feature("M3", "M184")

CALL = "do: [{ask: {call: http, with: {method: post, endpoint: 'PEER/ask'}}}, {done: {set: '${ {got: .path} }'}}]"
LISTEN = "do: [{hear: {listen: {to: {one: {with: {type: thing.done, partitionkey: '${ .key }'}}}}}}]"


async def expire(database: Any, run_id: UUID) -> None:
    """The lease's six seconds pass."""
    connection = await database.superuser()
    try:
        await connection.execute(
            "update workflows.workflow_run set lease_until = clock_timestamp() - interval '1 second' where id = $1", run_id
        )
        await connection.execute("update core.work set due = clock_timestamp(), ready = true where subject = $1", run_id)
    finally:
        await connection.close()


class TestLease:
    async def test_gives_a_run_to_one_process_only(self, desk: Desk) -> None:
        run_id = await desk.start(CALL)
        claims = await asyncio.gather(*(store.claim(desk.shell, desk.tenant, run_id, ACTOR) for _ in range(8)))
        assert sum(each is not None for each in claims) == 1

    async def test_refuses_the_late_turn_of_a_process_that_lost_it(self, desk: Desk, database: Any) -> None:
        run_id = await desk.start("do: [{pause: {wait: PT1H}}]")
        late = await store.claim(desk.shell, desk.tenant, run_id, ACTOR)
        assert late is not None
        await expire(database, run_id)
        await desk.drive(run_id)
        before = await desk.run(run_id)
        definition = await load(desk.shell, desk.tenant, late.definition_id)
        advanced = await engine.drive(engine.advance(definition, before.state | {"held": []}, Due(now=10**14)), None)  # type: ignore[arg-type]
        assert advanced.state["status"] == "completed"
        folded, kept = fold(advanced.state)
        assert (
            await store.write(desk.shell, desk.tenant, late, Turn(advanced=advanced, before=None, folded=folded, kept=kept), ACTOR) is None
        )
        assert await store.renew(desk.shell, desk.tenant, late, ACTOR) is None
        after = await desk.run(run_id)
        assert (after.status, after.state, after.last_seq) == ("running", before.state, before.last_seq)
        assert await desk.log(run_id) == []

    async def test_drops_what_a_paused_worker_did_after_it_lost_the_run(self, desk: Desk, database: Any) -> None:
        desk.peer.pauses["/ask"] = 0.5
        run_id = await desk.start(CALL)
        first = asyncio.create_task(desk.drive(run_id))
        while not desk.peer.ledger:
            await asyncio.sleep(0.02)
        await expire(database, run_id)
        second = await desk.drive(run_id)
        await first
        assert second.status == "completed"
        assert await desk.log(run_id) == [("ask", "completed"), ("done", "completed")]
        assert len(set(desk.peer.keys("/ask"))) == 1, "both asked under the one key"

    async def test_is_renewed_while_a_system_takes_long(self, desk: Desk) -> None:
        desk.peer.pauses["/ask"] = 7.0
        run_id = await desk.start(CALL)
        working = asyncio.create_task(desk.drive(run_id))
        await asyncio.sleep(6.4)
        assert await store.claim(desk.shell, desk.tenant, run_id, ACTOR) is None
        assert (await working).status == "completed"


class TestPoison:
    async def test_parks_a_run_whose_step_ended_its_worker_three_times(self, desk: Desk, database: Any) -> None:
        run_id = await desk.start(CALL)
        executions = 0
        for _ in range(6):
            claimed = await store.claim(desk.shell, desk.tenant, run_id, ACTOR)
            if claimed is None or claimed.executions > store.MOST_EXECUTIONS:
                break
            executions += 1  # and the worker dies here
            await expire(database, run_id)
        assert executions == 3
        run = await desk.drive(run_id)
        assert run.status == "suspended"
        assert "three times" in run.reason
        assert await desk.due(run_id) is None
        assert desk.peer.ledger == []

    async def test_counts_the_execution_that_a_turn_began(self, desk: Desk) -> None:
        desk.peer.pauses["/ask"] = 0.5
        run_id = await desk.start(CALL)
        working = asyncio.create_task(desk.drive(run_id))
        while not desk.peer.ledger:
            await asyncio.sleep(0.02)
        assert (await desk.run(run_id)).executions == 1
        await working
        assert (await desk.run(run_id)).executions == 0


async def publish(desk: Desk, key: str, **data: Any) -> None:
    async with desk.world.act() as uow:
        uow.publish("thing.done", key=key, data=data, customer_id=desk.world.customer)


class TestWakeUp:
    @pytest.mark.feature("M13")
    async def test_wakes_the_run_that_waits_for_the_key(self, desk: Desk) -> None:
        definition = await desk.define(LISTEN)
        run_id, other = await desk.start(definition, {"key": "a"}), await desk.start(definition, {"key": "b"})
        await desk.drive(run_id)
        await desk.drive(other)
        assert not await desk.is_due(run_id)
        await publish(desk, "a", n=1)
        assert (await desk.is_due(run_id), await desk.is_due(other)) == (True, False)
        assert (await desk.drive(run_id)).output == [{"n": 1}]

    async def test_finds_an_event_that_came_before_the_wait_was_opened(self, desk: Desk) -> None:
        run_id = await desk.start(LISTEN, {"key": "a"})
        await publish(desk, "a", n=1)
        await desk.drive(run_id)
        assert (await desk.drive(run_id)).status == "completed"

    async def test_does_not_hear_what_came_before_the_run_began(self, desk: Desk) -> None:
        await publish(desk, "a", n=1)
        await asyncio.sleep(0.005)
        run_id = await desk.start(LISTEN, {"key": "a"})
        assert (await desk.drive(run_id)).status == "running"

    async def test_hears_each_event_once_however_often_a_task_listens(self, desk: Desk) -> None:
        run_id = await desk.start(
            "do: [{hear: {listen: {to: {one: {with: {type: thing.done, partitionkey: k}}}}, export: {as: '$context + {n: (($context.n // 0) + 1)}'}}}, {again: {switch: [{more: {when: '$context.n < 3', then: hear}}]}}, {out: {set: '${ $context }'}}]"
        )
        await desk.drive(run_id)
        for n in range(2):
            await publish(desk, "k", n=n)
            for _ in range(3):
                assert (await desk.drive(run_id)).status == "running"
        await publish(desk, "k", n=2)
        await desk.drive(run_id)
        assert (await desk.run(run_id)).output == {"n": 3}

    async def test_hears_only_its_own_customers_events(self, desk: Desk) -> None:
        run_id = await desk.start(LISTEN, {"key": "a"})
        await desk.drive(run_id)
        other = await type(desk.world).make(desk.shell, desk.tenant, slug="other")
        async with other.act() as uow:
            uow.publish("thing.done", key="a", customer_id=other.customer)
        assert not await desk.is_due(run_id)

    async def test_is_woken_by_an_event_of_its_customers_own_transaction(self, desk: Desk) -> None:
        run_id = await desk.start(LISTEN, {"key": "a"})
        await desk.drive(run_id)
        async with desk.world.act("link:1", customer=desk.world.customer) as uow:
            uow.publish("thing.done", key="a", data={"n": 1}, customer_id=desk.world.customer)
        assert await desk.is_due(run_id)

    async def test_wakes_a_partners_run_by_delivery_when_a_customers_transaction_can_not_see_it(self, desk: Desk, settle: Any) -> None:
        definition = await desk.define(LISTEN)
        async with desk.world.act() as uow:
            from app.workflows.commands import start_run

            run = await start_run(uow, definition=definition, input={"key": "a"}, case_id=None, customer_id=None, key="partner")
        await desk.drive(run.id)
        async with desk.world.act("link:1", customer=desk.world.customer) as uow:
            uow.publish("thing.done", key="a", data={"n": 1}, customer_id=desk.world.customer)
        assert not await desk.is_due(run.id)
        await settle(desk.tenant)
        assert (await desk.run(run.id)).status == "completed"

    async def test_loses_no_event_that_comes_while_a_wait_is_opened(self, desk: Desk) -> None:
        """Opening and arriving at the same moment, many times: each run must end without anything else happening."""
        definition = await desk.define(LISTEN)
        runs = {f"k{n}": await desk.start(definition, {"key": f"k{n}"}) for n in range(60)}

        async def race(key: str, run_id: UUID) -> None:
            await asyncio.gather(desk.drive(run_id), publish(desk, key, n=1))

        for start in range(0, 60, 10):
            await asyncio.gather(*(race(key, runs[key]) for key in list(runs)[start : start + 10]))
        for run_id in runs.values():
            run = await desk.run(run_id)
            if run.status == "running":
                assert await desk.is_due(run_id), "asleep for ever"
                run = await desk.drive(run_id)
            assert run.status == "completed"

    async def test_needs_the_lock_and_the_second_statement(self, desk: Desk, database: Any) -> None:
        """The wrong form, one statement that locks, looks back and opens, misses the event that the right one finds."""
        found = {}
        for form in ("one statement", "several"):
            run_id = await desk.start(LISTEN, {"key": form})
            await desk.drive(run_id)
            found[form] = await _race_by_hand(database, desk, form)
        assert found == {"one statement": False, "several": True}


async def _race_by_hand(database: Any, desk: Desk, form: str) -> bool:
    """An arriving event holds its stripe, uncommitted, while another connection opens a wait; does the opener see it?"""
    arriving, opening = await database.superuser(), await database.superuser()
    stripe = "select pg_advisory_xact_lock{}(7300060, workflows.stripe($1, $2))"
    look = "select exists (select from core.event where tenant_id = $1 and key = $2)"
    try:
        async with arriving.transaction():
            await arriving.execute(stripe.format("_shared"), desk.tenant, form)
            envelope = orjson.dumps({"subject": form}).decode()
            await arriving.execute("set local session_replication_role = replica")
            await arriving.execute(
                "insert into core.event (tenant_id, id, type, key, envelope) values ($1, $2, 'thing.done', $3, $4)",
                desk.tenant,
                new_id(),
                form,
                envelope,
            )
            task = asyncio.create_task(_open(opening, stripe, look, desk.tenant, form))
            await asyncio.sleep(0.3)
        return await task
    finally:
        await arriving.close()
        await opening.close()


async def _open(connection: asyncpg.Connection, stripe: str, look: str, tenant: UUID, key: str) -> bool:
    async with connection.transaction():
        if key == "one statement":
            wrong = f"with l as materialized ({stripe.format('')}) select (select count(*) from l) > 0 and exists (select from core.event, l where tenant_id = $1 and key = $2)"
            return bool(await connection.fetchval(wrong, tenant, key))
        await connection.execute(stripe.format(""), tenant, key)
        return bool(await connection.fetchval(look, tenant, key))


class TestLockOrder:
    """Stripes, then runs by id, then waits, then work by subject. Each wrong order deadlocks; ours does not."""

    @pytest.mark.parametrize("kind", ["stripes after runs", "runs unsorted", "work unsorted"])
    async def test_deadlocks_in_the_wrong_order(self, desk: Desk, database: Any, kind: str) -> None:
        definition = await desk.define(LISTEN)
        runs = sorted([await desk.start(definition, {"key": "a"}), await desk.start(definition, {"key": "b"})])
        assert await _collide(database, desk, kind, runs, right=False) == 1
        assert await _collide(database, desk, kind, runs, right=True) == 0

    async def test_has_no_deadlock_in_a_storm_of_turns_arrivals_and_people(self, desk: Desk, database: Any) -> None:
        body = "do: [{hear: {listen: {to: {any: [{with: {type: thing.done, partitionkey: '${ .key }'}}, {with: {type: task.completed}}]}}}}, {pause: {wait: {milliseconds: 1}}}, {again: {set: '${ $workflow.input }', then: hear}}]"
        definition = await desk.define(body)
        runs = [await desk.start(definition, {"key": f"k{n % 4}"}) for n in range(12)]
        superuser = await database.superuser()
        before = await superuser.fetchval("select deadlocks from pg_stat_database where datname = current_database()")
        until = asyncio.get_running_loop().time() + 3

        async def work(run_id: UUID) -> None:
            while asyncio.get_running_loop().time() < until:
                await desk.drive(run_id)

        async def tell(n: int) -> None:
            while asyncio.get_running_loop().time() < until:
                async with desk.world.act() as uow:
                    for k in (n, n + 1, n + 2):
                        uow.publish("thing.done", key=f"k{k % 4}", customer_id=desk.world.customer)

        async def steer(run_id: UUID) -> None:
            from app.workflows import commands

            while asyncio.get_running_loop().time() < until:
                async with desk.world.act() as uow:
                    await commands.suspend(uow, run_id, "storm")
                async with desk.world.act() as uow:
                    await commands.resume(uow, run_id, "calm")

        await asyncio.gather(*(work(each) for each in runs), *(tell(n) for n in range(3)), *(steer(each) for each in runs[:3]))
        await asyncio.sleep(0.6)  # statistics are reported by the backends with a pause
        after = await superuser.fetchval("select deadlocks from pg_stat_database where datname = current_database()")
        await superuser.close()
        assert after == before
        assert (await desk.rows("select count(*) as n from workflows.task_run"))[0]["n"] > 50


async def _collide(database: Any, desk: Desk, kind: str, runs: list[UUID], *, right: bool) -> int:
    """Two transactions take the same two locks, crosswise or in the one order; how many were killed for it."""
    stripe = ("select pg_advisory_xact_lock(7300060, workflows.stripe($1, 'x'))", (desk.tenant,))
    row = [("select from workflows.workflow_run where id = $1 for no key update", (run,)) for run in runs]
    work = [("update core.work set version = version where subject = $1", (run,)) for run in runs]
    first, second = {"stripes after runs": (stripe, row[0]), "runs unsorted": tuple(row), "work unsorted": tuple(work)}[kind]
    orders = [(first, second), (first, second) if right else (second, first)]
    connections = [await database.superuser() for _ in orders]
    try:
        results = await asyncio.gather(*(_take(c, o) for c, o in zip(connections, orders, strict=True)), return_exceptions=True)
    finally:
        for connection in connections:
            await connection.close()
    return sum(isinstance(each, asyncpg.DeadlockDetectedError) for each in results)


async def _take(connection: asyncpg.Connection, order: Any) -> None:
    await connection.execute("set deadlock_timeout = '100ms'")
    async with connection.transaction():
        for query, arguments in order:
            await connection.execute(query, *arguments)
            await asyncio.sleep(0.15)


WORKER = textwrap.dedent("""
    import asyncio, sys
    from pathlib import Path
    from uuid import UUID
    from app.core import faults
    from app.core.settings import Settings
    from app.main.assembly import build_shell
    from worker.serve import serve

    async def main():
        shell = await build_shell(Settings.load(dotenv=Path("/nonexistent")))
        tenant = UUID(sys.argv[1])
        while True:
            await shell.boundary.dispatch("select core.wake_due()")
            await serve(shell, tenant)
            await asyncio.sleep(0.02)

    asyncio.run(main())
""")


class TestKill:
    """Real processes, killed with -9 in the middle; an external ledger tells what really happened."""

    async def test_does_every_effect_once_for_its_key_whenever_its_worker_is_killed(
        self, desk: Desk, database: Any, tmp_path: Path
    ) -> None:
        steps = "".join(f"  - s{n}: {{call: http, with: {{method: post, endpoint: 'PEER/s{n}'}}}}\n" for n in range(5))
        definition = await desk.define(f"do:\n{steps}")
        desk.peer.pauses = {f"/s{n}": 0.05 for n in range(5)}
        runs = [await desk.start(definition) for _ in range(6)]
        kills = 0
        async with asyncio.timeout(120):
            while not await self._all_over(desk, runs):
                process = await self._worker(desk, database)
                enough = len(desk.peer.ledger) + 9
                while len(desk.peer.ledger) < enough and not await self._all_over(desk, runs):
                    await asyncio.sleep(0.01)
                kills += not await self._all_over(desk, runs)
                os.kill(process.pid, signal.SIGKILL)
                await process.wait()
                for run_id in runs:
                    await expire(database, run_id)
        assert kills >= 2
        for run_id in runs:
            run = await desk.run(run_id)
            assert run.status == "completed", run.problem
            assert await desk.log(run_id) == [(f"s{n}", "completed") for n in range(5)]
        effects = await desk.rows("select key, status from workflows.effect")
        assert {row["status"] for row in effects} == {"done"}
        assert len(effects) == len({key for _, _, key in desk.peer.ledger}) == 30

    async def _all_over(self, desk: Desk, runs: list[UUID]) -> bool:
        return all([(await desk.run(run_id)).status != "running" for run_id in runs])

    async def _worker(self, desk: Desk, database: Any) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, str(desk.tenant), env={**os.environ, **database.environment()}, cwd=Path(__file__).parents[3]
        )
