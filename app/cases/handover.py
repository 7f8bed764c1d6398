"""The end of a shift: what one person still holds, by the next clock, and giving it to somebody else in one act."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import or_, select

from app.cases import board, people, touch
from app.cases.commands.owning import OwnedByAnother, check_owner, myself
from app.cases.models import Case, CaseComment, Handover
from app.cases.schemas import CaseRow, CommentView, Person
from app.cases.telling import for_the_whole_house, live, tell
from app.cases.urgency import span
from app.cases.views import comment_view
from app.core.errors import FieldError, Invalid
from app.core.paging import Page, page
from app.core.uow import UnitOfWork

SHIFT: Final = timedelta(hours=8)
MOST: Final = 200
_COMMENTS: Final = 5


class HandoverToOneself(Invalid):
    """A shift is handed over to somebody else."""

    status = 422


class HandoverLine(msgspec.Struct, frozen=True):
    """A case that is handed over: its line of the queue, and what was written on it during the shift, oldest first."""

    case: CaseRow
    comments: list[CommentView]


class HandoverDraft(msgspec.Struct, frozen=True):
    """What a person holds, by the next clock, and the note made of it (`text`), for them to change before they hand over."""

    since: datetime
    lines: list[HandoverLine]
    text: str


class HandoverView(msgspec.Struct, frozen=True):
    """A shift as it was handed over."""

    id: UUID
    from_user: Person | None
    to_user: Person | None
    case_ids: list[UUID]
    note: str
    made_at: datetime


async def draft(uow: UnitOfWork, user_id: UUID | None = None, *, since: datetime | None = None) -> HandoverDraft:
    """What `user_id` (left out: who asks) holds and what happened since the shift began (left out: eight hours ago). Changes nothing."""
    for_the_whole_house(uow)
    owner = user_id or await myself(uow)
    begun = since or uow.now - SHIFT
    query = select(Case).where(Case.owner_id == owner, Case.status != "resolved").order_by(Case.urgent_at, Case.id).limit(MOST)
    rows = await board.lines(uow, list((await uow.execute(query)).scalars()))
    rows.sort(key=lambda row: (row.clock is None, row.clock.due_at if row.clock else row.opened_at, row.id))
    said = await _comments(uow, [row.id for row in rows], begun)
    lines = [HandoverLine(row, said.get(row.id, [])) for row in rows]
    return HandoverDraft(begun, lines, _text(lines, uow.now))


async def _comments(uow: UnitOfWork, case_ids: Sequence[UUID], since: datetime) -> dict[UUID, list[CommentView]]:
    query = select(CaseComment).where(CaseComment.case_id.in_(case_ids), CaseComment.written_at >= since).order_by(CaseComment.id)
    found: dict[UUID, list[CommentView]] = {}
    rows = list((await uow.execute(query)).scalars()) if case_ids else []
    names = await people.called(uow, {row.author for row in rows})
    for row in rows:
        found.setdefault(row.case_id, []).append(comment_view(row, names))
    return {case: comments[-_COMMENTS:] for case, comments in found.items()}


def _text(lines: Sequence[HandoverLine], now: datetime) -> str:
    if not lines:
        return "Nothing is open."
    return "\n".join(_line(number, line, now) for number, line in enumerate(lines, 1))


def _line(number: int, line: HandoverLine, now: datetime) -> str:
    row = line.case
    parts = [f"{number}. {row.title}{f' ({row.order or row.shipment})' if row.order or row.shipment else ''}: {_clock(row, now)}"]
    if row.awaits and row.snoozed_until:
        parts.append(f"waiting for {row.awaits} until {row.snoozed_until:%d %b %H:%M} UTC")
    elif row.next_step:
        parts.append(f"next: {row.next_step.text}")
    if line.comments:
        last = line.comments[-1]
        parts.append(f"{last.who or last.author}: {' '.join(last.text.split())[:200]}")
    return "; ".join(parts).rstrip(".") + "."


def _clock(row: CaseRow, now: datetime) -> str:
    if row.clock is None:
        return "no clock runs"
    promise, left = row.clock.kind.replace("_", " "), int((row.clock.due_at - now).total_seconds() // 60)
    if row.clock.state == "paused":
        return f"{promise} clock stands still"
    return f"{span(left)} to {promise}" if left >= 0 else f"{promise} is {span(-left)} late"


async def hand_over(uow: UnitOfWork, to_user: UUID, case_ids: Sequence[UUID], note: str) -> Handover:
    """Gives these cases to somebody else, all or none; they find it in their inbox. Publishes handover.made, and case.handed_over for each.

    Raises UnknownOwner, HandoverToOneself, NotFound, CaseAlreadyResolved, OwnedByAnother for a case of a third person.
    """
    for_the_whole_house(uow)
    me = await myself(uow)
    if to_user == me:
        raise HandoverToOneself(errors=[FieldError("/to_user", "is you", "Name somebody else.")])
    await check_owner(uow, to_user)
    # In the order of their ids: two handovers that share cases never wait for each other in a circle.
    cases = [await live(uow, case_id) for case_id in sorted(set(case_ids))]
    for case in cases:
        if case.owner_id != me:
            raise OwnedByAnother(f"{case.title} isn't yours to hand over.", extra={"case_id": str(case.id)})
    row = uow.add(Handover(from_user=me, to_user=to_user, case_ids=[case.id for case in cases], note=note, made_at=uow.now))
    told = {"handover_id": row.id, "from_user": me, "to_user": to_user, "cases": row.case_ids, "note": note}
    uow.publish("handover.made", of=row, key=f"handover:{row.id}", data=told)
    for case in cases:
        case.owner_id = to_user
        touch.note(uow, case)
        await tell(uow, case, "handed_over", {"handover_id": row.id, "owner_id": to_user, "from_owner_id": me})
    return row


async def given(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 50) -> Page[HandoverView]:
    """Shifts handed over by or to who asks, the newest first."""
    for_the_whole_house(uow)
    me = await people.who(uow)
    query = select(Handover).where(or_(Handover.from_user == me, Handover.to_user == me))
    rows: Page[Handover] = await page(uow, query, by=[(Handover.id, UUID)], cursor=cursor, limit=limit, view=lambda row: row)
    known = await people.persons(uow, {user for row in rows.items for user in (row.from_user, row.to_user)})
    return Page([view(row, known) for row in rows.items], rows.next)


async def one(uow: UnitOfWork, handover_id: UUID) -> HandoverView:
    """A shift as it was handed over; raises NotFound."""
    for_the_whole_house(uow)
    row = await uow.get(Handover, handover_id)
    return view(row, await people.persons(uow, {row.from_user, row.to_user}))


def view(row: Handover, known: dict[UUID, Person]) -> HandoverView:
    """The handover with the names of both."""
    return HandoverView(row.id, known.get(row.from_user), known.get(row.to_user), list(row.case_ids), row.note, row.made_at)
