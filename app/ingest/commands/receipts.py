"""Receipts: what became of each signal, which of its items need a person, and the events that say so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.uow import UnitOfWork
from app.ingest.decode import Problem
from app.ingest.models import ParkedSignal, Receipt
from app.ingest.understanding import Piece, Understood

_MOST_NAMED = 20
_MOST_IDS = 100

Place = tuple[UUID, int]


def place(piece: Piece) -> Place:
    """Return what tells one item from all others: its signal and its position in it."""
    return piece.item.signal_id, piece.item.index


@dataclass
class Outcome:
    """One signal at the end of a settling: the pieces that need a person and those that were said before, with who said them."""

    of: Understood
    parked: list[Piece]
    repeated: list[tuple[Piece, UUID]]
    changed: list[ParkedSignal]


async def write_receipts(uow: UnitOfWork, found: Sequence[Understood], duplicates: Mapping[Place, UUID]) -> None:
    """Bring the receipts and parked items of these signals up to date and say signal.mapped and signal.parked."""
    ids = [one.signal.id for one in found]
    receipts = await uow.execute(select(Receipt).where(Receipt.id.in_(ids)).order_by(Receipt.id).with_for_update(key_share=True))
    by_id = {receipt.id: receipt for receipt in receipts.scalars()}
    known: dict[UUID, dict[int, ParkedSignal]] = {}
    for row in (await uow.execute(select(ParkedSignal).where(ParkedSignal.signal_id.in_(ids)))).scalars():
        known.setdefault(row.signal_id, {})[row.item] = row
    for one in found:
        parked = [p for p in one.pieces if p.problem is not None]
        repeated = [(p, duplicates[place(p)]) for p in one.pieces if place(p) in duplicates]
        outcome = Outcome(one, parked, repeated, _park(uow, one, known.get(one.signal.id, {})))
        _write(uow, by_id[one.signal.id], outcome)
        _say(uow, by_id[one.signal.id], outcome)


def _write(uow: UnitOfWork, receipt: Receipt, outcome: Outcome) -> None:
    one = outcome.of
    receipt.status = "parked" if outcome.parked else "mapped"
    receipt.items, receipt.parked, receipt.duplicates = len(one.pieces), len(outcome.parked), len(outcome.repeated)
    receipt.events += sum(len(p.events) for p in one.pieces if p.is_recorded)
    receipt.customer_id = one.customer_id or receipt.customer_id
    receipt.mapping, receipt.mapping_version = (one.mapping.name, one.mapping.version) if one.mapping else (None, None)
    receipt.settled_at = uow.now


def _say(uow: UnitOfWork, receipt: Receipt, outcome: Outcome) -> None:
    key, changed = f"signal:{receipt.id}", outcome.changed
    data: dict[str, Any] = {"signal_id": receipt.id, "source": receipt.source, "items": receipt.items, "events": receipt.events}
    if outcome.parked:
        named = [_named(p) | {"reason": p.problem.reason, "detail": p.problem.detail} for p in outcome.parked if p.problem]
        more = {"parked": named[:_MOST_NAMED], "parked_items": len(named)}
        uow.publish("signal.parked", of=receipt, also=changed, key=key, data=data | more)
        changed = []
    if len(outcome.parked) < len(outcome.of.pieces):
        again = [_named(p) | {"signal_id": owner} for p, owner in outcome.repeated]
        more = {"duplicates": again[:_MOST_NAMED], "parked": receipt.parked}
        more |= {"mapping": receipt.mapping, "mapping_version": receipt.mapping_version}
        recorded = [p for p in outcome.of.pieces if p.is_recorded]
        more |= {
            "became": [i for p in recorded for i in p.became][:_MOST_IDS],
            "decided": [i for p in recorded for i in p.decided][:_MOST_IDS],
        }
        uow.publish("signal.mapped", of=receipt, also=changed, key=key, data=data | more)


def _named(piece: Piece) -> dict[str, Any]:
    return {"item": piece.item.index, "label": piece.item.label}


def _park(uow: UnitOfWork, one: Understood, known: Mapping[int, ParkedSignal]) -> list[ParkedSignal]:
    """Write the parked rows of a signal as they are now; returns those that changed."""
    problems = {p.item.index: p for p in one.pieces if p.problem is not None}
    changed = [_parked(uow, one, p, p.problem, known.get(index)) for index, p in problems.items() if p.problem]
    for row in [row for index, row in known.items() if index not in problems and row.status == "open"]:
        row.status, row.settled_at = "settled", uow.now
        changed.append(row)
    return changed


def _parked(uow: UnitOfWork, one: Understood, piece: Piece, problem: Problem, row: ParkedSignal | None) -> ParkedSignal:
    if row is None:
        row = ParkedSignal(
            customer_id=one.signal.customer_id, signal_id=one.signal.id, item=piece.item.index, label=piece.item.label,
            source=one.signal.source, parked_at=uow.now,
        )  # fmt: skip
        uow.add(row)
    row.reason, row.detail, row.remedy, row.status, row.settled_at = problem.reason, problem.detail, problem.remedy, "open", None
    return row
