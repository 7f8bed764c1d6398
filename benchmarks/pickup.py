"""P8: from the commit of an idle tenant's work to its first step, against Dramatiq's own pickup with default settings."""

import asyncio
import statistics
import threading
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from app.core.doorbell import Doorbell
from app.core.ids import new_id
from app.core.listeners import Listeners, Work
from benchmarks.ground import Ground, ground
from benchmarks.harness import Result, spin
from tenants.boundary import DatabaseBoundary
from worker import main as worker_main

SAMPLES = 15
IDLE_SECONDS = 1.1


async def measure() -> list[Result]:
    """Alternate one pickup of each, a second of idleness before each."""
    async with ground(server=False) as g:
        ours, default = [], []
        async with _Ours(g) as mine:
            reference = _Default(g.valkey.url)
            await asyncio.sleep(1)
            for _ in range(SAMPLES):
                await asyncio.sleep(IDLE_SECONDS)
                default.append(await asyncio.to_thread(reference.once))
                ours.append(await mine.once())
            reference.stop()
        ratio = statistics.median(ours) / statistics.median(default)
        quantiles = statistics.quantiles(ours, n=20)
        return [
            Result(
                "P8", "seconds from commit to first step, over Dramatiq's default pickup", ratio, "<= 0.05", statistics.median(ours), statistics.median(default),
                [round(a / b, 4) for a, b in zip(ours, default, strict=True)], calibration=spin(), rows_ok=len(ours) == SAMPLES, note=f"p95 {quantiles[18] * 1000:.0f} ms",
            )
        ]  # fmt: skip


class _Ours:
    """A worker of ours with one kind of work that notes when it began."""

    def __init__(self, g: Ground) -> None:
        listeners = Listeners(work={"note": Work("note", self._note)})
        self._boundary = DatabaseBoundary(g.settings, listeners, g.shell.clock)  # type: ignore[arg-type]
        self._bell, self._ringer = Doorbell(g.settings.redis_url), Doorbell(g.settings.redis_url)
        self._boundary.ring_with(self._ringer.ring)
        self._ground = g
        self._shell = g.shell.but(boundary=self._boundary, doorbell=self._bell, extras={**g.shell.extras, "listeners": listeners})
        self._stopping = asyncio.Event()
        self._began: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def _note(self, shell, items):  # type: ignore[no-untyped-def]
        self._began.set_result(time.perf_counter())
        for item in items:
            async with shell.unit_of_work(item.tenant_id, actor="system:bench") as uow:
                await uow.finish(item)

    async def once(self) -> float:
        self._began = asyncio.get_running_loop().create_future()
        async with self._shell.unit_of_work(self._tenant, actor="system:bench") as uow:
            uow.work("note", subject=new_id())
        committed = time.perf_counter()
        return await asyncio.wait_for(self._began, 10) - committed

    async def __aenter__(self) -> "_Ours":
        (self._tenant, _), *_ = await self._ground.tenants(1)
        self._task = asyncio.create_task(worker_main.work(self._shell, self._stopping))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        await self._task
        await self._boundary.close()
        await self._bell.close()
        await self._ringer.close()


class _Default:
    """Dramatiq as it comes: an actor on a queue of its own."""

    def __init__(self, url: str) -> None:
        broker = RedisBroker(url=url, namespace="reference")  # type: ignore[no-untyped-call]
        self._began = threading.Event()
        self._at = 0.0
        self._actor = dramatiq.actor(actor_name="note", queue_name="reference", broker=broker)(self._note)
        self._worker = dramatiq.Worker(broker, queues={"reference"}, worker_threads=8)
        self._worker.start()

    def _note(self) -> None:
        self._at = time.perf_counter()
        self._began.set()

    def once(self) -> float:
        self._began.clear()
        self._actor.send()
        sent = time.perf_counter()
        if not self._began.wait(10):
            raise RuntimeError("the reference did not pick up")
        return self._at - sent

    def stop(self) -> None:
        self._worker.stop()
