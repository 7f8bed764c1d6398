"""The lane: parallel requests share a commit, and each is answered after it.

What waits when the writer is free goes into one call of `ingest.accept`, so a lone request never waits for others and a
burst commits by the hundred. A row the database refuses must never fail its neighbours: a refused batch is written again
one by one, and only the bad one's sender hears of it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

import asyncpg
import orjson

from app.core import faults
from app.core.context import Context
from app.core.errors import Invalid, Unavailable
from app.core.ids import new_id
from app.ingest.arrival import Accepted, Arrival

MOST_ROWS = 100
MOST_BYTES = 8 * 1024 * 1024
MOST_WAITING_BYTES = 128 * 1024 * 1024
ACTOR = "system:ingest"
_ABOUT_A_ROW = (asyncpg.PostgresError, TypeError, ValueError)
_ACCEPT = "select * from ingest.accept($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"


class SignalRefused(Invalid):
    """The database can't hold this message as it is; nothing of it was stored."""

    status = 422


class TooMuchWaiting(Unavailable):
    """More messages are waiting to be stored than fit; send this one again shortly."""


class NotAccepted(Unavailable):
    """This message was not stored; send it again."""


class Batches(Protocol):
    """The part of the boundary the lane needs."""

    async def batch(self, context: Context, query: str, *args: Any) -> list[Any]: ...


class _Waiting:
    __slots__ = ("arrival", "future")

    def __init__(self, arrival: Arrival) -> None:
        self.arrival = arrival
        self.future: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()

    def settle(self, answer: Accepted | Exception) -> None:
        if self.future.done():  # its request was given up meanwhile
            return
        if isinstance(answer, Exception):
            self.future.set_exception(answer)
        else:
            self.future.set_result(answer)


class Lane:
    """One writer of one process; `accept` returns once the arrival is durable."""

    def __init__(self, boundary: Batches, *, now: Callable[[], datetime], ring: Callable[[], None]) -> None:
        self._boundary = boundary
        self._now = now
        self._ring = ring
        self._queue: deque[_Waiting] = deque()
        self._bytes = 0
        self._writer: asyncio.Task[None] | None = None

    async def accept(self, arrival: Arrival) -> Accepted:
        """Store `arrival` and say under which id; raise SignalRefused, TooMuchWaiting or whatever keeps the database away."""
        if self._bytes + len(arrival.raw) > MOST_WAITING_BYTES:
            raise TooMuchWaiting()
        waiting = _Waiting(arrival)
        self._queue.append(waiting)
        self._bytes += len(arrival.raw)
        self._start()
        return await waiting.future

    def _start(self) -> None:
        if self._queue and (self._writer is None or self._writer.done()):
            self._writer = asyncio.create_task(self._write_all())
            # Should the writer itself fail, whoever is still waiting gets the next one.
            self._writer.add_done_callback(lambda _: self._start())

    async def _write_all(self) -> None:
        while self._queue:
            batch = self._take()
            try:
                await self._write(batch)
            finally:
                for waiting in batch:
                    waiting.settle(NotAccepted())
                self._bytes -= sum(len(w.arrival.raw) for w in batch)

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        while self._queue and len(batch) < MOST_ROWS and (not batch or size + len(self._queue[0].arrival.raw) <= MOST_BYTES):
            batch.append(self._queue.popleft())
            size += len(batch[-1].arrival.raw)
        return batch

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            answers = await self._store([w.arrival for w in batch])
        except (*_ABOUT_A_ROW, Unavailable) as error:
            await self._isolate(batch, error)
            return
        for waiting, answer in zip(batch, answers, strict=True):
            waiting.settle(answer)
        if not all(a.is_duplicate for a in answers):
            self._ring()

    async def _isolate(self, batch: Sequence[_Waiting], error: Exception) -> None:
        """Find the row that was refused by trying each alone; a database that is away is away for all."""
        if not _is_about_a_row(error):
            for waiting in batch:
                waiting.settle(error)
        elif len(batch) == 1:
            batch[0].settle(SignalRefused())
        else:
            for waiting in batch:
                await self._write([waiting])

    async def _store(self, arrivals: Sequence[Arrival]) -> list[Accepted]:
        context = Context.many({a.tenant_id for a in arrivals}, actor=ACTOR)
        rows = await self._boundary.batch(context, _ACCEPT, *_columns(arrivals, self._now()))
        faults.point("after-accept-before-answer")
        return [Accepted(row["signal_id"], not row["is_new"], row["is_same"]) for row in rows]


def _is_about_a_row(error: Exception) -> bool:
    # The driver's own refusal of a value reaches us as "away" with the ValueError behind it.
    return isinstance(error, _ABOUT_A_ROW) or isinstance(error.__cause__, ValueError)


def _columns(arrivals: Sequence[Arrival], now: datetime) -> list[list[Any]]:
    ids = [new_id() for _ in arrivals]
    events = [a.accepted(i, new_id(), now) for a, i in zip(arrivals, ids, strict=True)]
    return [
        [a.tenant_id for a in arrivals], ids, [a.customer_id for a in arrivals], [a.key for a in arrivals], [a.body_hash for a in arrivals],
        [a.source for a in arrivals], [a.kind for a in arrivals], [a.sender_id for a in arrivals], [a.content_type for a in arrivals],
        [orjson.dumps(a.headers).decode() for a in arrivals], [a.raw for a in arrivals], [new_id() for _ in arrivals],
        [new_id() for _ in arrivals], [e.id for e in events], [orjson.dumps(e.envelope()).decode() for e in events], [a.trace for a in arrivals],
    ]  # fmt: skip
