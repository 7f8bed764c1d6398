"""Send: queue one notice a recipient. Nothing leaves here; the work of kind "notice" renders and delivers after the commit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.core.errors import FieldError, Invalid
from app.core.events import plain
from app.core.locks import take_turns
from app.core.uow import UnitOfWork
from app.notifications import preferences, queries, wishes
from app.notifications.models import Notice
from app.notifications.queries import Chosen
from app.notifications.schemas import LinkSpec, Preferences, Recipient
from app.notifications.wishes import Quiet, Topic, Wish

Wished = tuple[Preferences, Quiet | None]
MAX_RECIPIENTS = 100
MAX_CONTEXT_BYTES = 65_536


class NoticeUnsendable(Invalid):
    """This can't be sent."""

    status = 422


async def send(
    uow: UnitOfWork,
    *,
    template: str,
    to: Sequence[Recipient],
    context: dict[str, Any],
    locale: str | None = None,
    case_id: UUID | None = None,
    customer_id: UUID | None = None,
    key: str,
    links: Sequence[LinkSpec] = (),
    sealed_context: bytes | None = None,
    due: datetime | None = None,
    pinned: Chosen | None = None,
) -> list[Notice]:
    """Queue the message `template` to each recipient, once for each `key` and address however often it is asked.

    `customer_id` is the customer the message is about; its own template of that name goes before the partner's.
    Needs a transaction of the whole tenant. `sealed_context` holds further values, sealed by the vault, that must not
    be stored in the clear. `due` holds the message until then; so long it can be withdrawn. `pinned` is the version to use instead of the one in
    force. What a person doesn't want as a mail is withheld, what can wait leaves after their quiet hours.
    Raises TemplateNotFound and NoticeUnsendable.
    """
    people = _checked(to)
    told = _checked_context(context)
    _check_links(links, uow.now)
    chosen = pinned or await queries.template_for(uow, template, customer_id)
    await take_turns(uow, f"notice|{key}")
    known = await _queued_before(uow, key)
    values = {
        "key": key, "template": template, "template_id": chosen.id, "context": told, "links": msgspec.to_builtins(list(links)), "case_id": case_id,
        "about_customer_id": customer_id, "locale": locale, "sealed_context": sealed_context,
    }  # fmt: skip
    topic = wishes.topic_of(template, [link.kind for link in links], is_sealed=sealed_context is not None)
    wished = await _wished(uow, people, customer_id) if topic and topic != "decisions" else {}
    return [known.get(person.address.lower()) or _queue(uow, person, values, topic, wished.get(_reader(person)), due) for person in people]


async def _wished(uow: UnitOfWork, people: Sequence[Recipient], customer_id: UUID | None) -> dict[tuple[str, str], Wished]:
    """What those of these people who have an account wish of our mails; a carrier's clerk has none."""
    found: dict[tuple[str, str], Wished] = {}
    for audience, owner in (("customer", customer_id), ("internal", None)):
        addresses = [person.address.lower() for person in people if person.audience == audience]
        if addresses and (audience == "internal" or owner is not None):
            told = await preferences.of_people(uow, addresses, owner)
            found |= {(audience, address): wish for address, wish in told.items()}
    return found


def _reader(person: Recipient) -> tuple[str, str]:
    return person.audience, person.address.lower()


def _queue(
    uow: UnitOfWork, person: Recipient, values: dict[str, Any], topic: Topic | None, wished: Wished | None, due: datetime | None
) -> Notice:
    wish: Wish = getattr(wished[0], topic) if wished and topic else "now"
    mine = {
        "customer_id": values["about_customer_id"] if person.audience == "customer" else None, "channel": "email", "audience": person.audience,
        "address": person.address, "address_key": person.address.lower(), "recipient_name": person.name, "zone": person.zone,
        "locale": person.locale or values["locale"], "status": "queued", "queued_at": uow.now,
    }  # fmt: skip
    notice = uow.add(Notice(**{**values, **mine}))
    if wish == "never":
        # Kept, so that it is known that nobody was written to and why; the reader finds the news in the inbox.
        notice.status, notice.settled_at = "withheld", uow.now
        uow.publish("notice.withheld", of=notice, key=f"notice:{notice.id}", data=about(notice))
        return notice
    quiet = wishes.leaves_at(wish, wished[1], uow.now) if wished else None
    uow.publish("notice.queued", of=notice, key=f"notice:{notice.id}", data=about(notice))
    uow.work("notice", subject=notice.id, due=max(filter(None, (due, quiet)), default=None), cls="human")
    return notice


def about(notice: Notice) -> dict[str, Any]:
    """What every event of a notice says of it; never the address."""
    return {
        "notice_id": notice.id, "case_id": notice.case_id, "template": notice.template, "channel": notice.channel, "audience": notice.audience,
        "attempts": notice.attempts or 0,
    }  # fmt: skip


async def _queued_before(uow: UnitOfWork, key: str) -> dict[str, Notice]:
    rows = (await uow.execute(select(Notice).where(Notice.key == key))).scalars()
    return {row.address_key: row for row in rows}


def _checked(to: Sequence[Recipient]) -> list[Recipient]:
    """Each address once, in order; raises NoticeUnsendable naming the one that is none."""
    if not 1 <= len(to) <= MAX_RECIPIENTS:
        raise _refusal("/to", f"There are {len(to)} recipients.", f"Name 1 to {MAX_RECIPIENTS}.")
    people: dict[str, Recipient] = {}
    for index, person in enumerate(to):
        try:
            sound = msgspec.convert(msgspec.to_builtins(person), Recipient)
        except msgspec.ValidationError as wrong:
            raise _refusal(f"/to/{index}", str(wrong), "Give one mail address and a name on one line.") from wrong
        people.setdefault(sound.address.lower(), sound)
    return list(people.values())


def _checked_context(context: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = plain(context)
    size = len(msgspec.json.encode(told))
    if size > MAX_CONTEXT_BYTES:
        raise _refusal(
            "/context", f"The values take {size} bytes; {MAX_CONTEXT_BYTES} are allowed.", "Give the template only what it shows."
        )
    return told


def _check_links(links: Sequence[LinkSpec], now: datetime) -> None:
    for index, link in enumerate(links):
        if link.expires_at.tzinfo is None or link.expires_at <= now:
            raise _refusal(f"/links/{index}/expires_at", "The link would have expired already.", "Give a later moment, with its zone.")


def _refusal(pointer: str, detail: str, remedy: str) -> NoticeUnsendable:
    return NoticeUnsendable(errors=[FieldError(pointer, detail, remedy)])
