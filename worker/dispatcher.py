"""The dispatcher: offers tenants with ready work in turn, so that one tenant's flood never makes another wait for its end.

One of all processes leads, by a lease row. It waits for the doorbell, else polls; it offers and never deletes, so a flushed
queue loses nothing. Without Redis each process serves what it finds by itself.
"""

import asyncio
import contextlib
import time
from uuid import UUID

from app.core.errors import Fault
from app.core.ids import LOWEST, new_id
from app.core.services import Shell
from worker.broker import Hints
from worker.slots import Slots

POLL_SECONDS = 0.25
LEASE_SECONDS = 5
OFFER_AGAIN_SECONDS = 0.05
REDIS_PAUSE_SECONDS = 1.0
ROUND = 64
_LEASE = """
insert into core.dispatcher_lease (name, holder, expires_at) values ('dispatcher', $1, clock_timestamp() + make_interval(secs => $2))
on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
  where core.dispatcher_lease.holder = excluded.holder or core.dispatcher_lease.expires_at < clock_timestamp()
returning holder"""


class Dispatcher:
    """Runs until stopped; see the module's first lines for what it promises."""

    def __init__(self, shell: Shell, hints: Hints, slots: Slots, cap: int) -> None:
        self._shell = shell
        self._hints = hints
        self._slots = slots
        self._cap = cap
        self._me = new_id()
        self._after = LOWEST
        self._offered: dict[UUID, float] = {}
        self._redis_back_at = 0.0
        self._leads_until = 0.0
        self._vacuumed_at = time.monotonic()

    async def run(self, stopping: asyncio.Event) -> None:
        """Dispatch until `stopping` is set, then give the lease back."""
        while not stopping.is_set():
            try:
                skipped = await self._cycle()
            except Fault as error:
                self._shell.log.warning("dispatcher waits for the database", error=error.detail)
                skipped = False
                await asyncio.sleep(0.2)
            await self._shell.doorbell.wait(OFFER_AGAIN_SECONDS if skipped else POLL_SECONDS)
        with contextlib.suppress(Fault):
            await self._shell.boundary.dispatch("delete from core.dispatcher_lease where holder = $1", self._me)

    async def _cycle(self) -> bool:
        """One round: wake what became due, offer tenants after the last one served. True when some were held back for a moment."""
        if not await self._leads() and self._redis_up():
            return False
        await self._shell.boundary.dispatch("select core.wake_due()")
        ready = await self._ready()
        now = time.monotonic()
        offers = [(t, c) for t, c in ready if now - self._offered.get(t, 0.0) >= OFFER_AGAIN_SECONDS]
        if offers:
            await self._offer(offers, now)
        await self._vacuum(now)
        return len(offers) < len(ready)

    async def _ready(self) -> list[tuple[UUID, int]]:
        """The next tenants with ready work, round and round."""
        rows = await self._shell.boundary.dispatch("select * from core.ready_tenants($1, $2)", self._after, ROUND)
        if len(rows) < ROUND:
            seen = {r["tenant_id"] for r in rows}
            rest = await self._shell.boundary.dispatch("select * from core.ready_tenants($1, $2)", LOWEST, ROUND - len(rows))
            rows = [*rows, *(r for r in rest if r["tenant_id"] not in seen)]
        return [(r["tenant_id"], r["class"]) for r in rows]

    async def _offer(self, offers: list[tuple[UUID, int]], now: float) -> None:
        if self._redis_up():
            if await asyncio.to_thread(self._hints.send, offers, 2 * self._cap):
                self._remember(offers, now)
                return
            self._redis_back_at = now + REDIS_PAUSE_SECONDS
        self._remember([(t, c) for t, c in offers if self._slots.from_loop(t)], now)

    def _remember(self, offers: list[tuple[UUID, int]], now: float) -> None:
        self._offered = {t: at for t, at in self._offered.items() if now - at < OFFER_AGAIN_SECONDS}
        for tenant, _ in offers:
            self._offered[tenant] = now
            self._after = tenant

    def _redis_up(self) -> bool:
        return time.monotonic() >= self._redis_back_at

    async def _leads(self) -> bool:
        now = time.monotonic()
        if now < self._leads_until - LEASE_SECONDS / 2:
            return True
        held = await self._shell.boundary.dispatch(_LEASE, self._me, LEASE_SECONDS)
        self._leads_until = now + LEASE_SECONDS if held else 0.0
        return bool(held)

    async def _vacuum(self, now: float) -> None:
        """Autovacuum comes once a minute at best; by then a poll over dead rows costs several times more."""
        if now - self._vacuumed_at > 5:
            self._vacuumed_at = now
            await self._shell.boundary.dispatch("vacuum core.work")
