"""Signing in and out over HTTP. A link's GET only shows a button, so that mail scanners sign nobody in; its POST signs in, once."""

import asyncio
import time
from typing import Any, cast
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.enums import MediaType

from app.core.errors import LimitReached, Unavailable
from app.core.services import Shell
from tenants import platform, sessions
from tenants.auth import cache_of
from tenants.commands.sign_in import LinkUnusable, SignedIn, end_session, is_usable, request_sign_in, use_link
from tenants.devices import device_of
from tenants.limits import Limiter
from tenants.models import SignInLink
from tenants.principal import Principal
from tenants.schemas import SessionView, SignedInView, SignInAccepted, SignInByEmail
from tenants.sign_in import SignInMail, SignInPage, Step

_ACTOR = "system:sign-in"
_AT_LEAST = 0.25
"""Seconds an answer takes, so that its speed doesn't tell whether an address is known."""


_MOST_A_MINUTE = 120
"""Links that can be asked for from one network address, for whomever."""


class MailAway(Unavailable):
    """Mail can't be sent right now."""


class TooManyLinks(LimitReached):
    """Too many sign-in links were asked for from here; wait as long as Retry-After says."""


@post("/v1/sign-in/email", opt={"public": True}, operation_id="signInByEmail", tags=["tenancy"], status_code=202)
async def sign_in_by_email(request: Request[Any, Any, Any], shell: Shell, data: SignInByEmail) -> SignInAccepted:
    """Send a sign-in link to this address. The answer is the same, and takes as long, whether the address is known or not."""
    host = request.scope["state"]["host"]
    await send_link(shell, request, await _tenant_of(shell, host, data), data.email)
    return SignInAccepted()


async def send_link(shell: Shell, request: Request[Any, Any, Any], tenant_id: UUID | None, email: str, *, next: str = "") -> None:
    """Send this address a link that works on the request's host and leads on to `next`, when somebody has it.

    Takes the same time whether anybody does; raises TooManyLinks, MailAway.
    """
    started, host = time.monotonic(), request.scope["state"]["host"]
    await within_limits(shell, request)
    mail = cast(SignInMail | None, shell.extras.get("sign_in_mail"))
    if mail is None:
        raise MailAway()
    if tenant_id is not None:
        async with shell.unit_of_work(tenant_id, actor=_ACTOR) as uow:
            await request_sign_in(uow, mail, email=email, host=host, origin=shell.settings.origin(host), next=next)
    await asyncio.sleep(max(0.0, _AT_LEAST - (time.monotonic() - started)))


@get("/sign-in/{token:str}", opt={"public": True}, operation_id="showSignIn", tags=["tenancy"], media_type=MediaType.HTML)
async def show_sign_in(request: Request[Any, Any, Any], shell: Shell, token: str) -> Response[str]:
    """Show the button; changes nothing however often it is fetched."""
    host, found = request.scope["state"]["host"], await _link(shell, token)
    usable = False
    if found is not None:
        async with shell.read(found[0], actor=_ACTOR) as uow:
            link = await uow.find(SignInLink, found[1])
            usable = link is not None and await is_usable(uow, link, host)
    return await _page(shell, host, "confirm" if usable else "unusable")


@post("/sign-in/{token:str}", opt={"public": True}, operation_id="signIn", tags=["tenancy"], status_code=200)
async def use_sign_in(request: Request[Any, Any, Any], shell: Shell, token: str) -> Response[Any]:
    """Sign in: the browser gets a cookie and a page, a program that accepts JSON the session itself."""
    host, wants_page = request.scope["state"]["host"], "text/html" in request.headers.get("accept", "")
    try:
        made = await _signed_in(shell, request, host, token)
    except LinkUnusable:
        if wants_page:
            return await _page(shell, host, "unusable")
        raise
    if not wants_page:
        answer: Response[Any] = Response(view_of(made))
    elif await shell.extras["hosts"].is_a_partners(host):
        answer = Response("", status_code=303, headers={"location": made.next or first_page(made)}, media_type=MediaType.HTML)
    else:
        answer = await _page(shell, host, "done")
    answer.set_cookie(session_cookie(made.token.text))
    return answer


