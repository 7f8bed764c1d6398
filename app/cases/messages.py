"""Mail to people outside, on one or many cases: it shows who gets it, and is held for ten seconds in which it can be taken back.

One letter a reader and customer, about that customer's cases only: no letter ever tells of two customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.canonical.models import Order, Shipment
from app.cases import touch
from app.cases.models import Case, HeldMessage
from app.cases.telling import for_the_whole_house, held, tell
from app.core.errors import Conflict, FieldError, Invalid, NotFound
from app.core.uow import UnitOfWork
from app.notifications.commands import send, withdraw
from app.notifications.commands.withdraw import NoticeLeft
from app.notifications.models import Notice
from app.notifications.schemas import Recipient
from branding.schemas import Address, Line
from tenants.models import Customer, Membership, User
from tenants.queries import find_roles

HOLD: Final = timedelta(seconds=10)
MOST_CASES: Final = 200
MOST_READERS: Final = 500
Audience = Literal["customer", "counterparty"]
Subject = Annotated[str, msgspec.Meta(min_length=1, max_length=180, pattern=r"^[^\r\n\x00]+$")]
Body = Annotated[str, msgspec.Meta(min_length=1, max_length=8000, pattern=r"^[^\x00]*$")]
Template = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{0,62}$")]


class MessageUnsendable(Invalid):
    """This message reaches nobody; change who gets it."""

    status = 422


class TooLateToUndo(Conflict):
    """This message has left; it can't be taken back any more."""


