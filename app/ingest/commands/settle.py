"""Settle signals: record what was understood, apply what was decided, park what needs a person; effect once, whatever is repeated."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app.canonical.commands import record
from app.core.errors import Fault, Unavailable
from app.core.ids import new_id
from app.core.uow import UnitOfWork
from app.ingest.decode import Problem
from app.ingest.models import ParkedSignal, Receipt
from app.ingest.understanding import Piece, Understood
from app.policies.commands import publish_decision

# What a listener or command may raise for one item's content; anything else is not about the item.
BROKEN = (Fault, SQLAlchemyError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, LookupError)
_PASSING_STATES = ("40001", "40P01", "55P03", "57014")
_MOST_NAMED = 20
_CLAIM = sql(
    "insert into ingest.signal_key (id, key, signal_id, body_hash) "
    "select i, k, s, k from unnest(cast(:ids as uuid[]), cast(:keys as bytea[]), cast(:signals as uuid[])) as x (i, k, s) order by k "
    "on conflict (tenant_id, key) do nothing returning key"
)
_OWNERS = sql("select key, signal_id from ingest.signal_key where key = any(cast(:keys as bytea[]))")


Place = tuple[UUID, int]


@dataclass
class Claims:
    """Which items this transaction is the first to record, which signal had a key before, and which came twice in this batch."""

    fresh: set[Place]
    owners: dict[bytes, UUID]
    twice: set[Place]


def is_passing(error: BaseException) -> bool:
    """Tell whether trying again can help: a deadlock, a lock or the database away, not something about the data."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return isinstance(error, Unavailable) or (isinstance(error, DBAPIError) and state in _PASSING_STATES)


def refused(error: BaseException) -> Problem:
    """Return the problem of an item that could be read but not recorded."""
    detail = error.detail if isinstance(error, Fault) else f"It could not be recorded ({type(error).__name__})."
    more = [f"{e.pointer}: {e.detail}" for e in error.errors] if isinstance(error, Fault) else []
    return Problem("refused", "; ".join([detail, *more])[:2000], "Correct what is named, then replay; ask for help if nothing is.")


async def settle(uow: UnitOfWork, found: Sequence[Understood], *, carefully: bool = False) -> None:
    """Record every piece of `found` once and say what became of each signal.

    Normally an error stops all of it. `carefully` gives each piece a savepoint of its own, so only the bad one is parked.
    """
    if not carefully:
        claims = await _claim(uow, [piece for one in found for piece in _ready(one)])
        await _record(uow, found, claims)
        duplicates = {_place(p): claims.owners[p.item.key] for one in found for p in _repeated(one, claims)}
    else:
        duplicates = {}
        for one in found:
            duplicates |= await _settle_carefully(uow, one)
    for one in found:
        await _receipt(uow, one, duplicates)


async def _settle_carefully(uow: UnitOfWork, one: Understood) -> dict[Place, UUID]:
    duplicates: dict[Place, UUID] = {}
    for piece in _ready(one):
        alone = Understood(one.signal, [piece], one.mapping)
        try:
            async with uow.savepoint():
                claims = await _claim(uow, [piece])
                await _record(uow, [alone], claims)
            duplicates |= {_place(p): claims.owners[p.item.key] for p in _repeated(alone, claims)}
        except BROKEN as error:
            if is_passing(error):
                raise
            uow.session.expunge_all()  # rows the savepoint took back must be read anew
            piece.problem = refused(error)
    return duplicates


def _ready(one: Understood) -> list[Piece]:
    return [piece for piece in one.pieces if piece.problem is None]


def _place(piece: Piece) -> Place:
    return piece.item.signal_id, piece.item.index


def _repeated(one: Understood, claims: Claims) -> Iterable[Piece]:
    """Pieces whose content another signal, or another piece of this batch, had first; what this signal recorded earlier is not repeated."""
    for piece in _ready(one):
        if _place(piece) in claims.twice or claims.owners[piece.item.key] != one.signal.id:
            yield piece


