"""The worker: fair to every tenant, indifferent to Redis, orderly at its end."""

import asyncio
import time
from datetime import timedelta

import pytest

from app.core.clock import SystemClock
from app.core.doorbell import Doorbell, connect
from app.core.ids import new_id
from app.core.listeners import Listeners, Work
from app.main.assembly import build_shell
from tenants.boundary import DatabaseBoundary
from tests.conftest import make_tenant
from tests.services import Database, worker_name
from worker import main as worker_main

pytestmark = pytest.mark.feature("M184", "M192")


@pytest.fixture(scope="module")
async def own_database(services):
    """These tests look at every tenant with ready work, so nobody else's may lie there."""
    made = Database(services, f"detour_{worker_name()}_dispatch")
    await made.create()
    yield made
    await made.drop()


@pytest.fixture(scope="module")
async def shell(own_database):
    built = await build_shell(own_database.settings(), SystemClock())
    yield built
    await built.extras["close"]()


class Bench:
    """A worker in this process whose one kind of work notes what it did."""

    def __init__(self, shell, pause=0.0, redis_url=None):
        self.done = []
        self.pause = pause
        listeners = Listeners(work={"note": Work("note", self._note, batch=10), "fail": Work("fail", self._fail, most_tries=2)})
        self.boundary = DatabaseBoundary(shell.settings, listeners, shell.clock)
        settings = shell.settings if redis_url is None else _with(shell.settings, redis_url=redis_url)
        self.bell = Doorbell(settings.redis_url)
        self.boundary.ring_with(self.bell.ring)
        self.shell = shell.but(
            boundary=self.boundary, settings=settings, doorbell=self.bell, extras={**shell.extras, "listeners": listeners}
        )
        self.stopping = asyncio.Event()

    async def _note(self, shell, items):
        for item in items:
            if self.pause:
                await asyncio.sleep(self.pause)
            async with shell.unit_of_work(item.tenant_id, actor="system:test") as uow:
                await uow.finish(item)
            self.done.append((time.monotonic(), item.tenant_id, item.subject))

    async def _fail(self, shell, items):
        raise ValueError("this work always fails")

    async def ask(self, tenant, number=1, kind="note", **more):
        subjects = [new_id() for _ in range(number)]
        async with self.shell.unit_of_work(tenant, actor="system:test") as uow:
            for subject in subjects:
                uow.work(kind, subject=subject, **more)
        return subjects

    async def __aenter__(self):
        self.task = asyncio.create_task(worker_main.work(self.shell, self.stopping))
        await asyncio.sleep(0.3)
        return self

    async def __aexit__(self, *_):
        self.stopping.set()
        await asyncio.wait_for(self.task, 30)
        await self.boundary.close()
        await self.bell.close()

    def of(self, tenant):
        return [s for _, t, s in self.done if t == tenant]

    async def until(self, tenant, number, seconds=20.0):
        deadline = time.monotonic() + seconds
        while len(self.of(tenant)) < number and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        return len(self.of(tenant))


def _with(settings, **changed):
    from dataclasses import fields

    return type(settings)(**{**{f.name: getattr(settings, f.name) for f in fields(settings)}, **changed})


class TestDispatch:
    async def test_does_what_is_ready_and_waits_for_what_is_not(self, shell, tenant):
        async with Bench(shell) as bench:
            await bench.ask(tenant, 5)
            await bench.ask(tenant, 1, due=shell.clock.now() + timedelta(seconds=1.5))
            assert await bench.until(tenant, 5) == 5
            assert len(bench.of(tenant)) == 5
            assert await bench.until(tenant, 6) == 6
        assert len(set(bench.of(tenant))) == 6

    async def test_a_flood_of_one_tenant_does_not_hold_up_another(self, shell):
        noisy, quiet = await make_tenant(shell), await make_tenant(shell)
        async with Bench(shell, pause=0.01) as bench:
            await bench.ask(noisy, 600)
            await asyncio.sleep(0.5)
            asked = time.monotonic()
            await bench.ask(quiet, 1)
            while not any(t == quiet for _, t, _ in bench.done):
                await asyncio.sleep(0.01)
            waited = time.monotonic() - asked
            behind = sum(1 for _, t, _ in bench.done if t == noisy)
        assert behind < 600, f"served only after the whole flood ({waited:.1f} s)"

    async def test_work_that_always_fails_is_parked_and_said(self, shell, tenant):
        async with Bench(shell) as bench:
            (subject,) = await bench.ask(tenant, kind="fail")
            for _ in range(200):
                rows = await shell.boundary.dispatch("select parked_at, error, tries from core.work where subject = $1", subject)
                if rows[0]["parked_at"]:
                    break
                await asyncio.sleep(0.05)
        assert rows[0]["parked_at"]
        assert "always fails" in rows[0]["error"]
        assert rows[0]["tries"] == 2


class TestWithoutRedis:
    async def test_the_same_work_is_done_in_this_process(self, shell, tenant):
        async with Bench(shell, redis_url="redis://127.0.0.1:1/0") as bench:
            await bench.ask(tenant, 20)
            assert await bench.until(tenant, 20) == 20

    async def test_a_flushed_queue_loses_nothing(self, shell, tenant):
        redis = connect(shell.settings.redis_url)
        async with Bench(shell, pause=0.002) as bench:
            for _ in range(8):
                await bench.ask(tenant, 10)
                await redis.flushall()
            assert await bench.until(tenant, 80) == 80
        await redis.aclose()

    async def test_forged_hints_cost_an_empty_poll(self, shell, tenant):
        from worker.broker import Hints

        async with Bench(shell) as bench:
            forger = Hints(shell.settings.redis_url)
            forger.send([(new_id(), 0)] * 5, 50)
            forger._broker.enqueue(forger._actor.message(1, "not a tenant", 0))
            forger._broker.enqueue(forger._actor.message(9, str(tenant), 0))
            await bench.ask(tenant, 3)
            assert await bench.until(tenant, 3) == 3
            forger._client.close()
