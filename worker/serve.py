"""Serving one tenant: lease what is ready, hand it to the room that knows the kind, retry or park what fails."""

import asyncio
import contextlib
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Iterable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text as sql
from sqlalchemy.exc import SQLAlchemyError

from app.core import telemetry
from app.core.context import Context
from app.core.delivery import listeners_of
from app.core.errors import Fault
from app.core.ids import new_id
from app.core.listeners import Work
from app.core.services import Shell, WorkItem
from app.core.uow import LostLease

SLICE_SECONDS = 0.25
LONGEST_BACKOFF = 300.0
ACTOR = "system:worker"


async def serve(shell: Shell, tenant: UUID) -> bool:
    """Work for one tenant for a short slice; True when it may have more, so that others get their turn first."""
    until = time.monotonic() + SLICE_SECONDS
    while True:
        found = await _round(shell, tenant)
        if not found:
            return False
        if time.monotonic() > until:
            return True


async def _round(shell: Shell, tenant: UUID) -> bool:
    kinds = listeners_of(shell).work
    leased = await _lease(shell, tenant, [w for w in kinds.values() if not w.claims_itself])
    own = [w for w in kinds.values() if w.claims_itself]
    for work in own:
        items = await _ready(shell, tenant, work)
        if items:
            leased[work.kind] = items
    await asyncio.gather(*(_do(shell, kinds[kind], items) for kind, items in leased.items()))
    return bool(leased)


async def _lease(shell: Shell, tenant: UUID, kinds: Iterable[Work]) -> dict[str, list[WorkItem]]:
    """Lease ready items, one claim for all kinds of the same lease and batch."""
    token = new_id()
    groups: dict[tuple[int, timedelta], list[str]] = defaultdict(list)
    for work in kinds:
        groups[(work.batch, work.lease)].append(work.kind)
    found: dict[str, list[WorkItem]] = defaultdict(list)
    for (batch, lease), names in groups.items():
        async with shell.boundary.unit_of_work(Context.one(tenant, actor=ACTOR)) as uow:
            rows = await uow.session.execute(
                sql("select * from core.claim_work(cast(:kinds as text[]), :batch, :lease, :token)"),
                {"kinds": names, "batch": batch, "lease": lease, "token": token},
            )
            for r in rows:
                found[r.kind].append(WorkItem(r.id, tenant, r.kind, r.subject, tuple(r.subjects or ()), token, r.version, r.tries))
    return dict(found)


async def _ready(shell: Shell, tenant: UUID, work: Work) -> list[WorkItem]:
    """Ready items of a kind that leases by its own means."""
    async with shell.read(tenant, actor=ACTOR) as uow:
        rows = await uow.session.execute(sql("select * from core.ready_work(:kind, :batch)"), {"kind": work.kind, "batch": work.batch})
        return [WorkItem(r.id, tenant, work.kind, r.subject, (), UUID(int=0), r.version, r.tries) for r in rows]


async def _do(shell: Shell, work: Work, items: list[WorkItem]) -> None:
    """Run the handler under a renewed lease; what it did not finish is tried again later or parked."""
    renewal = asyncio.create_task(_renew(shell, work, items)) if not work.claims_itself else None
    try:
        await work.handle(shell, items)
        telemetry.WORK_DONE.labels(work.kind.split(":")[0], "done").inc(len(items))
    except LostLease as lost:
        shell.log.warning("lease lost", kind=work.kind, work=str(lost))
    except Exception as error:  # the edge of a unit of work: whatever it was, the item stays and somebody hears of it
        telemetry.WORK_DONE.labels(work.kind.split(":")[0], "failed").inc(len(items))
        await _failed(shell, work, items, error)
    finally:
        if renewal:
            renewal.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewal


async def _renew(shell: Shell, work: Work, items: list[WorkItem]) -> None:
    pause = work.lease.total_seconds() / 3
    while True:
        await asyncio.sleep(pause)
        with contextlib.suppress(Fault, SQLAlchemyError):
            async with shell.unit_of_work(items[0].tenant_id, actor=ACTOR) as uow:
                await uow.session.execute(
                    sql("select core.renew_work(cast(:ids as uuid[]), :token, :lease)"),
                    {"ids": [i.id for i in items], "token": items[0].token, "lease": work.lease},
                )


async def _failed(shell: Shell, work: Work, items: list[WorkItem], error: Exception) -> None:
    """Give each item back with a growing pause; at its last try it is parked for a person and an event says so."""
    away = isinstance(error, Fault) and error.status == 503
    reason = f"{type(error).__name__}: {error}"
    if not (isinstance(error, Fault) and error.status < 500) and not away:
        shell.log.error("work failed", kind=work.kind, items=len(items), error=reason, exc_info=error)
    if work.claims_itself:
        return
    await _settle_quietly(shell, (_give_back(shell, work, item, reason, away) for item in items))


async def _give_back(shell: Shell, work: Work, item: WorkItem, reason: str, away: bool) -> None:
    async with shell.unit_of_work(item.tenant_id, actor=ACTOR) as uow:
        if item.tries >= work.most_tries and not away:
            parked = await uow.session.scalar(
                sql("select core.park_work(:id, :token, :error)"), {"id": item.id, "token": item.token, "error": reason}
            )
            if parked:
                uow.publish(
                    "work.parked",
                    subject=f"work:{item.id}",
                    data={"kind": work.kind, "subject": item.subject, "tries": item.tries, "error": reason[:300]},
                )
            return
        pause = min(LONGEST_BACKOFF, 0.1 * 4 ** min(item.tries, 8)) * random.uniform(0.7, 1.3)
        await uow.session.execute(
            sql("select core.retry_work(:id, :token, :pause, :error)"),
            {"id": item.id, "token": item.token, "pause": timedelta(seconds=pause), "error": reason},
        )


async def _settle_quietly(shell: Shell, settling: Iterable[Awaitable[None]]) -> None:
    for one in settling:
        try:
            await one
        except (Fault, SQLAlchemyError) as error:  # the lease runs out by itself: the item comes back anyway
            shell.log.warning("could not give work back", error=str(error))
