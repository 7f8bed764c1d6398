"""Signing in by a link: asked for by address, sent by mail, used once by a POST; then a session until it ends."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy import text as sql

from app.core.errors import NotFound
from app.core.tables import TenantRow
from app.core.uow import UnitOfWork
from tenants import sessions
from tenants.models import Session, SignInLink, User
from tenants.queries import users_by_email
from tenants.sessions import Token
from tenants.sign_in import SignInMail

_REGISTER = sql("select core.register_token(:hash, :kind, :subject, :expires)")
_UNREGISTER = sql("select core.unregister_token(:hash)")
MOST_LINKS = 5
_WITHIN = timedelta(hours=1)


class LinkUnusable(NotFound):
    """This link has expired or was used already; ask for a new one."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session and its token, which only its browser will know, and the page to go on to ("" for the first one)."""

    session: Session
    token: Token
    next: str = ""


async def request_sign_in(uow: UnitOfWork, mail: SignInMail, *, email: str, host: str, origin: str, next: str = "") -> int:
    """Send a link to everybody of this tenant with this address, and return how many; the caller tells nobody.

    `host` is the verified host the link will work on, `origin` its absolute address, `next` the page it leads on to. Nobody gets more than five links an
    hour. Says sign_in.requested for each.
    """
    people = [user for user in await users_by_email(uow, email) if await _links_lately(uow, user) < MOST_LINKS]
    for user in people:
        await _send_link(uow, mail, user, host, origin, next)
    return len(people)


async def use_link(uow: UnitOfWork, link_id: UUID, *, host: str, device: str = "") -> SignedIn:
    """Turn a link into a session on the host it was sent for; raises LinkUnusable. Says session.started."""
    link = await uow.find(SignInLink, link_id, lock=True)
    if link is None or not await is_usable(uow, link, host):
        raise LinkUnusable()
    link.used_at = uow.now
    await uow.session.execute(_UNREGISTER, {"hash": link.token_hash})
    made = await start_session(uow, link.user_id, link.customer_id, host, strength="email", device=device)
    say_started(uow, made.session, also=[link])
    await uow.session.flush()
    return SignedIn(made.session, made.token, link.next)


async def is_usable(uow: UnitOfWork, link: SignInLink, host: str) -> bool:
    """Tell whether a POST to this link would sign somebody in now; asking changes nothing."""
    user = await uow.find(User, link.user_id)
    return link.used_at is None and link.expires_at > uow.now and link.host == host and user is not None and user.status == "active"


async def end_session(uow: UnitOfWork, session_id: UUID) -> None:
    """Sign out: the session is refused everywhere within five seconds. Says session.ended, once."""
    session = await uow.get(Session, session_id, lock=True)
    if session.ended_at is None:
        session.ended_at = uow.now
        await uow.session.execute(_UNREGISTER, {"hash": session.token_hash})
        uow.publish("session.ended", of=session, key=f"user:{session.user_id}")


async def _send_link(uow: UnitOfWork, mail: SignInMail, user: User, host: str, origin: str, next: str) -> None:
    token = sessions.make_token()
    link = SignInLink(
        customer_id=user.customer_id, user_id=user.id, host=host, token_hash=token.hash, next=next,
        expires_at=uow.now + sessions.LINK_LIFE, used_at=None, created_at=uow.now,
    )  # fmt: skip
    uow.add(link)
    await uow.session.execute(_REGISTER, {"hash": token.hash, "kind": sessions.LINK, "subject": link.id, "expires": link.expires_at})
    uow.publish("sign_in.requested", of=link, key=f"user:{user.id}", data={"host": host})
    await mail.send(
        uow, to=user.email, name=user.name, locale=user.locale, url=f"{origin}/sign-in/{token.text}", expires_at=link.expires_at,
        customer_id=user.customer_id,
    )  # fmt: skip


async def start_session(
    uow: UnitOfWork, user_id: UUID, customer_id: UUID | None, host: str, *, strength: str, device: str = "", provider_id: UUID | None = None
) -> SignedIn:
    """Make a session on `host` for somebody who proved who they are; the caller says session.started.

    Its token is new, whatever the browser brought. `provider_id` is who vouched for the person (`strength` "provider").
    """
    token = sessions.make_token(sessions.BEARER_PREFIX)
    session = Session(
        customer_id=customer_id, user_id=user_id, host=host, strength=strength, token_hash=token.hash, device=device, provider_id=provider_id,
        authenticated_at=uow.now, expires_at=uow.now + sessions.SESSION_LIFE, ended_at=None, focus_id=None,
    )  # fmt: skip
    uow.add(session)
    await uow.session.flush()
    await uow.session.execute(
        _REGISTER, {"hash": token.hash, "kind": sessions.SESSION, "subject": session.id, "expires": session.expires_at}
    )
    return SignedIn(session, token)


def say_started(uow: UnitOfWork, session: Session, *, also: Iterable[TenantRow] = ()) -> None:
    """Say session.started, once, of a session and of the rows that changed with it."""
    said = {"host": session.host, "strength": session.strength, "expires_at": session.expires_at, "device": session.device}
    said |= {"provider_id": session.provider_id} if session.provider_id else {}
    uow.publish("session.started", of=session, also=also, key=f"user:{session.user_id}", customer_id=session.customer_id, data=said)


async def _links_lately(uow: UnitOfWork, user: User) -> int:
    wanted = select(func.count()).select_from(SignInLink).where(SignInLink.user_id == user.id, SignInLink.created_at > uow.now - _WITHIN)
    return int(await uow.session.scalar(wanted) or 0)
