"""Signed links: a 256-bit token that lets its holder do one thing, for one case of one customer, once and until a moment.

The token is in the letter and nowhere else: the database keeps its hash. GET shows and changes nothing, so a mail
scanner that follows the link does no harm; POST acts.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from sqlalchemy import text as sql

from app.core.errors import Conflict, FieldError, Invalid
from app.core.services import Boundary, Shell
from app.core.uow import UnitOfWork
from app.notifications.models import Link
from branding.pages import Page

_TOKEN = re.compile(r"^[A-Za-z0-9_-]{43}$")
_REGISTER = sql("select core.register_token(:hash, 'link', :subject, :expires)")
State = Literal["open", "used", "expired"]


class LinkUsed(Conflict):
    """This link was used already."""


class LinkExpired(Conflict):
    """This link has expired."""

    status = 410


@dataclass(frozen=True)
class Upload:
    """A file sent with a link's form; nothing about it is believed but its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Form:
    """What was posted to a link; an offer's choice is `fields["option"]`."""

    fields: dict[str, str] = field(default_factory=dict)
    file: Upload | None = None


class LinkAction(Protocol):
    """What a kind of link shows and does; registered in app/listeners.py.

    `act` runs in the transaction that also uses the link up, which happens when its page is an answer. A form page
    keeps what was changed and leaves the link good; Invalid shows the form again and keeps nothing; Conflict says that
    the matter was settled elsewhere.
    """

    kind: str

    async def show(self, shell: Shell, uow: UnitOfWork, link: Link) -> Page: ...
    async def act(self, shell: Shell, uow: UnitOfWork, link: Link, form: Form) -> Page: ...


def new_token() -> str:
    """Return a fresh token: 256 random bits in base64url."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """Return what is kept of a token. Without salt or stretching: 256 random bits can't be guessed."""
    return hashlib.sha256(token.encode()).digest()


def state_of(link: Link, now: datetime) -> State:
    """Say whether the link may still be used; used goes before expired."""
    if link.used_at:
        return "used"
    return "expired" if link.expires_at <= now else "open"


async def issue(
    uow: UnitOfWork,
    *,
    kind: str,
    subject_id: UUID,
    case_id: UUID | None,
    customer_id: UUID | None,
    to: str,
    expires_at: datetime,
    payload: dict[str, Any] | None = None,
    token: str | None = None,
    notice_id: UUID | None = None,
    locale: str | None = None,
    zone: str | None = None,
) -> str:
    """Make a link and return its token; the address is the tenant's origin + `/l/` + token. Raises Invalid when it would be born expired."""
    if expires_at <= uow.now:
        raise Invalid(errors=[FieldError("/expires_at", "A link can't expire in the past.", "Give a later moment.")])
    token = token or new_token()
    row = uow.add(
        Link(
            kind=kind, subject_id=subject_id, case_id=case_id, customer_id=customer_id, notice_id=notice_id, recipient=to, payload=payload or {},
            locale=locale, zone=zone, token_hash=digest(token), issued_at=uow.now, expires_at=expires_at,
        )
    )  # fmt: skip
    await uow.session.flush()
    await uow.session.execute(_REGISTER, {"hash": row.token_hash, "subject": row.id, "expires": expires_at})
    uow.publish("link.issued", of=row, key=f"link:{row.id}", data=_about(row))
    return token


async def find(boundary: Boundary, token: str) -> tuple[UUID, UUID] | None:
    """Return tenant and link that `token` belongs to, None for a token nobody knows."""
    if not _TOKEN.match(token):
        return None
    found = await boundary.look_up("select tenant_id, subject_id from core.find_token($1, 'link')", digest(token))
    return (found[0]["tenant_id"], found[0]["subject_id"]) if found else None


async def take(uow: UnitOfWork, link_id: UUID) -> Link:
    """Return the link, held until this transaction ends; raises LinkUsed or LinkExpired."""
    link = await uow.get(Link, link_id, lock=True)
    match state_of(link, uow.now):
        case "used":
            raise LinkUsed()
        case "expired":
            raise LinkExpired()
    return link


def use_up(uow: UnitOfWork, link: Link, answer: str) -> None:
    """Mark the link as used, with what was answered."""
    link.used_at, link.answer = uow.now, answer[:500] or None
    uow.publish("link.used", of=link, key=f"link:{link.id}", data=_about(link) | {"answer": link.answer})


def _about(link: Link) -> dict[str, Any]:
    return {"kind": link.kind, "subject_id": link.subject_id, "case_id": link.case_id, "notice_id": link.notice_id}
