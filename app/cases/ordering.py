"""Putting cases in their places without anything having happened to them: by new weights, and after a customer's own command.

A place follows from the case, its clocks and the weights, so no event tells of it; who changes any of these says so.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, text

from app.cases import urgency, weights
from app.cases.models import Case, QueueWeights
from app.cases.snoozing import latest, put_aside
from app.core.ids import LOWEST
from app.core.uow import UnitOfWork

BATCH: Final = 500
"""Cases one transaction puts in their places: each holds its rows for some tens of milliseconds."""

BATCHES: Final = 5
"""Batches in a row, before whoever else has work has a turn."""
SECOND_PASS: Final = timedelta(seconds=30)
_REMEMBER = text("update cases.queue_weights set ordered_to = :last where id = :id")
_PUT = text("""update cases."case" as c set urgent_at = w.urgent_at, ranked_by = :version,
  surfaced_at = case when :is_news and w.urgent_at < c.urgent_at then cast(:now as timestamptz) else c.surfaced_at end
from (select * from unnest(cast(:ids as uuid[]), cast(:places as bigint[])) as x (id, urgent_at)) as w where c.id = w.id""")


async def step(uow: UnitOfWork, after: UUID = LOWEST) -> UUID | None:
    """Puts the next unfinished cases after `after` in their places by the weights in force; returns the last of them, None at the end."""
    version, _ = await weights.in_force(uow)
    # Held in the order of their ids, as every batch takes them, so that no case moves between the look and the write.
    query = select(Case).where(Case.id > after, Case.status != "resolved").order_by(Case.id).limit(BATCH)
    cases = list((await uow.execute(query.with_for_update(key_share=True))).scalars())
    await _put(uow, [case for case in cases if case.ranked_by != version], is_news=False)
    return cases[-1].id if len(cases) == BATCH else None


async def one(uow: UnitOfWork, case_id: UUID) -> None:
    """Puts one case in its place; one that rests past its next clock is put aside anew."""
    case = await uow.find(Case, case_id, lock=True)
    if case is None or case.status == "resolved":
        return
    await _put(uow, [case], is_news=True)
    if case.snoozed_until is not None and case.awaits and (most := await latest(uow, case)) < case.snoozed_until:
        await put_aside(uow, case, awaits=case.awaits, until=most, event=case.wakes_on)  # type: ignore[arg-type]


async def _put(uow: UnitOfWork, cases: list[Case], *, is_news: bool) -> None:
    if not cases:
        return
    version, chosen = await weights.in_force(uow)
    running = await weights.clocks_of(uow, [case.id for case in cases])
    places = [urgency.urgent_at(urgency.standing(case, running.get(case.id, [])), chosen) for case in cases]
    given = {"ids": [case.id for case in cases], "places": places, "version": version, "now": uow.now, "is_news": is_news}
    await uow.session.execute(_PUT, given)


async def advance(uow: UnitOfWork, weights_id: UUID) -> bool:
    """Puts the next batch in its place and remembers how far it got; True when there is more to do.

    The first time through, work for a second pass is left: who read the old weights before they changed may have written after we passed.
    Publishes queue_weights.applied at the end of the first.
    """
    row = await uow.find(QueueWeights, weights_id)
    version, _ = await weights.in_force(uow)
    if row is None or row.version != version:
        return False
    last = await step(uow, row.ordered_to or LOWEST)
    await uow.session.execute(_REMEMBER, {"id": weights_id, "last": last})
    if last is None and row.ordered_at is None:
        uow.work(weights.WORK, subject=weights_id, due=uow.now + SECOND_PASS, cls="bulk")
        await settled(uow, weights_id)
    return last is not None


async def settled(uow: UnitOfWork, weights_id: UUID) -> None:
    """Notes that every case stands in its place by these weights. Publishes queue_weights.applied."""
    row = await uow.find(QueueWeights, weights_id, lock=True)
    if row is not None and row.ordered_at is None:
        row.ordered_at = uow.now
        uow.publish("queue_weights.applied", of=row, data={"version": row.version})
