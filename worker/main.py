"""The worker process: one loop, one set of pools, Dramatiq's threads that only hand tenants over, the dispatcher, the schedule."""

import asyncio
import contextlib
import signal

from prometheus_client import start_http_server

from app.core import telemetry
from app.core.services import Shell
from app.core.settings import Settings
from app.main.assembly import build_shell
from worker import schedule
from worker.broker import Hints
from worker.dispatcher import Dispatcher
from worker.serve import serve
from worker.slots import Slots

DRAIN_SECONDS = 20.0


async def run(settings: Settings) -> None:
    """Work until SIGTERM, SIGINT or SIGHUP, then stop in order: dispatcher, queue, tasks, pools."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stopping.set)
    shell = await build_shell(settings)
    if settings.worker_metrics_port:
        start_http_server(settings.worker_metrics_port, addr=settings.listen_host, registry=telemetry.REGISTRY)
    try:
        await work(shell, stopping)
    finally:
        await shell.extras["close"]()


async def work(shell: Shell, stopping: asyncio.Event) -> None:
    """Dispatch and serve with this shell until `stopping` is set."""
    cap = shell.settings.worker_slots
    slots = Slots(shell, cap, serve, shell.doorbell.ring)
    hints = Hints(shell.settings.redis_url)
    await asyncio.to_thread(hints.start, slots, shell.settings.worker_threads)
    side = asyncio.create_task(schedule.run(shell, stopping))
    shell.log.info("worker ready", slots=cap)
    try:
        await Dispatcher(shell, hints, slots, cap).run(stopping)
    finally:
        stopping.set()
        slots.closing = True
        await asyncio.to_thread(hints.stop)
        await slots.drain(DRAIN_SECONDS)
        side.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await side
