"""What is read of log and chains."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, and_, func, null, or_, select, union_all

from app.audit.chain import Head, Link, evidence
from app.audit.models import AuditEntry, ChainHead
from app.audit.schemas import AuditView
from app.core.errors import NotFound
from app.core.events import Event
from app.core.ids import lowest_at
from app.core.models import EventRow
from app.core.paging import Page, page
from app.core.uow import UnitOfWork

_BATCH = 2000
OVERDUE = timedelta(minutes=10)
"""An event that is not chained after this long was not forgotten by accident."""

_SAME = and_(AuditEntry.tenant_id == EventRow.tenant_id, AuditEntry.id == EventRow.id)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the log is narrowed to; what is left out narrows nothing.

    `type` is one type of event, `families` the beginnings of types ("brand" for all of "brand.…"), `key` one thing ("case:<id>"),
    `actors` who did it, and the moments the first and the last that are shown.
    """

    type: str | None = None
    families: tuple[str, ...] = ()
    key: str | None = None
    customer_id: UUID | None = None
    actors: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def narrow(self, query: Any) -> Any:
        """Return the query with these conditions."""
        equal = {EventRow.customer_id: self.customer_id, EventRow.type: self.type, EventRow.key: self.key}
        for column, value in equal.items():
            query = query if value is None else query.where(column == value)
        if self.families:
            # As ranges, which the index over types answers.
            query = query.where(or_(*(and_(EventRow.type > f"{name}.", EventRow.type < f"{name}/") for name in self.families)))
        if self.actors is not None:
            query = query.where(EventRow.envelope["actor"].astext.in_(self.actors))
        # Ids follow time, and the log is cut by them: a span reads only the parts it lies in.
        if self.since is not None:
            query = query.where(EventRow.id >= lowest_at(self.since))
        if self.until is not None:
            query = query.where(EventRow.id < lowest_at(self.until))
        return query


async def log(uow: UnitOfWork, wanted: Wanted, *, cursor: str | None, limit: int) -> Page[AuditView]:
    """Return the log, newest first, as far as it is wanted."""
    query: Any = select(EventRow, AuditEntry.seq, AuditEntry.hash).outerjoin(AuditEntry, _SAME)
    whole = uow.customer_id is None
    query = wanted.narrow(query)
    return await page(uow, query, by=[(EventRow.id, UUID)], cursor=cursor, limit=limit, view=lambda row: _view(uow, row, whole))


async def one(uow: UnitOfWork, event_id: UUID) -> AuditView:
    """Return one entry of the log; raises NotFound."""
    query = select(EventRow, AuditEntry.seq, AuditEntry.hash).outerjoin(AuditEntry, _SAME).where(EventRow.id == event_id)
    row = (await uow.execute(query)).one_or_none()
    if row is None:
        raise NotFound()
    return _view(uow, row, uow.customer_id is None)


async def anchored(uow: UnitOfWork) -> tuple[int, int, datetime | None]:
    """Return how many entries the chains hold, how many of them are anchored outside the database, and when that was last done."""
    asked = select(
        func.coalesce(func.sum(ChainHead.seq), 0), func.coalesce(func.sum(ChainHead.anchored_seq), 0), func.max(ChainHead.anchored_at)
    )
    row: Any = (await uow.execute(asked)).one()
    return int(row[0]), int(row[1]), row[2]


async def heads(uow: UnitOfWork) -> dict[UUID | None, tuple[Head, int]]:
    """Return each chain's head as the database says, and the last place that has an entry: of one moment, so that both can be compared."""
    said = select(ChainHead.customer_id, ChainHead.seq, ChainHead.hash)
    last = select(AuditEntry.customer_id, func.max(AuditEntry.seq), null()).group_by(AuditEntry.customer_id)
    found: dict[UUID | None, tuple[Head, int]] = {}
    rows: Any = (await uow.execute(union_all(said, last))).all()
    for customer_id, seq, link in rows:
        head, reached = found.get(customer_id, (Head(0, b""), 0))
        found[customer_id] = (head, seq) if link is None else (Head(seq, bytes(link)), reached)
    return found


async def links(uow: UnitOfWork, customer_id: UUID | None, upto: int) -> AsyncIterator[tuple[Link, Mapping[str, Any] | None]]:
    """Yield a chain's links in order of place up to `upto`, each with the event as the log has it now (None: it has not)."""
    after = 0
    owner = AuditEntry.customer_id.is_(None) if customer_id is None else AuditEntry.customer_id == customer_id
    query = (
        select(AuditEntry.id, AuditEntry.seq, AuditEntry.prev, AuditEntry.hash, EventRow.id.label("event_id"), EventRow.customer_id)
        .add_columns(EventRow.type, EventRow.key, EventRow.recorded_at, EventRow.envelope)
        .outerjoin(EventRow, _SAME)
        .where(owner)
        .order_by(AuditEntry.seq, AuditEntry.id)
        .limit(_BATCH)
    )
    while after < upto:
        rows = (await uow.execute(query.where(AuditEntry.seq > after, AuditEntry.seq <= upto))).all()
        for row in rows:
            yield Link(row.id, row.seq, row.prev, row.hash), _as_logged(uow.tenant_id, row)
        after = rows[-1].seq if rows else upto


async def unchained(uow: UnitOfWork, customer_id: UUID | None, *, limit: int = 100) -> tuple[int, list[tuple[UUID, UUID | None]]]:
    """Return how many events wait to be chained, and those (with their customer) that have waited too long."""
    missing = select(EventRow.id, EventRow.customer_id, EventRow.recorded_at).outerjoin(AuditEntry, _SAME).where(AuditEntry.id.is_(None))
    if customer_id is not None:
        missing = missing.where(EventRow.customer_id == customer_id)
    rows = (await uow.execute(missing.order_by(EventRow.id).limit(10_000))).all()
    late = [(row.id, row.customer_id) for row in rows if row.recorded_at < uow.now - OVERDUE]
    return len(rows) - len(late), late[:limit]


def _as_logged(tenant_id: UUID, row: Row[Any]) -> Mapping[str, Any] | None:
    """The event's evidence, its own columns included: one that was edited beside its envelope must show as well."""
    if row.event_id is None:
        return None
    columns = {"type": row.type, "key": row.key, "customer_id": str(row.customer_id) if row.customer_id else None}
    try:
        return {**evidence(Event.read(tenant_id, row.recorded_at, row.envelope)), **columns}
    except (msgspec.ValidationError, TypeError):
        return {"unreadable": True}


def _view(uow: UnitOfWork, row: Any, whole: bool) -> AuditView:
    event = Event.read(uow.tenant_id, row[0].recorded_at, row[0].envelope)
    return AuditView(
        id=event.id, type=event.type, customer_id=event.customer_id, subject=event.subject, actor=event.actor, cause=event.cause,
        trace=event.trace, occurred_at=event.occurred_at, recorded_at=event.recorded_at, data=event.data if whole else None,
        changes=event.changes if whole else None, seq=row[1], hash=row[2].hex() if row[2] else None,
    )  # fmt: skip
