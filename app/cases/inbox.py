"""The inbox: what waits for a person's eyes, filled from what happened, emptied by reading it or by its being done.

For the partner's people: a comment that calls them, a case given to them, a shift handed over, a promise broken on their case, an approval
they may give. For a customer's people: an offer to answer, a document wanted, an answer on a case, its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.cases import people
from app.cases.counting import at_most
from app.cases.models import Case, InboxEntry
from app.cases.schemas import Count
from app.core.errors import NotFound
from app.core.events import Event
from app.core.paging import Page, page
from app.core.uow import UnitOfWork
from tenants.models import Membership, User

Kind = Literal["mention", "assigned", "handover", "breach", "approval", "offer", "document", "resolved", "comment"]
MOST_READERS: Final = 200
"""People one event is put before."""
COUNTED: Final = 99

_SAYS: Final[dict[str, str]] = {
    "mention": "{by} mentioned you on {case}",
    "assigned": "{by} gave you {case}",
    "handover": "{by} handed {cases} cases over to you",
    "breach": "The {clock} clock of {case} ran out",
    "approval": "Your approval is wanted on {case}",
    "offer": "We need your choice: {case}",
    "document": "A document is needed: {document}",
    "resolved": "Solved: {case}",
    "comment": "A message about {case}",
}
_SETTLES: Final = {
    "approval.decided": "approval_id", "approval.expired": "approval_id", "offer.answered": "offer_id", "offer.expired": "offer_id",
    "document.uploaded": "document_id", "document.verified": "document_id",
}  # fmt: skip


class InboxEntryView(msgspec.Struct, frozen=True):
    """One thing that waits. `kind` says what, `facts` what a page needs to say it in another language, `subject_id` the offer, approval,
    document or handover it is about; `is_settled`: somebody has done what it asked for.
    """

    id: UUID
    kind: str
    title: str
    case_id: UUID | None
    subject_id: UUID | None
    facts: dict[str, Any]
    at: datetime
    read_at: datetime | None
    is_settled: bool


class _Post(NamedTuple):
    event: Event
    kind: Kind
    users: Iterable[UUID]
    case_id: UUID | None
    subject_id: UUID | None = None
    facts: Mapping[str, Any] | None = None


async def fill(uow: UnitOfWork, events: Iterable[Event]) -> None:
    """Puts what happened before the people it concerns, once; and marks what is done as settled."""
    batch = list(events)
    posts = [post for event in batch if event.type in _POSTS for post in await _POSTS[event.type](uow, event)]
    await _write(uow, [post for post in posts if post.users])
    done = {UUID(str(event.data[name])) for event in batch if (name := _SETTLES.get(event.type)) and event.data.get(name)}
    if done:
        open_ones = update(InboxEntry).where(InboxEntry.subject_id.in_(done), InboxEntry.settled_at.is_(None))
        await uow.execute(open_ones.values(settled_at=uow.now))


async def _write(uow: UnitOfWork, posts: list[_Post]) -> None:
    if not posts:
        return
    wanted = {user for post in posts for user in post.users}
    known = {row.id: row for row in (await uow.execute(select(User).where(User.id.in_(wanted), User.status == "active"))).scalars()}
    titles = await _titles(uow, {post.case_id for post in posts if post.case_id})
    called = await people.names(uow, [post.event for post in posts])
    rows = [
        {
            "tenant_id": uow.tenant_id, "id": uow.new_id(), "customer_id": known[user].customer_id, "user_id": user, "event_id": post.event.id,
            "kind": post.kind, "case_id": post.case_id if post.case_id in titles else None, "subject_id": post.subject_id,
            "facts": {"case": titles.get(post.case_id), **_by(post, known[user], called), **(post.facts or {})}, "happened_at": post.event.occurred_at,
        }
        for post in posts
        for user in list(dict.fromkeys(post.users))[:MOST_READERS]
        if user in known
    ]  # fmt: skip
    if rows:
        await uow.execute(insert(InboxEntry).values(rows).on_conflict_do_nothing())


def _by(post: _Post, reader: User, called: dict[str, str]) -> dict[str, Any]:
    """Who did it; a customer's people aren't told which of the partner's."""
    return {} if reader.customer_id is not None else {"by": called.get(post.event.actor)}


async def _titles(uow: UnitOfWork, cases: set[UUID]) -> dict[UUID | None, str]:
    if not cases:
        return {}
    return {row.id: row.title for row in await uow.session.execute(select(Case.id, Case.title).where(Case.id.in_(cases)))}


async def _mentioned(uow: UnitOfWork, event: Event) -> list[_Post]:
    case_id, subject = _id(event, "case_id"), _id(event, "comment_id")
    called = [UUID(str(user)) for user in event.data.get("mentions") or () if event.actor != f"user:{user}"]
    posts = [_Post(event, "mention", called, case_id, subject)]
    if not event.data.get("internal") and event.customer_id is not None:
        others = [user for user in await _customers(uow, event.customer_id) if user not in called and event.actor != f"user:{user}"]
        posts.append(_Post(event, "comment", others, case_id, subject))
    return posts


async def _assigned(uow: UnitOfWork, event: Event) -> list[_Post]:
    owner = _id(event, "owner_id")
    is_own = owner is None or event.actor == f"user:{owner}" or await _is_hand_of(uow, event.actor, owner)
    return (
        []
        if is_own or owner is None
        else [_Post(event, "assigned", [owner], _id(event, "case_id"), facts={"reason": event.data.get("reason")})]
    )


