"""The weights of the queue's order: versions a tenant keeps, the highest in force; what a change would do is shown before it is made."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import literal_column, select

from app.cases import urgency
from app.cases.models import Case, CaseClock, QueueWeights
from app.cases.schemas import Urgency
from app.cases.urgency import Weights
from app.core.errors import Conflict, FieldError, Invalid
from app.core.locks import take_turns
from app.core.uow import UnitOfWork

WORK: Final = "queue_order"
TRIED: Final = 200
"""Cases from the front of the queue a try-out puts in their new order."""
SHOWN: Final = 20
_HELD: Final = "queue weights"


class WeightsUnusable(Invalid):
    """These weights can't be used."""

    status = 422


class WeightsChanged(Conflict):
    """Somebody changed the weights since they were read; look at theirs first."""

    status = 412


class WeightsView(msgspec.Struct, frozen=True):
    """The weights in force. Version 0 are those every partner starts with; `is_settled`: every case stands in its place by them."""

    version: int
    weights: Weights
    is_settled: bool
    note: str | None = None
    made_by: str | None = None
    made_at: datetime | None = None


class Move(msgspec.Struct, frozen=True):
    """A case of the new top: its places (from 1) before and after, and why it would stand there."""

    case_id: UUID
    title: str
    before: int
    after: int
    urgency: Urgency


class Trial(msgspec.Struct, frozen=True):
    """What other weights would do to the front of the queue: of `tried` cases the first 20 as they would stand, and how many would move."""

    tried: int
    moved: int
    top: list[Move]


async def in_force(uow: UnitOfWork) -> tuple[int, Weights]:
    """The version and the weights by which cases are put in order; read once a transaction."""
    # A batch opens many cases in one transaction, and they all stand by the same weights.
    held: tuple[int, Weights] | None = uow.session.info.get(_HELD)
    if held is None:
        row = await _latest(uow)
        held = uow.session.info[_HELD] = (row.version, _read(row.content)) if row else (0, Weights())
    return held


async def _latest(uow: UnitOfWork) -> QueueWeights | None:
    found: QueueWeights | None = (
        await uow.execute(select(QueueWeights).order_by(QueueWeights.version.desc()).limit(1))
    ).scalar_one_or_none()
    return found


def _read(content: dict[str, Any]) -> Weights:
    return msgspec.convert(content, Weights)


async def view(uow: UnitOfWork) -> WeightsView:
    """The weights in force, with who set them."""
    row = await _latest(uow)
    if row is None:
        return WeightsView(0, Weights(), is_settled=True)
    return WeightsView(row.version, _read(row.content), row.ordered_at is not None, row.note, row.made_by, row.made_at)


async def put(uow: UnitOfWork, wanted: Weights, *, note: str | None = None, expected: int | None = None) -> WeightsView:
    """Lets new weights hold; the cases move to their new places soon after. Those in force again change nothing.

    `expected` is the version the reader saw. Publishes queue_weights.changed. Raises WeightsUnusable, WeightsChanged.
    """
    check(wanted)
    await take_turns(uow, "queue weights")
    row = await _latest(uow)
    version = row.version if row else 0
    if expected is not None and expected != version:
        raise WeightsChanged(extra={"version": version})
    if (_read(row.content) if row else Weights()) == wanted:
        return await view(uow)
    made = uow.add(QueueWeights(version=version + 1, content=msgspec.to_builtins(wanted), note=note, made_by=uow.actor, made_at=uow.now))
    uow.session.info.pop(_HELD, None)
    uow.work(WORK, subject=made.id, cls="bulk")
    uow.publish("queue_weights.changed", of=made, data={"version": made.version, "note": note})
    await uow.session.flush()
    return await view(uow)


def check(weights: Weights) -> None:
    """Raises WeightsUnusable where steps go down: more money must never make a case wait longer."""
    wrong = []
    for name, steps in (("money", weights.money), ("penalty", weights.penalty)):
        bounds, points = [bound for bound, _ in steps], [worth for _, worth in steps]
        if sorted(set(bounds)) != bounds:
            wrong.append(
                FieldError(f"/weights/{name}", "The amounts don't rise.", "Write the steps from the smallest amount up, each once.")
            )
        elif sorted(points) != points:
            wrong.append(FieldError(f"/weights/{name}", "A higher amount has fewer points.", "Let points rise with the amount."))
    if weights.currency in weights.rates:
        wrong.append(FieldError(f"/weights/rates/{weights.currency}", "This is the currency of the steps.", "Leave its rate out."))
    if wrong:
        raise WeightsUnusable(errors=wrong)


async def tried(uow: UnitOfWork, wanted: Weights) -> Trial:
    """How the front of the queue would stand by other weights; changes nothing."""
    check(wanted)
    query = select(Case).where(
        Case.status != literal_column("'resolved'"), Case.status != literal_column("'waiting'"), Case.snoozed_until.is_(None)
    )
    cases = list((await uow.execute(query.order_by(Case.urgent_at, Case.id).limit(TRIED))).scalars())
    clocks = await clocks_of(uow, [case.id for case in cases])
    stand = {case.id: urgency.standing(case, clocks.get(case.id, [])) for case in cases}
    after = sorted(cases, key=lambda case: (urgency.urgent_at(stand[case.id], wanted), case.id))
    before = {case.id: place for place, case in enumerate(cases, 1)}
    moves = [
        Move(case.id, case.title, before[case.id], place, urgency.explain(stand[case.id], wanted, uow.now))
        for place, case in enumerate(after, 1)
    ]
    return Trial(len(cases), sum(move.before != move.after for move in moves), moves[:SHOWN])


async def clocks_of(uow: UnitOfWork, case_ids: list[UUID]) -> dict[UUID, list[CaseClock]]:
    """The clocks of cases, those of earlier rounds too, in the order they were started."""
    found: dict[UUID, list[CaseClock]] = {}
    if case_ids:
        for clock in (await uow.execute(select(CaseClock).where(CaseClock.case_id.in_(case_ids)).order_by(CaseClock.id))).scalars():
            found.setdefault(clock.case_id, []).append(clock)
    return found