class Addressee(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody outside who has no account here, such as a carrier's desk."""

    address: Address
    name: Line = ""


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message about cases: to the people of their customers, or to the addresses named (`counterparty`).

    `template` gets `subject`, `text`, `paragraphs` and `cases` (title, reference) of one customer.
    """

    case_ids: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=MOST_CASES)]
    subject: Subject
    text: Body
    audience: Audience = "customer"
    addresses: Annotated[list[Addressee], msgspec.Meta(max_length=20)] = []
    template: Template = "message"


class Reader(msgspec.Struct, frozen=True):
    """Who gets a letter, and about which cases of which customer."""

    name: str
    address: str
    customer_id: UUID
    customer: str
    cases: list[UUID]
    locale: str | None = None
    zone: str | None = None


class LeftOut(msgspec.Struct, frozen=True):
    """A case nobody would be written to about, and why."""

    case_id: UUID
    why: str


class Preview(msgspec.Struct, frozen=True):
    """Who would get the message, before it is sent."""

    readers: list[Reader]
    left_out: list[LeftOut]


class HeldMessageView(msgspec.Struct, frozen=True):
    """A message and what became of it: `held` until it leaves, `undone`, or `left`. `delivery` counts the letters by their state."""

    id: UUID
    status: Literal["held", "undone", "left"]
    subject: str
    text: str
    audience: str
    case_ids: list[UUID]
    readers: list[Reader]
    made_by: str
    made_at: datetime
    leaves_at: datetime
    undone_at: datetime | None
    delivery: dict[str, int]


async def prepare(uow: UnitOfWork, draft: Draft) -> Preview:
    """Who gets this; changes nothing. Raises NotFound for a case that isn't there, MessageUnsendable when an address is missing."""
    for_the_whole_house(uow)
    if draft.audience == "counterparty" and not draft.addresses:
        raise MessageUnsendable(errors=[FieldError("/addresses", "missing", "Name at least one address.")])
    cases = await _cases(uow, draft.case_ids)
    customers = {row.id: row for row in await _of(uow, Customer, {case.customer_id for case in cases})}
    by_customer: dict[UUID, list[UUID]] = {}
    for case in cases:
        by_customer.setdefault(case.customer_id, []).append(case.id)
    readers, left_out = [], []
    for customer_id, about in by_customer.items():
        customer = customers[customer_id]
        found = await _readers(uow, draft, customer, about)
        readers += found
        left_out += [] if found else [LeftOut(case_id, f"{customer.name} has nobody who may see cases.") for case_id in about]
    return Preview(readers, left_out)


async def _cases(uow: UnitOfWork, case_ids: Sequence[UUID]) -> list[Case]:
    wanted = set(case_ids)
    found = await _of(uow, Case, wanted)
    if len(found) != len(wanted):
        raise NotFound()
    return sorted(found, key=lambda case: case.id)


async def _of(uow: UnitOfWork, model: Any, ids: set[UUID]) -> list[Any]:
    return list((await uow.execute(select(model).where(model.id.in_(ids)).order_by(model.id))).scalars()) if ids else []


async def _readers(uow: UnitOfWork, draft: Draft, customer: Customer, about: list[UUID]) -> list[Reader]:
    if draft.audience == "counterparty":
        return [Reader(to.name, to.address, customer.id, customer.name, about) for to in draft.addresses]
    query = select(User, Membership.role).join(Membership, (Membership.tenant_id == User.tenant_id) & (Membership.user_id == User.id))
    people = (await uow.session.execute(query.where(User.customer_id == customer.id, User.status == "active").order_by(User.id))).all()
    seeing = {role.name for role in await find_roles(uow, {role for _, role in people}) if "cases.read" in role.permissions}
    users = {user.id: user for user, role in people if role in seeing}
    return [
        Reader(user.name, user.email, customer.id, customer.name, about, user.locale or customer.locale, user.zone or customer.zone)
        for user in users.values()
    ]


async def send_held(uow: UnitOfWork, draft: Draft) -> HeldMessage:
    """Sends the message, ten seconds from now. Publishes message.held, and case.messaged for each case somebody is written to about.

    Raises MessageUnsendable when nobody would get it, and what `prepare` raises.
    """
    shown = await prepare(uow, draft)
    if not 1 <= len(shown.readers) <= MOST_READERS:
        remedy = "Choose cases whose customers have people here." if not shown.readers else f"Choose fewer cases: {MOST_READERS} at most."
        raise MessageUnsendable(errors=[FieldError("/case_ids", f"{len(shown.readers)} people would get it.", remedy)])
    told = sorted({case for reader in shown.readers for case in reader.cases})
    row = uow.add(
        HeldMessage(
            status="held", audience=draft.audience, template=draft.template, subject=draft.subject, text=draft.text, case_ids=told,
            readers=msgspec.to_builtins(shown.readers), made_by=uow.actor, made_at=uow.now, leaves_at=uow.now + HOLD,
        )
    )  # fmt: skip
    await uow.session.flush()
    for customer_id in sorted({reader.customer_id for reader in shown.readers}):
        await _queue(uow, row, customer_id, [reader for reader in shown.readers if reader.customer_id == customer_id])
    uow.publish("message.held", of=row, key=f"message:{row.id}", data=_about(row))
    for case_id in told:
        readers = sum(case_id in reader.cases for reader in shown.readers)
        await _note(
            uow, case_id, "messaged", {"message_id": row.id, "subject": row.subject, "readers": readers, "leaves_at": row.leaves_at}
        )
    return row


def _about(row: HeldMessage) -> dict[str, Any]:
    """What events say of a message; never the addresses."""
    return {"message_id": row.id, "audience": row.audience, "cases": row.case_ids, "readers": len(row.readers), "leaves_at": row.leaves_at}


async def _note(uow: UnitOfWork, case_id: UUID, what: str, data: dict[str, Any]) -> None:
    case = await held(uow, case_id)
    touch.note(uow, case)
    await tell(uow, case, what, data | {"internal": True})


async def _queue(uow: UnitOfWork, row: HeldMessage, customer_id: UUID, readers: list[Reader]) -> None:
    about = readers[0].cases
    context = {
        "subject": row.subject, "text": row.text, "paragraphs": [line for line in row.text.splitlines() if line.strip()],
        "cases": await _references(uow, about),
    }  # fmt: skip
    to = [Recipient(reader.address, reader.name, reader.locale, reader.zone, _audience(row)) for reader in readers]
    for start in range(0, len(to), 100):
        await send(
            uow, template=row.template, to=to[start : start + 100], context=context, case_id=about[0] if len(about) == 1 else None,
            customer_id=customer_id, key=_key(row.id, customer_id), due=row.leaves_at,
        )  # fmt: skip


def _audience(row: HeldMessage) -> Audience:
    return "counterparty" if row.audience == "counterparty" else "customer"


def _key(message_id: UUID, customer_id: UUID) -> str:
    return f"message:{message_id}:{customer_id}"


async def _references(uow: UnitOfWork, case_ids: list[UUID]) -> list[dict[str, str]]:
    cases = await _of(uow, Case, set(case_ids))
    orders = {row.id: row.number for row in await _of(uow, Order, {case.order_id for case in cases if case.order_id})}
    shipments = {row.id: row.number for row in await _of(uow, Shipment, {case.shipment_id for case in cases if case.shipment_id})}
    return [{"title": case.title, "reference": orders.get(case.order_id) or shipments.get(case.shipment_id) or ""} for case in cases]


async def undo(uow: UnitOfWork, message_id: UUID) -> HeldMessage:
    """Takes the message back: no letter of it leaves. Doing it again changes nothing. Publishes message.undone, case.unsent for each case.

    Raises TooLateToUndo once a try at delivering any of its letters has begun; then nothing is taken back.
    """
    for_the_whole_house(uow)
    row = await uow.get(HeldMessage, message_id)
    customers = {UUID(str(reader["customer_id"])) for reader in row.readers}
    notices = select(Notice.id).where(Notice.key.in_([_key(message_id, customer) for customer in customers]), Notice.status != "withdrawn")
    try:
        await withdraw(uow, list((await uow.execute(notices)).scalars()))
    except NoticeLeft:
        raise TooLateToUndo() from None
    row = await uow.get(HeldMessage, message_id, lock=True)
    if row.status == "undone":
        return row
    row.status, row.undone_by, row.undone_at = "undone", uow.actor, uow.now
    uow.publish("message.undone", of=row, key=f"message:{row.id}", data=_about(row))
    for case_id in row.case_ids:
        await _note(uow, case_id, "unsent", {"message_id": row.id, "subject": row.subject})
    return row


async def view(uow: UnitOfWork, row: HeldMessage) -> HeldMessageView:
    """The message with the state of its letters."""
    readers = [msgspec.convert(reader, Reader) for reader in row.readers]
    keys = [_key(row.id, customer) for customer in {reader.customer_id for reader in readers}]
    states = (await uow.execute(select(Notice.status).where(Notice.key.in_(keys)))).scalars().all()
    has_left = row.status == "held" and any(state != "queued" for state in states)
    return HeldMessageView(
        id=row.id, status="left" if has_left else "undone" if row.status == "undone" else "held", subject=row.subject, text=row.text,
        audience=row.audience, case_ids=list(row.case_ids), readers=readers, made_by=row.made_by, made_at=row.made_at, leaves_at=row.leaves_at,
        undone_at=row.undone_at, delivery={state: states.count(state) for state in sorted(set(states))},
    )  # fmt: skip
