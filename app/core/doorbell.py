"""The doorbell: tells the dispatcher that work is ready. Best effort; the record is Postgres, a lost ring costs one poll."""

import asyncio
import contextlib
from typing import cast

from redis.asyncio import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

KEY = "bell"
LONGEST_WAIT = 1.0


def connect(url: str) -> Redis:
    """A client that fails fast: the library's own defaults retry for seconds while we could be working."""
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=0.25, socket_timeout=2.0)


class Doorbell:
    """Rings through Redis for other processes and through an event for this one; never raises."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url)
        self._local = asyncio.Event()
        self._ringing: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def ring(self) -> None:
        """Say that work is ready; returns at once. Rings that come while one is on its way are one ring."""
        self._local.set()
        if not self._ringing:
            task = asyncio.get_running_loop().create_task(self._push())
            self._ringing.add(task)
            task.add_done_callback(self._ringing.discard)

    async def wait(self, seconds: float) -> None:
        """Return when rung, or after `seconds`; without Redis only this process's rings are heard."""
        self._local.clear()
        local = asyncio.ensure_future(self._local.wait())
        remote = asyncio.ensure_future(self._pop(min(seconds, LONGEST_WAIT)))
        try:
            await asyncio.wait({local, remote}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if remote.done() and not remote.result():
                await asyncio.wait({local}, timeout=max(0.0, min(seconds, 0.25)))
        finally:
            for task in (local, remote):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def close(self) -> None:
        await self._redis.aclose()

    async def _push(self) -> None:
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            # One waiting ring is enough; more would only be read by nobody.
            rings = self._redis.pipeline(transaction=False)
            rings.lpush(KEY, b"1")
            rings.ltrim(KEY, 0, 15)
            await rings.execute()

    async def _pop(self, seconds: float) -> bool:
        try:
            popped = await cast("asyncio.Future[object]", self._redis.blpop([KEY], timeout=seconds))
        except (RedisError, OSError, TimeoutError):
            return False
        return popped is not None