async def _is_hand_of(uow: UnitOfWork, actor: str, user: UUID) -> bool:
    return actor.startswith("key:") and (await people.behind(uow, actor, user)).person == user


async def _handed_over(uow: UnitOfWork, event: Event) -> list[_Post]:
    to, cases = _id(event, "to_user"), event.data.get("cases") or []
    return (
        [_Post(event, "handover", [to], None, _id(event, "handover_id"), {"cases": len(cases), "note": event.data.get("note")})]
        if to
        else []
    )


async def _breached(uow: UnitOfWork, event: Event) -> list[_Post]:
    owner = _id(event, "owner_id")
    return [_Post(event, "breach", [owner], _id(event, "case_id"), facts={"clock": event.data.get("clock")})] if owner else []


async def _wanted(uow: UnitOfWork, event: Event) -> list[_Post]:
    """Everyone whose role may decide, but for who asked."""
    asker = str(event.data.get("requested_by") or "")
    fits = or_(Membership.customer_id.is_(None), Membership.customer_id == event.customer_id)
    query = select(Membership.user_id).where(Membership.role == str(event.data.get("role")), fits).order_by(Membership.user_id)
    deciders = [user for user in (await uow.execute(query.limit(MOST_READERS))).scalars() if asker != f"user:{user}"]
    facts = {name: event.data.get(name) for name in ("amount_minor", "currency", "kind")}
    return [_Post(event, "approval", deciders, _id(event, "case_id"), _id(event, "approval_id"), facts)]


async def _offered(uow: UnitOfWork, event: Event) -> list[_Post]:
    facts = {"expires_at": event.data.get("expires_at")}
    return await _to_customer(uow, event, "offer", _id(event, "offer_id"), facts)


async def _document(uow: UnitOfWork, event: Event) -> list[_Post]:
    return await _to_customer(
        uow, event, "document", _id(event, "document_id"), {"document": str(event.data.get("kind") or "").replace("_", " ")}
    )


async def _resolved(uow: UnitOfWork, event: Event) -> list[_Post]:
    return await _to_customer(uow, event, "resolved", None, {"outcome": event.data.get("outcome")})


async def _to_customer(uow: UnitOfWork, event: Event, kind: Kind, subject: UUID | None, facts: dict[str, Any]) -> list[_Post]:
    users = await _customers(uow, event.customer_id) if event.customer_id else []
    return [_Post(event, kind, users, _id(event, "case_id"), subject, facts)]


async def _customers(uow: UnitOfWork, customer_id: UUID) -> list[UUID]:
    query = select(User.id).where(User.customer_id == customer_id, User.status == "active").order_by(User.id).limit(MOST_READERS)
    return list((await uow.execute(query)).scalars())


_POSTS: Final = {
    "case.commented": _mentioned, "case.assigned": _assigned, "handover.made": _handed_over, "case.breached": _breached,
    "approval.requested": _wanted, "offer.made": _offered, "document.required": _document, "case.resolved": _resolved,
}  # fmt: skip


def _id(event: Event, name: str) -> UUID | None:
    value = event.data.get(name)
    return UUID(str(value)) if value else None


async def entries(uow: UnitOfWork, *, unread_only: bool = False, cursor: str | None = None, limit: int = 50) -> Page[InboxEntryView]:
    """What waits for who asks, the newest first; nothing for a key that no person made."""
    query = select(InboxEntry).where(await _mine(uow))
    query = query.where(InboxEntry.read_at.is_(None)) if unread_only else query
    return await page(uow, query, by=[(InboxEntry.id, UUID)], cursor=cursor, limit=limit, view=view)


async def unread(uow: UnitOfWork) -> Count:
    """How many entries nobody has looked at, up to 99."""
    return await at_most(uow, select(InboxEntry.id).where(await _mine(uow), InboxEntry.read_at.is_(None)), COUNTED)


async def mark_read(uow: UnitOfWork, entry_id: UUID | None = None) -> None:
    """Marks one entry as read, or all of them; raises NotFound for an entry of somebody else."""
    mine = await _mine(uow)
    if entry_id is not None:
        row = await uow.get(InboxEntry, entry_id)
        if row.user_id != await people.who(uow):
            raise NotFound()
    chosen = update(InboxEntry).where(mine, InboxEntry.read_at.is_(None))
    await uow.execute((chosen if entry_id is None else chosen.where(InboxEntry.id == entry_id)).values(read_at=func.clock_timestamp()))


async def _mine(uow: UnitOfWork) -> ColumnElement[bool]:
    me = await people.who(uow)
    return InboxEntry.user_id == (me if me is not None else UUID(int=0))


def view(row: InboxEntry) -> InboxEntryView:
    """The entry as its reader gets it."""
    told = {name: value for name, value in row.facts.items() if value is not None}
    words = {"by": "Somebody", "case": "a case", "clock": "", "cases": 0, "document": "a document"} | told
    title = _SAYS[row.kind].format_map(words)
    return InboxEntryView(
        row.id,
        row.kind,
        title[:1].upper() + title[1:],
        row.case_id,
        row.subject_id,
        told,
        row.happened_at,
        row.read_at,
        row.settled_at is not None,
    )
