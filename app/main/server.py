"""The API process: uvicorn around the application, on one loop with its shell."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import uvicorn

from app.core.errors import Fault
from app.core.settings import Settings
from app.main.application import create_app
from app.main.assembly import build_shell

SHUTDOWN_SECONDS = 3


async def serve(settings: Settings) -> None:
    """Answer requests until SIGTERM, SIGINT or SIGHUP."""
    shell = await build_shell(settings)
    clock = asyncio.create_task(_follow_clock(shell.boundary.follow_clock))
    config = uvicorn.Config(
        create_app(shell), host=settings.listen_host, port=settings.listen_port, log_level="warning", access_log=False, server_header=False, date_header=True,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS, lifespan="off", http="httptools", loop="asyncio",
    )  # fmt: skip
    server = uvicorn.Server(config)
    loop = asyncio.get_running_loop()
    try:
        running = asyncio.create_task(server.serve())
        while not server.started and not running.done():
            await asyncio.sleep(0.01)
        loop.add_signal_handler(signal.SIGHUP, lambda: setattr(server, "should_exit", True))
        shell.log.info("api ready", host=settings.listen_host, port=settings.listen_port)
        await running
    finally:
        clock.cancel()
        await shell.extras["close"]()


async def _follow_clock(follow: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await follow()
        except Fault:
            await asyncio.sleep(1)
            continue
        await asyncio.sleep(30)
