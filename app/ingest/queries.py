"""What the room reads: signals with their sources, published mappings and rules, and the lists people look at."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, select

from app.core.errors import FieldError, Invalid, NotFound
from app.core.ids import lowest_at
from app.core.paging import Page, page
from app.core.uow import UnitOfWork
from app.ingest.attribution import Rule
from app.ingest.decode import Stored
from app.ingest.models import AttributionRule, Mapping, ParkedSignal, Receipt, Signal, Source
from app.ingest.schemas import MappingView, ParkedView, ReceiptView
from tenants.ownership import owned_first, usable_by


class SourceNotFound(NotFound):
    """There is no such source."""


class SourceUnclear(Invalid):
    """Say which source this came through; there is none or more than one that could be meant."""

    status = 422

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("source", "not named", "Add ?source=<name>, or use a key of that source.")])


async def source_named(uow: UnitOfWork, name: str) -> Source:
    """Return the source called `name`; raise SourceNotFound."""
    found: Source | None = await uow.session.scalar(select(Source).where(Source.name == name))
    if found is None:
        raise SourceNotFound()
    return found


async def sources(uow: UnitOfWork) -> Sequence[Source]:
    """Return all sources in the order of their names."""
    return (await uow.execute(select(Source).order_by(Source.name))).scalars().all()


async def stored(uow: UnitOfWork, ids: Iterable[UUID]) -> list[Stored]:
    """Return the signals with these ids, oldest first, each with what its source is set to today."""
    query = select(Signal, Source).outerjoin(Source, (Source.tenant_id == Signal.tenant_id) & (Source.name == Signal.source))
    rows: list[Any] = list(await uow.execute(query.where(Signal.id.in_(list(ids))).order_by(Signal.id)))
    return [_stored(signal, source) for signal, source in rows]


async def stored_signal(uow: UnitOfWork, signal_id: UUID) -> Stored:
    """Return one signal as `stored` gives it; NotFound where it is not this scope's own."""
    await uow.get(Signal, signal_id)
    (found,) = await stored(uow, [signal_id])
    return found


