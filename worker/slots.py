"""The capped set of tasks a worker process runs on its one loop; whoever hands in work waits while the set is full."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from uuid import UUID

from app.core.errors import Fault
from app.core.services import Shell


class Slots:
    """Runs `serve(tenant)` for at most `cap` tenants at once; the same tenant asked for again while it waits is one."""

    def __init__(self, shell: Shell, cap: int, serve: Callable[[Shell, UUID], Awaitable[bool]], again: Callable[[], None]) -> None:
        self._shell = shell
        self._serve = serve
        self._again = again
        self._loop = asyncio.get_running_loop()
        self._free = threading.BoundedSemaphore(cap)
        self._tasks: set[asyncio.Task[None]] = set()
        self._cap = cap
        self.closing = False

    def from_thread(self, tenant: UUID) -> None:
        """Take a tenant from a queue thread; blocks while every slot is taken, so unread hints stay in the queue."""
        while not self._free.acquire(timeout=0.5):
            if self.closing:
                return
        self._loop.call_soon_threadsafe(self._spawn, tenant)

    def from_loop(self, tenant: UUID) -> bool:
        """Take a tenant if a slot is free."""
        if self.closing or not self._free.acquire(blocking=False):
            return False
        self._spawn(tenant)
        return True

    async def drain(self, seconds: float) -> None:
        """Stop taking tenants and let those at work end, `seconds` at most."""
        self.closing = True
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        for task in self._tasks:
            task.cancel()
        for task in list(self._tasks):
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _spawn(self, tenant: UUID) -> None:
        task = self._loop.create_task(self._run(tenant))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._free.release()

    async def _run(self, tenant: UUID) -> None:
        try:
            if await self._serve(self._shell, tenant):
                self._again()
        except Fault as error:  # the database is away: the rows stay ready, the next poll offers them again
            self._shell.log.warning("tenant not served", error=error.detail)
        except Exception as error:  # the edge of a task: nobody above it would hear
            self._shell.log.error("serving failed", error=repr(error), exc_info=error)
