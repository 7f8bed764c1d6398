"""On which timelines an event stands: that of the case it names, and of the unfinished cases about its order or shipment.

A case that opens, or is joined, brings its history: what led to it, and what was told of its order and shipment before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.cases.models import Case, CaseEvent, CaseSubject
from app.core.events import Event
from app.core.models import EventRow
from app.core.uow import UnitOfWork

_SUBJECTS: Final = ("order", "shipment")
_BEGIN: Final = ("case.opened", "case.grouped")
_DECIDED: Final = (*_BEGIN, "case.reprioritised")
_CAME_FROM: Final = ("event_id", "decision_id")
HISTORY: Final = 50
"""The latest events of its order and shipment that a case brings along, on average over the cases of a batch."""

Place = tuple[UUID, UUID, UUID | None]
"""Case, event, the event's customer."""


async def note(uow: UnitOfWork, events: Iterable[Event]) -> None:
    """Writes the places of a batch of events; a place that stands already, or of a case that isn't there, is left out."""
    batch = list(events)
    found = await places(uow, batch) | set(await _history(uow, batch))
    cases = await _existing(uow, {case for case, _, _ in found})
    rows = [
        {"tenant_id": uow.tenant_id, "id": uow.new_id(), "case_id": case, "event_id": event, "customer_id": customer}
        for case, event, customer in sorted(found, key=lambda place: (place[0].bytes, place[1].bytes))
        if case in cases
    ]
    if rows:
        await uow.execute(insert(CaseEvent).values(rows).on_conflict_do_nothing())


async def places(uow: UnitOfWork, events: Iterable[Event]) -> set[Place]:
    """Which cases events are about: the case each names, and the unfinished cases about its order or shipment."""
    batch = list(events)
    return {place for event in batch for place in _named(event)} | set(await _by_subject(uow, batch))


def _named(event: Event) -> Iterable[Place]:
    case = _uuid(event.data.get("case_id")) or _id_of("case", event)
    if case is None:
        return
    yield case, event.id, event.customer_id
    if event.type in _DECIDED:
        for name in _CAME_FROM:
            source = _uuid(event.data.get(name))
            if source is not None:
                yield case, source, event.customer_id


async def _by_subject(uow: UnitOfWork, events: list[Event]) -> list[Place]:
    wanted = [(subject, event) for event in events for subject in _subjects(event)]
    if not wanted:
        return []
    query = select(CaseSubject.subject_id, CaseSubject.case_id).join(
        Case, (Case.tenant_id == CaseSubject.tenant_id) & (Case.id == CaseSubject.case_id)
    )
    live = query.where(CaseSubject.subject_id.in_({subject for subject, _ in wanted}), Case.status != "resolved")
    found: dict[UUID, list[UUID]] = {}
    for subject, case in await uow.session.execute(live):
        found.setdefault(subject, []).append(case)
    return [(case, event.id, event.customer_id) for subject, event in wanted for case in found.get(subject, [])]


async def _history(uow: UnitOfWork, events: list[Event]) -> list[Place]:
    begun = {case for event in events if event.type in _BEGIN and (case := _uuid(event.data.get("case_id")))}
    if not begun:
        return []
    rows = await uow.session.execute(
        select(CaseSubject.kind, CaseSubject.subject_id, CaseSubject.case_id).where(CaseSubject.case_id.in_(begun))
    )
    cases: dict[str, list[UUID]] = {}
    for kind, subject, case in rows:
        cases.setdefault(f"{kind}:{subject}", []).append(case)
    query = select(EventRow.key, EventRow.id, EventRow.customer_id).where(EventRow.key.in_(cases)).order_by(EventRow.id.desc())
    told = (await uow.session.execute(query.limit(HISTORY * len(begun)))).all() if cases else []
    return [(case, event, customer) for key, event, customer in told for case in cases[str(key)]]


def _subjects(event: Event) -> set[UUID]:
    named = {_id_of(kind, event) for kind in _SUBJECTS} | {_uuid(event.data.get(f"{kind}_id")) for kind in _SUBJECTS}
    return {subject for subject in named if subject is not None}


async def _existing(uow: UnitOfWork, cases: set[UUID]) -> set[UUID]:
    return set((await uow.execute(select(Case.id).where(Case.id.in_(cases)))).scalars()) if cases else set()


def _id_of(kind: str, event: Event) -> UUID | None:
    for named in (event.key, event.subject):
        if named and named.startswith(f"{kind}:"):
            return _uuid(named.partition(":")[2])
    return None


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None
