"""What a customer follows: the cases about their orders and shipments, what they are asked, and what they chose."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.cases.models import Case, CaseComment, CaseSubject, Offer
from app.core.uow import UnitOfWork
from tenants.models import User

MOST_OF_ONE = 20


class Followed(msgspec.Struct, frozen=True):
    """A case as the people who wait for it need it: what kind of trouble, and how far we are."""

    id: UUID
    status: str
    type: str
    opened_at: datetime
    order_id: UUID | None
    shipment_id: UUID | None
    resolved_at: datetime | None
    outcome: str | None


class Choice(msgspec.Struct, frozen=True):
    """The option that holds for a case: chosen, or taken because nobody answered in time."""

    offer_id: UUID
    case_id: UUID
    label: str
    arrives_at: datetime | None
    by_silence: bool
    chosen_at: datetime


async def about(uow: UnitOfWork, subject_ids: Collection[UUID], *, unfinished: bool = False) -> dict[UUID, list[Followed]]:
    """The cases about each of these orders and shipments, newest first; at most 20 of each."""
    if not subject_ids:
        return {}
    query = select(CaseSubject.subject_id, Case).join(Case, (Case.tenant_id == CaseSubject.tenant_id) & (Case.id == CaseSubject.case_id))
    query = query.where(CaseSubject.subject_id.in_(subject_ids)).order_by(Case.id.desc())
    if unfinished:
        query = query.where(Case.status != "resolved")
    found: dict[UUID, list[Followed]] = {}
    for subject_id, case in (await uow.session.execute(query.limit(MOST_OF_ONE * len(subject_ids)))).all():
        found.setdefault(subject_id, []).append(_followed(case))
    return found


async def unfinished(uow: UnitOfWork, *, limit: int) -> list[Followed]:
    """The newest unfinished cases."""
    query = select(Case).where(Case.status != "resolved").order_by(Case.id.desc()).limit(limit)
    return [_followed(case) for case in (await uow.execute(query)).scalars()]


async def cases(uow: UnitOfWork, case_ids: Collection[UUID]) -> dict[UUID, Followed]:
    """These cases by id, those that are there."""
    query = select(Case).where(Case.id.in_(case_ids))
    return {case.id: _followed(case) for case in (await uow.execute(query)).scalars()} if case_ids else {}


def _followed(row: Case) -> Followed:
    return Followed(row.id, row.status, row.exception_type, row.opened_at, row.order_id, row.shipment_id, row.resolved_at, row.outcome)


async def subjects(uow: UnitOfWork, case_ids: Collection[UUID]) -> dict[UUID, dict[str, list[UUID]]]:
    """What each of these cases is about: ids by kind (order, shipment)."""
    found: dict[UUID, dict[str, list[UUID]]] = {}
    if case_ids:
        query = select(CaseSubject).where(CaseSubject.case_id.in_(case_ids)).order_by(CaseSubject.id)
        for row in (await uow.execute(query)).scalars():
            found.setdefault(row.case_id, {}).setdefault(row.kind, []).append(row.subject_id)
    return found


async def choices(uow: UnitOfWork, case_ids: Collection[UUID]) -> dict[UUID, Choice]:
    """The option that holds for each of these cases: that of the newest offer that ended with one."""
    if not case_ids:
        return {}
    query = select(Offer).where(Offer.case_id.in_(case_ids), Offer.option.is_not(None)).order_by(Offer.id)
    return {row.case_id: _choice(row) for row in (await uow.execute(query)).scalars()}


async def chosen_for(uow: UnitOfWork, subject_ids: Collection[UUID]) -> dict[UUID, Choice]:
    """The option that holds for each of these orders and shipments: that of the newest offer that ended with one."""
    if not subject_ids:
        return {}
    query = select(CaseSubject.subject_id, Offer).join(
        Offer, (Offer.tenant_id == CaseSubject.tenant_id) & (Offer.case_id == CaseSubject.case_id)
    )
    query = query.where(CaseSubject.subject_id.in_(subject_ids), Offer.option.is_not(None)).order_by(Offer.id)
    return {subject_id: _choice(row) for subject_id, row in (await uow.session.execute(query)).all()}


def _choice(row: Offer) -> Choice:
    option: dict[str, Any] = next((known for known in row.options if known.get("id") == row.option), {})
    return Choice(
        row.id,
        row.case_id,
        str(option.get("label") or row.option),
        moment(option.get("eta")),
        row.status == "expired",
        row.answered_at or row.expires_at,
    )


def moment(value: Any) -> datetime | None:
    """A time as an option tells it; None for what isn't one, or has no zone."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else None


class Said(msgspec.Struct, frozen=True):
    """What somebody wrote on a case. `author` is the name of one of the customer's own people, "" for the partner's."""

    author: str
    is_own: bool
    text: str
    at: datetime


async def said(uow: UnitOfWork, case_id: UUID, *, limit: int = 100) -> list[Said]:
    """What was written on a case that the customer may read, oldest first; of more than `limit` the newest."""
    query = select(CaseComment).where(CaseComment.case_id == case_id, CaseComment.customer_id.is_not(None))
    rows = list((await uow.execute(query.order_by(CaseComment.id.desc()).limit(limit))).scalars())
    authors = {row.author: UUID(row.author.removeprefix("user:")) for row in rows if row.author.startswith("user:")}
    # Inside a customer only its own people are to be seen: whoever isn't among them is the partner's.
    people = {user.id: user for user in (await uow.execute(select(User).where(User.id.in_(set(authors.values()))))).scalars()}
    own = {author: people[id] for author, id in authors.items() if id in people and people[id].customer_id is not None}
    return [
        Said(own[row.author].name or own[row.author].email if row.author in own else "", row.author in own, row.text, row.written_at)
        for row in reversed(rows)
    ]
