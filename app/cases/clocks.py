"""A case's clocks: first response and resolution, each on the calendar of the customer's contract as it was when the clock started.

A running clock has one item of work, due at its warning and then at its due time; a clock that stands has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import select

from app.cases import calendars, sla
from app.cases.models import Case, CaseClock
from app.core.errors import Invalid
from app.core.uow import UnitOfWork

Kind = Literal["first_response", "resolution"]
KINDS: Final[tuple[Kind, ...]] = ("first_response", "resolution")
WORK: Final = "clock"
Ring = Literal["warned", "breached"]


def start(uow: UnitOfWork, case: Case, contract: Mapping[str, Any] | None) -> list[CaseClock]:
    """Starts the clocks the contract promises, none without a contract."""
    return begin(uow, case, promised(uow, contract))


def begin(uow: UnitOfWork, case: Case, clocks: list[CaseClock]) -> list[CaseClock]:
    """Starts for a case what was promised."""
    for clock in clocks:
        clock.customer_id, clock.case_id, clock.round = case.customer_id, case.id, case.round
        uow.add(clock)
        _ring_at(uow, clock)
    return clocks


def promised(uow: UnitOfWork, contract: Mapping[str, Any] | None) -> list[CaseClock]:
    """The clocks a case would start with now. A contract that can't be read promises none: the case comes first."""
    wanted = contract or {}
    try:
        calendar = calendars.parse(wanted.get("calendar"))
        return [_clock(uow, kind, wanted[kind], calendar, wanted.get("calendar") or {}) for kind in KINDS if wanted.get(kind)]
    except Invalid:
        return []


def _clock(uow: UnitOfWork, kind: Kind, target: str, calendar: calendars.Calendar, written: dict[str, Any]) -> CaseClock:
    due = sla.due_at(uow.now, target, calendar)
    return CaseClock(
        id=uow.new_id(), kind=kind, round=0, target=target, calendar=written, started_at=uow.now, due_at=due,
        warn_at=sla.warn_at(uow.now, due, calendar),
    )  # fmt: skip


async def running(uow: UnitOfWork, case_id: UUID, *kinds: Kind) -> list[CaseClock]:
    """The case's clocks that haven't stopped, paused ones included."""
    query = select(CaseClock).where(CaseClock.case_id == case_id, CaseClock.stopped_at.is_(None), CaseClock.kind.in_(kinds or KINDS))
    return list((await uow.execute(query.order_by(CaseClock.id))).scalars())


async def known(uow: UnitOfWork, case_id: UUID) -> list[CaseClock]:
    """The same as they stand in this transaction, those started in it too, written or not."""
    started = [row for row in uow.session.new if isinstance(row, CaseClock) and row.case_id == case_id]
    return [clock for clock in await running(uow, case_id) if clock.stopped_at is None] + started


async def stop(uow: UnitOfWork, case_id: UUID, *kinds: Kind) -> list[CaseClock]:
    """Stops clocks for good and takes their work back; returns those it stopped."""
    clocks = await running(uow, case_id, *kinds)
    for clock in clocks:
        clock.stopped_at = uow.now
        uow.drop_work(WORK, clock.id)
    return clocks


async def pause(uow: UnitOfWork, case_id: UUID) -> list[CaseClock]:
    """The resolution clock stands while somebody outside has the ball. First response never pauses."""
    clocks = [clock for clock in await running(uow, case_id, "resolution") if clock.paused_at is None]
    for clock in clocks:
        left = sla.remaining(uow.now, clock.due_at, calendars.parse(clock.calendar))
        clock.paused_at, clock.left_seconds = uow.now, int(left.total_seconds())
        uow.drop_work(WORK, clock.id)
    return clocks


async def resume(uow: UnitOfWork, case_id: UUID) -> list[CaseClock]:
    """Lets paused clocks run on with what was left; the warning keeps its distance to the due time."""
    clocks = [clock for clock in await running(uow, case_id) if clock.paused_at is not None]
    for clock in clocks:
        calendar, left = calendars.parse(clock.calendar), timedelta(seconds=clock.left_seconds or 0)
        lead = sla.elapsed(clock.warn_at, clock.due_at, calendar)
        clock.due_at = sla.resumed(uow.now, left, calendar)
        clock.warn_at = sla.resumed(uow.now, max(left - lead, timedelta()), calendar)
        clock.paused_at = clock.left_seconds = None
        _ring_at(uow, clock)
    return clocks


def ring(uow: UnitOfWork, clock: CaseClock) -> Ring | None:
    """What is due on this clock by now; marks it and asks for its next work. Nothing for a clock that stands."""
    if clock.stopped_at is not None or clock.paused_at is not None or clock.breached_at is not None:
        return None
    if uow.now >= clock.due_at:
        clock.breached_at = uow.now
        return "breached"
    rung: Ring | None = "warned" if uow.now >= clock.warn_at and clock.warned_at is None else None
    clock.warned_at = uow.now if rung else clock.warned_at
    _ring_at(uow, clock)
    return rung


def _ring_at(uow: UnitOfWork, clock: CaseClock) -> None:
    if clock.breached_at is None:
        uow.work(WORK, subject=clock.id, due=clock.due_at if clock.warned_at else min(clock.warn_at, clock.due_at), cls="deadline")
