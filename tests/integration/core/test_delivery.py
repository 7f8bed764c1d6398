"""Delivery to LATER listeners: nothing missed, nothing twice, whatever the order of commits."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import text as sql

from app.core.context import Context
from app.core.delivery import delivery_work
from app.core.ids import new_id
from app.core.listeners import Later, Listeners
from tenants.boundary import DatabaseBoundary
from worker.serve import serve

pytestmark = pytest.mark.feature("M13", "M62")


class Ear:
    """A listener that writes what it hears through its unit of work, and fails when told to."""

    def __init__(self, name):
        self.name, self.fail = name, False
        self.order = []

    async def hear(self, uow, events):
        for event in events:
            if event.type != "told.said":
                continue
            await uow.session.execute(
                sql("insert into core.idempotency (id, principal, key, request_hash, expires_at) values (:id, :p, :k, '', now())"),
                {"id": new_id(), "p": self.name, "k": f"{event.id}:{new_id()}"},
            )
            self.order.append(event.data["n"])
        if self.fail:
            raise ValueError("this listener fails")


def _with(shell, *ears):
    base = Listeners(later=tuple(Later(e.name, e.hear) for e in ears))
    heard = Listeners(later=base.later, work=delivery_work(base))
    boundary = DatabaseBoundary(shell.settings, heard, shell.clock)
    return shell.but(boundary=boundary, extras={**shell.extras, "listeners": heard})


async def _tell(shell, tenant, n, pause=0.0):
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        event = uow.publish("told.said", data={"n": n})
        await uow.session.execute(sql("select 1"))
        await asyncio.sleep(pause)
    return event.id


async def _heard(shell, tenant, name):
    async with shell.read(tenant) as uow:
        rows = await uow.execute(sql("select key from core.idempotency where principal = :p"), {"p": name})
        return Counter(r.key.split(":")[0] for r in rows)


async def _until_empty(shell, tenant, rounds=30):
    for _ in range(rounds):
        await shell.boundary.dispatch("select core.wake_due()")
        await serve(shell, tenant)
        if not await shell.boundary.dispatch("select 1 from core.work where tenant_id = $1 limit 1", tenant):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("work is left")


class TestDelivery:
    async def test_slow_and_fast_writers_are_each_heard_once(self, shell, tenant):
        ear = Ear("ear")
        with_ear = _with(shell, ear)
        stop = asyncio.Event()

        async def deliver():
            while not stop.is_set():
                await serve(with_ear, tenant)
                await asyncio.sleep(0.005)

        delivering = asyncio.create_task(deliver())
        ids = await asyncio.gather(*(_tell(with_ear, tenant, n, pause=0.15 if n % 3 == 0 else 0.0) for n in range(30)))
        stop.set()
        await delivering
        await _until_empty(with_ear, tenant)
        assert await _heard(shell, tenant, "ear") == Counter({str(i): 1 for i in ids})
        await with_ear.boundary.close()

    async def test_two_workers_at_once_hear_each_event_once(self, shell, tenant):
        ear = Ear("ear")
        with_ear = _with(shell, ear)
        ids = [await _tell(with_ear, tenant, n) for n in range(40)]
        await asyncio.gather(*(serve(with_ear, tenant) for _ in range(4)))
        await _until_empty(with_ear, tenant)
        assert await _heard(shell, tenant, "ear") == Counter({str(i): 1 for i in ids})
        await with_ear.boundary.close()

    async def test_a_failing_listener_holds_nobody_up_and_catches_up_later(self, shell, tenant):
        good, bad = Ear("good"), Ear("bad")
        bad.fail = True
        with_ears = _with(shell, bad, good)
        ids = [await _tell(with_ears, tenant, n) for n in range(5)]
        await serve(with_ears, tenant)
        assert await _heard(shell, tenant, "good") == Counter({str(i): 1 for i in ids})
        assert await _heard(shell, tenant, "bad") == Counter()
        bad.fail = False
        await _until_empty(with_ears, tenant)
        assert await _heard(shell, tenant, "bad") == Counter({str(i): 1 for i in ids})
        assert await _heard(shell, tenant, "good") == Counter({str(i): 1 for i in ids})
        await with_ears.boundary.close()

    async def test_a_worker_that_died_before_its_commit_changes_nothing(self, shell, tenant):
        ear = Ear("ear")
        with_ear = _with(shell, ear)
        event = await _tell(with_ear, tenant, 1)
        uow = await with_ear.boundary.open(Context.one(tenant, actor="system:test"))
        await uow.session.execute(sql("select * from core.claim_work(array['deliver'], 10, interval '0.2 seconds', :t)"), {"t": new_id()})
        await uow.session.commit()
        await uow.session.close()
        await asyncio.sleep(0.3)
        await _until_empty(with_ear, tenant)
        assert await _heard(shell, tenant, "ear") == Counter({str(event): 1})
        await with_ear.boundary.close()


class TestTheWrongForm:
    """Why there is no cursor: order of ids is not order of commits."""

    async def test_a_cursor_over_ids_loses_the_slow_writer(self, shell, tenant):
        slow = asyncio.create_task(_tell(shell, tenant, "slow", pause=0.4))
        await asyncio.sleep(0.15)
        await _tell(shell, tenant, "fast")
        async with shell.read(tenant) as uow:
            cursor = await uow.session.scalar(sql("select id from core.event where type = 'told.said' order by id desc limit 1"))
        await slow
        async with shell.read(tenant) as uow:
            seen = await uow.session.scalar(sql("select count(*) from core.event where type = 'told.said' and id > :c"), {"c": cursor})
            there = await uow.session.scalar(sql("select count(*) from core.event where type = 'told.said'"))
        assert (seen, there) == (0, 2), "the cursor passed the slow writer's event before it was committed"