@get("/v1/session", opt={"permission": "signed-in"}, operation_id="getSession", tags=["tenancy"])
async def get_session(request: Request[Any, Any, Any], principal: Principal) -> SessionView:
    """Who is asking, and what they may do."""
    token = request.cookies.get(sessions.COOKIE)
    return SessionView(
        user_id=principal.user_id, key_id=principal.key_id, customer_id=principal.customer_id, scope=principal.scope,
        permissions=sorted(principal.permissions), csrf_token=sessions.csrf_of(token) if token and principal.session_id else None,
    )  # fmt: skip


@post("/v1/sign-out", opt={"permission": "signed-in"}, operation_id="signOut", tags=["tenancy"], status_code=204)
async def sign_out(shell: Shell, principal: Principal) -> Response[None]:
    """End the session: here at once, everywhere within five seconds. Whoever uses a key has none."""
    session_id = principal.session_id
    if session_id is not None:
        async with shell.unit_of_work(principal.tenant, actor=principal.actor, customer=principal.own_customer_id) as uow:
            await end_session(uow, session_id)
        cache_of(shell).forget(session_id)
    answer: Response[None] = Response(None, status_code=204)
    answer.set_cookie(session_cookie(""))
    return answer


async def within_limits(shell: Shell, request: Request[Any, Any, Any]) -> None:
    """Count this attempt to sign in against its network address; raises TooManyLinks."""
    limiter = cast(Limiter, shell.extras["limiter"])
    asker = f"sign-in:{request.client.host if request.client else 'unknown'}"
    verdict = await limiter.take(tenant=None, principal_bucket=asker, per_key=_MOST_A_MINUTE, per_tenant=_MOST_A_MINUTE)
    if not verdict.allowed:
        raise TooManyLinks(retry_after=verdict.retry_after)


async def _tenant_of(shell: Shell, host: str, data: SignInByEmail) -> UUID | None:
    """The tenant of a partner's own host; on the platform's hosts the one that was named. Any other host is nobody's."""
    rows = await shell.boundary.look_up("select tenant_id from core.find_tenant_by_host($1)", host)
    if rows:
        found: UUID = rows[0]["tenant_id"]
        return found
    if host in shell.settings.api_hosts and data.partner:
        return await platform.find_environment(shell, data.partner, data.environment)
    return None


async def _link(shell: Shell, token: str) -> tuple[UUID, UUID] | None:
    """The tenant and link a token stands for."""
    rows = await shell.boundary.look_up("select * from core.find_token($1, $2)", sessions.hash_of(token), sessions.LINK)
    return (rows[0]["tenant_id"], rows[0]["subject_id"]) if rows else None


async def _signed_in(shell: Shell, request: Request[Any, Any, Any], host: str, token: str) -> SignedIn:
    found = await _link(shell, token)
    if found is None:
        raise LinkUnusable()
    async with shell.unit_of_work(found[0], actor=f"link:{found[1]}") as uow:
        return await use_link(uow, found[1], host=host, device=device_of(request.headers.get("user-agent", "")))


def view_of(made: SignedIn) -> SignedInView:
    """Shape a new session for a program."""
    session, text = made.session, made.token.text
    return SignedInView(
        user_id=session.user_id,
        customer_id=session.customer_id,
        expires_at=session.expires_at,
        token=text,
        csrf_token=sessions.csrf_of(text),
    )


def first_page(made: SignedIn) -> str:
    """Return where somebody arrives who wanted no page in particular."""
    return "/ops" if made.session.customer_id is None else "/"


def session_cookie(value: str) -> Cookie:
    """Return the cookie that holds a session's token; an empty one ends it in the browser."""
    age = int(sessions.SESSION_LIFE.total_seconds()) if value else 0
    return Cookie(key=sessions.COOKIE, value=value, path="/", secure=True, httponly=True, samesite="lax", max_age=age)


async def _page(shell: Shell, host: str, step: Step) -> Response[str]:
    shown = await cast(SignInPage, shell.extras["sign_in_page"])(shell, host, step)
    return Response(shown.html, status_code=404 if step == "unusable" else 200, media_type=MediaType.HTML, headers=dict(shown.headers))


SIGN_IN_ROUTES: list[Any] = [sign_in_by_email, show_sign_in, use_sign_in, get_session, sign_out]
