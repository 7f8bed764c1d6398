"""Keeping acts and facts: written as events are delivered, or made anew from all of them, with the same result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy import text as sql

from app.core.events import Event
from app.core.models import EventRow
from app.core.uow import UnitOfWork
from app.intelligence.acts import FOLDED, Act, act_of, cases_of
from app.intelligence.models import Act as ActRow
from app.intelligence.models import CaseFact

_BATCH: Final = 5000

# The case gives what figures group by; an act of a case that isn't there is left out, and an event counts once however often it comes.
_ACTS: Final = sql("""
insert into intelligence.act (tenant_id, id, customer_id, case_id, exception_type, case_opened_at, type, hand, is_touch, closed_alone, actor, at)
select c.tenant_id, x.id, c.customer_id, c.id, c.exception_type, c.opened_at, x.type,
  case when u.customer_id is not null then 'customer' else x.hand end, x.is_touch, x.closed_alone, x.actor, x.at
from unnest(cast(:id as uuid[]), cast(:case_id as uuid[]), cast(:type as text[]), cast(:hand as text[]), cast(:user_id as uuid[]), cast(:is_touch as boolean[]),
            cast(:closed_alone as boolean[]), cast(:actor as text[]), cast(:at as timestamptz[]))
     as x (id, case_id, type, hand, user_id, is_touch, closed_alone, actor, at)
join cases."case" c on c.id = x.case_id
left join tenants."user" u on u.id = x.user_id
on conflict (tenant_id, id) do nothing""")

# A fact is made of what stands now, so the order in which events come doesn't matter. The promise is the one that was open when the case
# began: a later one doesn't make an earlier message late, so it is kept once it is known.
_FACTS: Final = sql("""
insert into intelligence.case_fact as known (tenant_id, id, customer_id, exception_type, owner_id, happened_at, opened_at, first_person_at, first_run_at,
  first_told_at, promised_at, touches, closed_at, closed_alone, back_at)
select c.tenant_id, c.id, c.customer_id, c.exception_type, c.owner_id, least(c.opened_at, happened.at), c.opened_at, acts.first_person_at, acts.first_run_at,
  told.at, promised.at, acts.touches, closing.at, closing.closed_alone, least(acts.reopened_at, followed.at)
from cases."case" c
left join lateral (select cast(e.envelope ->> 'occurred_at' as timestamptz) as at from cases.case_signal s
  join core.event e on e.tenant_id = s.tenant_id and e.id = s.event_id where s.tenant_id = c.tenant_id and s.case_id = c.id order by s.id limit 1) happened on true
cross join lateral (select min(a.at) filter (where a.hand = 'person' and a.is_touch) as first_person_at, min(a.at) filter (where a.hand = 'run') as first_run_at,
  min(a.at) filter (where a.type = 'case.reopened') as reopened_at, count(*) filter (where a.is_touch) as touches
  from intelligence.act a where a.tenant_id = c.tenant_id and a.case_id = c.id) acts
left join lateral (select a.at, a.closed_alone from intelligence.act a
  where a.tenant_id = c.tenant_id and a.case_id = c.id and a.type = 'case.resolved' order by a.id limit 1) closing on true
left join lateral (select min(n.settled_at) as at from notifications.notice n
  where n.tenant_id = c.tenant_id and n.case_id = c.id and n.audience = 'customer' and n.status = 'delivered') told on true
left join lateral (select min(p.due_at) as at from canonical.promise p where p.tenant_id = c.tenant_id and (p.order_id = c.order_id or p.shipment_id = c.shipment_id)
  and p.created_at <= c.opened_at and (p.kept_at is null or p.kept_at > c.opened_at)) promised on true
left join lateral (select min(f.opened_at) as at from cases."case" f where f.tenant_id = c.tenant_id and f.previous_id = c.id) followed on true
where c.id = any (cast(:cases as uuid[]))
order by c.id
on conflict (tenant_id, id) do update set owner_id = excluded.owner_id, first_person_at = excluded.first_person_at, first_run_at = excluded.first_run_at,
  first_told_at = excluded.first_told_at, promised_at = coalesce(known.promised_at, excluded.promised_at), touches = excluded.touches,
  closed_at = excluded.closed_at, closed_alone = excluded.closed_alone, back_at = excluded.back_at""")


async def fold(uow: UnitOfWork, events: Iterable[Event]) -> None:
    """Note the acts these events tell of and bring the facts of their cases up to date; the same events again change nothing."""
    heard = [event for event in events if event.type.startswith(FOLDED)]
    acts = {act.id: act for event in heard if (act := act_of(event)) is not None}
    if acts:
        await uow.execute(_ACTS, _columns(acts.values()))
    cases = {case for event in heard for case in cases_of(event)}
    if cases:
        await uow.execute(_FACTS, {"cases": sorted(cases)})


async def rebuild(uow: UnitOfWork) -> None:
    """Make acts and facts anew from every event that is kept."""
    await uow.execute(delete(CaseFact))
    await uow.execute(delete(ActRow))
    after = UUID(int=0)
    while True:
        query = select(EventRow).where(EventRow.id > after).order_by(EventRow.id).limit(_BATCH)
        rows = (await uow.execute(query)).scalars().all()
        if not rows:
            return
        await fold(uow, [Event.read(row.tenant_id, row.recorded_at, row.envelope) for row in rows])
        after = rows[-1].id


def _columns(acts: Iterable[Act]) -> dict[str, list[Any]]:
    rows = sorted(acts, key=lambda act: act.id)
    return {name: [getattr(act, name) for act in rows] for name in msgspec.structs.asdict(rows[0])}
