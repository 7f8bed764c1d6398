"""A few children at work and one spare, so that a kill costs the next caller nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from app.core.errors import Unavailable
from app.core.sandbox.nursery import Child, Nursery

_log = structlog.get_logger()


class Pool:
    """At most `size` children work at once; a child that died is replaced behind the callers' backs."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Child] = []
        self._nursery = Nursery()
        self._refills: set[asyncio.Task[None]] = set()
        self._open = False

    async def open(self) -> None:
        """Start the children and the spare."""
        self._open = True
        for _ in range(self._size + 1):
            self._idle.append(await self._nursery.fork())

    async def close(self) -> None:
        """End every process."""
        self._open = False
        for task in self._refills:
            task.cancel()
        await asyncio.gather(*self._refills, return_exceptions=True)
        while self._idle:
            self._idle.pop().kill()
        await asyncio.to_thread(self._nursery.close)

    @asynccontextmanager
    async def child(self) -> AsyncIterator[Child]:
        """One child for one request; waits for its turn."""
        async with self._slots:
            child = await self._take()
            try:
                yield child
            finally:
                self._give_back(child)

    async def _take(self) -> Child:
        while self._idle:
            child = self._idle.pop()
            if child.alive:
                return child
        return await self._nursery.fork()

    def _give_back(self, child: Child) -> None:
        if child.alive and self._open:
            self._idle.append(child)
            return
        child.kill()
        if self._open:
            task = asyncio.get_running_loop().create_task(self._refill())
            self._refills.add(task)
            task.add_done_callback(self._refills.discard)

    async def _refill(self) -> None:
        try:
            child = await self._nursery.fork()
        except Unavailable:
            _log.warning("sandbox.refill_failed")  # the next caller tries again and is told
            return
        if self._open and len(self._idle) <= self._size:
            self._idle.append(child)
        else:
            child.kill()
