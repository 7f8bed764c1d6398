"""What changes the chains: events are appended behind their chain's head, heads are written down outside the database."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.audit.anchor import DELAY, Anchor, AnchorFile
from app.audit.chain import Head, Link, evidence, extend, genesis, head_of
from app.audit.inspection import inspect
from app.audit.models import AuditEntry, ChainHead
from app.audit.schemas import Report
from app.core.events import Event
from app.core.uow import UnitOfWork
from tenants.models import Customer

ANCHOR = "anchor"


async def append(uow: UnitOfWork, events: Sequence[Event]) -> int:
    """Link events into their customers' chains (the partner's own for those without), in the order given; returns how many were new.

    An event that is chained already is left alone, so a batch may come again. Each chain that had nothing waiting to be
    anchored gets an appointment with its anchor.
    """
    heads = await _locked_heads(uow, {event.customer_id for event in events})
    # Asked behind the lock: a batch that came by elsewhere meanwhile is known by now.
    fresh = await _fresh(uow, events)
    if not fresh:
        return 0
    links = _linked(fresh, heads)
    await uow.execute(insert(AuditEntry), [_row(uow, customer_id, link) for customer_id, link in links])
    for customer_id, link in dict(links).items():
        await _move(uow, heads[customer_id], link)
    return len(fresh)


async def anchor(uow: UnitOfWork, directory: Path, head_ids: Iterable[UUID]) -> int:
    """Write these chains' heads down in the tenant's anchor file, on disk when this returns; returns how many had moved."""
    # Locked, so that whoever appends meanwhile waits, finds nothing left to anchor, and makes the next appointment.
    wanted = select(ChainHead).where(ChainHead.id.in_(list(head_ids))).order_by(ChainHead.customer_id.nulls_first())
    rows = (await uow.execute(wanted.with_for_update(key_share=True))).scalars().all()
    moved = [row for row in rows if row.seq > row.anchored_seq]
    anchors = [Anchor(row.customer_id, Head(row.seq, row.hash)) for row in moved]
    if anchors:
        await asyncio.to_thread(AnchorFile(directory, uow.tenant_id).append, anchors, uow.now)
    for row in moved:
        await uow.execute(update(ChainHead).where(ChainHead.id == row.id).values(anchored_seq=row.seq, anchored_at=uow.now))
    return len(moved)


async def verify(uow: UnitOfWork, directory: Path, *, customer_id: UUID | None = None) -> Report:
    """Verify one customer's chain or all of them, and say that it was done. Raises NotFound (customer). Says audit.verified."""
    if customer_id is not None:
        await uow.get(Customer, customer_id)
    report = await inspect(uow, directory, customer_id=customer_id)
    found = [{"what": f.what, "seq": f.seq, "event": f.event_id} for f in report.findings[:100]]
    data = {"holds": report.holds, "entries": sum(chain.entries for chain in report.chains), "findings": found}
    uow.publish("audit.verified", subject=f"tenant:{uow.tenant_id}", customer_id=customer_id, data=data)
    return report


async def _fresh(uow: UnitOfWork, events: Sequence[Event]) -> list[Event]:
    ids = [event.id for event in events]
    known = set((await uow.execute(select(AuditEntry.id).where(AuditEntry.id.in_(ids)))).scalars())
    return [event for event in {event.id: event for event in events}.values() if event.id not in known]


async def _locked_heads(uow: UnitOfWork, customers: set[UUID | None]) -> dict[UUID | None, ChainHead]:
    """Return the chains' heads, made where there was none, locked in one order so that two batches never wait in a circle."""
    ordered = sorted(customers, key=lambda customer_id: customer_id.bytes if customer_id else b"")
    empty = [
        {
            "tenant_id": uow.tenant_id,
            "id": uow.new_id(),
            "customer_id": c,
            "seq": 0,
            "hash": genesis(uow.tenant_id, c).hash,
            "updated_at": uow.now,
        }
        for c in ordered
    ]
    await uow.execute(insert(ChainHead).values(empty).on_conflict_do_nothing())
    named = [c for c in ordered if c is not None]
    wanted = ChainHead.customer_id.in_(named) | (ChainHead.customer_id.is_(None) if None in customers else ChainHead.customer_id.in_([]))
    locked = select(ChainHead).where(wanted).order_by(ChainHead.customer_id.nulls_first()).with_for_update(key_share=True)
    rows = (await uow.execute(locked.execution_options(populate_existing=True))).scalars()
    return {row.customer_id: row for row in rows}


def _linked(events: Iterable[Event], heads: dict[UUID | None, ChainHead]) -> list[tuple[UUID | None, Link]]:
    at: dict[UUID | None, Head] = defaultdict(lambda: Head(0, b""), {c: Head(row.seq, row.hash) for c, row in heads.items()})
    links = []
    for event in events:
        link = extend(at[event.customer_id], evidence(event))
        at[event.customer_id] = head_of(link)
        links.append((event.customer_id, link))
    return links


def _row(uow: UnitOfWork, customer_id: UUID | None, link: Link) -> dict[str, Any]:
    return {
        "tenant_id": uow.tenant_id,
        "id": link.event_id,
        "customer_id": customer_id,
        "seq": link.seq,
        "prev": link.prev,
        "hash": link.hash,
    }


async def _move(uow: UnitOfWork, head: ChainHead, link: Link) -> None:
    if head.seq == head.anchored_seq:
        # Asked for once: asking again would move the appointment, and a busy chain would never be anchored.
        uow.work(ANCHOR, subject=head.id, due=uow.now + DELAY, cls="normal")
    await uow.execute(update(ChainHead).where(ChainHead.id == head.id).values(seq=link.seq, hash=link.hash, updated_at=uow.now))