async def _claim(uow: UnitOfWork, pieces: Sequence[Piece]) -> Claims:
    first: dict[bytes, Piece] = {}
    for piece in pieces:
        first.setdefault(piece.item.key, piece)
    if not first:
        return Claims(set(), {}, set())
    keys = list(first)
    given: dict[str, Any] = {"ids": [new_id() for _ in keys], "keys": keys, "signals": [p.item.signal_id for p in first.values()]}
    new = {row.key for row in await uow.session.execute(_CLAIM, given)}
    owners = {row.key: row.signal_id for row in await uow.session.execute(_OWNERS, {"keys": keys})}
    twice = {_place(p) for p in pieces if first[p.item.key] is not p}
    return Claims({_place(p) for key, p in first.items() if key in new}, owners, twice)


async def _record(uow: UnitOfWork, found: Sequence[Understood], claims: Claims) -> None:
    for one in found:
        for piece in _ready(one):
            if _place(piece) in claims.fresh:
                await _record_piece(uow, piece)


async def _record_piece(uow: UnitOfWork, piece: Piece) -> None:
    for event, customer_id, decision in zip(piece.events, piece.customers, piece.decisions, strict=True):
        recorded = await record(uow, event, signal_id=piece.item.signal_id, customer_id=customer_id)
        if decision is not None:
            await publish_decision(uow, decision, recorded)
    piece.is_recorded = True


async def _receipt(uow: UnitOfWork, one: Understood, duplicates: dict[Place, UUID]) -> None:
    receipt = await uow.get(Receipt, one.signal.id, lock=True)
    changed = await _park(uow, one)
    parked = [p for p in one.pieces if p.problem is not None]
    repeated = [(p, duplicates[_place(p)]) for p in one.pieces if _place(p) in duplicates]
    receipt.status = "parked" if parked else "mapped"
    receipt.items, receipt.parked, receipt.duplicates = len(one.pieces), len(parked), len(repeated)
    receipt.events += sum(len(p.events) for p in one.pieces if p.is_recorded)
    receipt.customer_id = one.customer_id or receipt.customer_id
    receipt.mapping, receipt.mapping_version = (one.mapping.name, one.mapping.version) if one.mapping else (None, None)
    receipt.settled_at = uow.now
    _say(uow, one, receipt, parked, repeated, changed)


def _say(
    uow: UnitOfWork, one: Understood, receipt: Receipt, parked: list[Piece], repeated: list[tuple[Piece, UUID]], changed: list[ParkedSignal]
) -> None:
    data: dict[str, Any] = {"signal_id": one.signal.id, "source": one.signal.source, "items": receipt.items, "events": receipt.events}
    key = f"signal:{one.signal.id}"
    if parked:
        named = [
            {"item": p.item.index, "label": p.item.label, "reason": p.problem.reason, "detail": p.problem.detail}
            for p in parked
            if p.problem
        ]
        uow.publish(
            "signal.parked", of=receipt, also=changed, key=key, data=data | {"parked": named[:_MOST_NAMED], "parked_items": len(named)}
        )
        changed = []
    if len(parked) < len(one.pieces):
        again = [{"item": p.item.index, "label": p.item.label, "signal_id": owner} for p, owner in repeated]
        data |= {
            "duplicates": again[:_MOST_NAMED],
            "parked": len(parked),
            "mapping": receipt.mapping,
            "mapping_version": receipt.mapping_version,
        }
        uow.publish("signal.mapped", of=receipt, also=changed, key=key, data=data)


async def _park(uow: UnitOfWork, one: Understood) -> list[ParkedSignal]:
    """Write the parked rows of a signal as they are now; returns those that changed."""
    rows = (await uow.execute(select(ParkedSignal).where(ParkedSignal.signal_id == one.signal.id))).scalars()
    known = {row.item: row for row in rows}
    changed = []
    for piece in one.pieces:
        row = known.get(piece.item.index)
        if piece.problem is not None:
            changed.append(_parked(uow, one, piece, piece.problem, row))
        elif row is not None and row.status == "open":
            row.status, row.settled_at = "settled", uow.now
            changed.append(row)
    return changed


def _parked(uow: UnitOfWork, one: Understood, piece: Piece, problem: Problem, row: ParkedSignal | None) -> ParkedSignal:
    if row is None:
        row = ParkedSignal(
            signal_id=one.signal.id, item=piece.item.index, label=piece.item.label, source=one.signal.source, parked_at=uow.now
        )
        row.customer_id = one.signal.customer_id
        uow.add(row)
    row.reason, row.detail, row.remedy, row.status, row.settled_at = problem.reason, problem.detail, problem.remedy, "open", None
    return row