async def sizes(uow: UnitOfWork, ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return how many bytes each of these signals has, without reading them."""
    query = select(Signal.id, func.octet_length(Signal.raw)).where(Signal.id.in_(list(ids)))
    rows: list[Any] = list(await uow.execute(query))
    return {row[0]: row[1] for row in rows}


def _stored(signal: Signal, source: Source | None) -> Stored:
    return Stored(
        id=signal.id, source=signal.source, kind=signal.kind, content_type=signal.content_type, headers=signal.headers, raw=signal.raw,
        received_at=signal.received_at, trace=signal.trace, customer_id=signal.customer_id, mapping=source.mapping if source else None,
        zone=ZoneInfo(source.zone or "UTC") if source else ZoneInfo("UTC"), is_strict=bool(source and source.strict),
    )  # fmt: skip


async def published_mapping(uow: UnitOfWork, name: str, customer_id: UUID | None) -> Mapping | None:
    """Return the published version of `name` that this customer's signals use: its own before the partner's."""
    query = select(Mapping).where(Mapping.name == name, Mapping.status == "published", usable_by(Mapping, customer_id))
    found: Mapping | None = await uow.session.scalar(query.order_by(owned_first(Mapping)).limit(1))
    return found


async def newest_version(uow: UnitOfWork, name: str, customer_id: UUID | None) -> Mapping | None:
    """Return the newest version of a mapping, whatever its status."""
    query = select(Mapping).where(Mapping.name == name, _owner(customer_id)).order_by(Mapping.version.desc()).limit(1)
    found: Mapping | None = await uow.session.scalar(query)
    return found


def _owner(customer_id: UUID | None) -> ColumnElement[bool]:
    return Mapping.customer_id.is_(None) if customer_id is None else Mapping.customer_id == customer_id


async def mappings(uow: UnitOfWork, *, name: str | None, cursor: str | None, limit: int) -> Page[MappingView]:
    """List all versions of all mappings, or of one, the newest first."""
    query: Select[Any] = select(Mapping)
    if name:
        query = query.where(Mapping.name == name)
    return await page(uow, query, by=[(Mapping.id, UUID)], cursor=cursor, limit=limit, view=MappingView.of)


async def rules(uow: UnitOfWork) -> list[Rule]:
    """Return the rules in force, of all customers."""
    rows = (await uow.execute(select(AttributionRule).where(AttributionRule.status == "published").order_by(AttributionRule.id))).scalars()
    return [Rule(r.id, r.customer_id, r.content, r.source) for r in rows]


async def rules_of(uow: UnitOfWork, customer_id: UUID) -> Sequence[AttributionRule]:
    """Return one customer's rules in force, in the order they were written."""
    query = select(AttributionRule).where(AttributionRule.customer_id == customer_id, AttributionRule.status == "published")
    return (await uow.execute(query.order_by(AttributionRule.id))).scalars().all()


async def last_rules_version(uow: UnitOfWork, customer_id: UUID) -> int:
    """Return the number of the newest version of a customer's rules, 0 before the first."""
    return await uow.session.scalar(select(func.max(AttributionRule.version)).where(AttributionRule.customer_id == customer_id)) or 0


async def receipts(
    uow: UnitOfWork, *, source: str | None, status: str | None, cursor: str | None, limit: int, since: datetime | None = None,
    until: datetime | None = None,
) -> Page[ReceiptView]:  # fmt: skip
    """List signals by their receipts, the newest first; `since` and `until` are when they came."""
    query: Select[Any] = select(Receipt)
    if source:
        query = query.where(Receipt.source == source)
    if status:
        query = query.where(Receipt.status == status)
    if since:  # ids rise with time: the bound of an id is the bound of the index that is read
        query = query.where(Receipt.id >= lowest_at(since))
    if until:
        query = query.where(Receipt.id < lowest_at(until))
    return await page(uow, query, by=[(Receipt.id, UUID)], cursor=cursor, limit=limit, view=ReceiptView.of)


async def receipt(uow: UnitOfWork, signal_id: UUID) -> ReceiptView:
    """Return what became of one signal, with what of it needs a person."""
    found = await uow.get(Receipt, signal_id)
    query = select(ParkedSignal).where(ParkedSignal.signal_id == signal_id, ParkedSignal.status == "open").order_by(ParkedSignal.item)
    return ReceiptView.of(found, [ParkedView.of(p) for p in (await uow.execute(query)).scalars()])


async def raw_signal(uow: UnitOfWork, signal_id: UUID) -> Signal:
    """Return a signal exactly as received; NotFound where it is not this scope's own."""
    return await uow.get(Signal, signal_id)


async def parked(uow: UnitOfWork, *, reason: str | None, source: str | None, cursor: str | None, limit: int) -> Page[ParkedView]:
    """List what needs a person, the newest first."""
    query: Select[Any] = select(ParkedSignal).where(ParkedSignal.status == "open")
    if reason:
        query = query.where(ParkedSignal.reason == reason)
    if source:
        query = query.where(ParkedSignal.source == source)
    return await page(uow, query, by=[(ParkedSignal.id, UUID)], cursor=cursor, limit=limit, view=ParkedView.of)


async def parked_item(uow: UnitOfWork, parked_id: UUID) -> ParkedSignal:
    """Return one parked item, open or settled meanwhile; NotFound where it is not this scope's own."""
    return await uow.get(ParkedSignal, parked_id)


async def parked_counts(uow: UnitOfWork) -> dict[str, int]:
    """Return how many items are parked for each reason."""
    query = select(ParkedSignal.reason, func.count()).where(ParkedSignal.status == "open").group_by(ParkedSignal.reason)
    rows: list[Any] = list(await uow.execute(query))
    return {row[0]: row[1] for row in rows}


async def newest_signals(uow: UnitOfWork, *, source_names: Sequence[str] | None, limit: int) -> list[ReceiptView]:
    """Return the receipts of the newest signals, of these sources where they are named."""
    query = select(Receipt) if source_names is None else select(Receipt).where(Receipt.source.in_(source_names))
    return [ReceiptView.of(row) for row in (await uow.execute(query.order_by(Receipt.id.desc()).limit(limit))).scalars()]


async def newest_of_sources(uow: UnitOfWork, source_names: Sequence[str]) -> dict[str, ReceiptView]:
    """Return the receipt of the newest signal of each of these sources."""
    newest = (
        select(Receipt.id).where(Receipt.source == Source.name).order_by(Receipt.id.desc()).limit(1).correlate(Source).scalar_subquery()
    )
    ids = select(newest).where(Source.name.in_(source_names)).subquery()
    rows = (await uow.execute(select(Receipt).where(Receipt.id.in_(select(ids))))).scalars()
    return {row.source: ReceiptView.of(row) for row in rows}


async def mapping_names(uow: UnitOfWork) -> list[str]:
    """Return the names of all mappings, in alphabetical order, at most 500."""
    return list((await uow.execute(select(Mapping.name).distinct().order_by(Mapping.name).limit(500))).scalars())


async def recent_signals(uow: UnitOfWork, source_names: Sequence[str], limit: int) -> list[UUID]:
    """Return the ids of the newest signals of these sources."""
    query = select(Signal.id).where(Signal.source.in_(source_names)).order_by(Signal.id.desc()).limit(limit)
    return list((await uow.execute(query)).scalars())
