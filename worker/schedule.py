"""What happens by the clock alone, in every worker process: following the database's time, partitions ahead."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from app.core.errors import Fault
from app.core.services import Shell


async def keep_time(shell: Shell) -> None:
    """Shift our clock to the database's."""
    await shell.boundary.follow_clock()


async def keep_partitions(shell: Shell) -> None:
    """Make the partitions of the months ahead."""
    made = await shell.boundary.dispatch("select core.keep_partitions() as made")
    if made[0]["made"]:
        shell.log.info("partitions made", number=made[0]["made"])


SCHEDULE: list[tuple[float, Callable[[Shell], Awaitable[None]]]] = [(30.0, keep_time), (3600.0, keep_partitions)]


async def run(shell: Shell, stopping: asyncio.Event) -> None:
    """Run each at the start and then at its interval (seconds) until `stopping` is set."""
    due = {job: 0.0 for _, job in SCHEDULE}
    while not stopping.is_set():
        for interval, job in SCHEDULE:
            if time.monotonic() >= due[job]:
                due[job] = time.monotonic() + interval
                try:
                    await job(shell)
                except Fault as error:
                    shell.log.warning("schedule waits", job=job.__name__, error=error.detail)
                    due[job] = time.monotonic() + 2
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), 1.0)
