"""Settle signals: record what was understood, apply what was decided, park what needs a person; effect once, whatever is repeated."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app.canonical.commands import record
from app.core.errors import Fault, Unavailable
from app.core.ids import new_id
from app.core.uow import UnitOfWork
from app.ingest.commands.receipts import Place, place, write_receipts
from app.ingest.decode import Problem
from app.ingest.understanding import Piece, Understood
from app.policies.commands import publish_decision

# What a listener or command may raise for one item's content; anything else is not about the item.
BROKEN = (Fault, SQLAlchemyError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, LookupError)
_PASSING_STATES = ("40001", "40P01", "55P03", "57014")
_CLAIM = sql(
    "insert into ingest.signal_key (id, key, signal_id, body_hash) "
    "select i, k, s, k from unnest(cast(:ids as uuid[]), cast(:keys as bytea[]), cast(:signals as uuid[])) as x (i, k, s) order by k "
    "on conflict (tenant_id, key) do nothing returning key"
)
_OWNERS = sql("select key, signal_id from ingest.signal_key where key = any(cast(:keys as bytea[]))")


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
        duplicates = {place(p): claims.owners[p.item.key] for one in found for p in _repeated(one, claims)}
    else:
        duplicates = {}
        for one in found:
            duplicates |= await _settle_carefully(uow, one)
    await write_receipts(uow, found, duplicates)


async def _settle_carefully(uow: UnitOfWork, one: Understood) -> dict[Place, UUID]:
    duplicates: dict[Place, UUID] = {}
    for piece in _ready(one):
        alone = Understood(one.signal, [piece], one.mapping)
        try:
            async with uow.savepoint():
                claims = await _claim(uow, [piece])
                await _record(uow, [alone], claims)
            duplicates |= {place(p): claims.owners[p.item.key] for p in _repeated(alone, claims)}
        except BROKEN as error:
            if is_passing(error):
                raise
            uow.session.expunge_all()  # rows the savepoint took back must be read anew
            piece.problem = refused(error)
    return duplicates


def _ready(one: Understood) -> list[Piece]:
    return [piece for piece in one.pieces if piece.problem is None]


def _repeated(one: Understood, claims: Claims) -> Iterable[Piece]:
    """Pieces whose content another signal, or another piece of this batch, had first; what this signal recorded earlier is not repeated."""
    for piece in _ready(one):
        if place(piece) in claims.twice or claims.owners[piece.item.key] != one.signal.id:
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
    twice = {place(p) for p in pieces if first[p.item.key] is not p}
    return Claims({place(p) for key, p in first.items() if key in new}, owners, twice)


async def _record(uow: UnitOfWork, found: Sequence[Understood], claims: Claims) -> None:
    for one in found:
        for piece in _ready(one):
            if place(piece) in claims.fresh:
                with uow.because(f"signal:{one.signal.id}", one.signal.trace):
                    await _record_piece(uow, piece)


async def _record_piece(uow: UnitOfWork, piece: Piece) -> None:
    piece.became, piece.decided = [], []  # a transaction that was given up may have told of it before
    for event, customer_id, decision in zip(piece.events, piece.customers, piece.decisions, strict=True):
        recorded = await record(uow, event, signal_id=piece.item.signal_id, customer_id=customer_id)
        piece.became.append(recorded.event.id)
        if decision is not None:
            piece.decided.append((await publish_decision(uow, decision, recorded)).id)
    piece.is_recorded = True
