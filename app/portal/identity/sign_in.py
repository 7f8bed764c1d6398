"""Signing in and out in a browser: by a mailed link, or with a provider the partner or one of its customers runs.

The page names the partner's own providers to everybody; a customer's is found by the ending of an address, after it was typed.
"""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from msgspec import Meta

from app.core.errors import Fault, NotAllowed, NotFound, Unauthenticated
from app.core.services import Shell
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from branding.domains import tenant_of
from tenants import auth, sessions
from tenants.auth import cache_of
from tenants.commands.sign_in import end_session
from tenants.devices import device_of
from tenants.identity_queries import found_by_address, offered_to_everybody
from tenants.models import IdentityProvider
from tenants.oidc import request as oidc
from tenants.oidc.faults import PersonRefused, ProviderAway, ProviderDeclined, ProviderInvalid, SignInRefused
from tenants.principal import Principal
from tenants.provider_sign_in import arrive, depart
from tenants.schemas import Email
from tenants.sign_in import local_path
from tenants.sign_in_routes import first_page, send_link, session_cookie, within_limits

_ACTOR = "system:sign-in"


class Wanted(msgspec.Struct, kw_only=True):
    """What the sign-in form brings; `by` is how, when somebody has been asked."""

    email: Email
    next: Annotated[str, Meta(max_length=2000)] = ""
    by: Annotated[str, Meta(max_length=10)] = ""


@page_get("/sign-in", area="open")
async def show(screen: Screen, shell: Shell, request: Request[Any, Any, Any], next: str = "") -> Response[str]:
    """The form for an address, and a button for each of the partner's own providers; whoever is signed in goes on."""
    principal = await _signed_in(shell, request)
    if principal is not None:
        return screen.go(local_path(next) or ("/" if principal.scope == "customer" else "/ops"))
    return await _form(screen, await _tenant(shell, screen), Form.of(next=local_path(next)))


@page_post("/sign-in", area="open")
async def submit(screen: Screen, shell: Shell, request: Request[Any, Any, Any], form: Form) -> Response[str]:
    """Send a link, or offer the provider that vouches for such addresses; the answer never tells whether anybody has this one."""
    tenant_id = await _tenant(shell, screen)
    try:
        wanted = form.read(Wanted)
    except Fault as fault:
        return await _form(screen, tenant_id, form.refused(fault), status=422)
    onward = local_path(wanted.next)
    found = await _providers(shell, tenant_id, wanted.email) if wanted.by != "link" else []
    if found:
        await within_limits(shell, request)
        return screen.show("identity/choose.html", providers=found, email=wanted.email, next=onward)
    await send_link(shell, request, tenant_id, wanted.email, next=onward)
    return screen.show("identity/mailbox.html", email=wanted.email)


@page_post("/sign-in/with/{provider_id:uuid}", area="open")
async def leave(screen: Screen, shell: Shell, request: Request[Any, Any, Any], form: Form, provider_id: UUID) -> Response[str]:
    """Send the browser to a provider; a page of ours does, since a form may not lead to another origin."""
    await within_limits(shell, request)
    tenant_id = await _tenant(shell, screen)
    hint = form.value("email")
    try:
        going = await depart(shell, tenant_id, provider_id, host=screen.host, next=local_path(form.value("next")), hint=hint[:254])
    except (ProviderAway, ProviderInvalid):
        return _refused(screen, "away", 503)
    answer = screen.show("identity/leaving.html", target=going.url, headers={"Refresh": f"0;url={going.url}"})
    answer.set_cookie(_kept(going.secret))
    return answer


@page_get("/sign-in/callback/{provider_id:uuid}", area="open")
async def come_back(screen: Screen, shell: Shell, request: Request[Any, Any, Any], provider_id: UUID) -> Response[str]:
    """A provider's answer: a session, once, for whoever started out from this browser; else a page that says why not."""
    await within_limits(shell, request)
    tenant_id = await _tenant(shell, screen)
    given = list(request.query_params.multi_items())
    answer = {name: value for name, value in given if [n for n, _ in given].count(name) == 1}
    try:
        made = await arrive(
            shell, tenant_id, provider_id, host=screen.host, answer=answer, secret=request.cookies.get(oidc.COOKIE, ""),
            device=device_of(request.headers.get("user-agent", "")),
        )  # fmt: skip
    except ProviderDeclined:
        return _forgetting(_refused(screen, "declined", 403))
    except PersonRefused:
        return _forgetting(_refused(screen, "person", 403))
    except SignInRefused:
        return _forgetting(_refused(screen, "over", 403))
    except (ProviderAway, ProviderInvalid):
        return _forgetting(_refused(screen, "away", 503))
    onward = screen.go(made.next or first_page(made))
    onward.set_cookie(session_cookie(made.token.text))
    return _forgetting(onward)


@page_post("/sign-out", area="any")
async def sign_out(screen: Screen, shell: Shell, form: Form) -> Response[str]:
    """End the session, here at once, everywhere within five seconds."""
    principal = screen.reader.principal
    if principal.session_id is not None:
        async with shell.unit_of_work(principal.tenant, actor=principal.actor, customer=principal.own_customer_id) as uow:
            await end_session(uow, principal.session_id)
        cache_of(shell).forget(principal.session_id)
    answer = screen.go("/sign-in", done="signed_out")
    answer.set_cookie(session_cookie(""))
    return answer


async def _form(screen: Screen, tenant_id: UUID, form: Form, *, status: int = 200) -> Response[str]:
    async with screen.shell.read(tenant_id, actor=_ACTOR) as uow:
        providers = await offered_to_everybody(uow)
    return screen.show("identity/sign_in.html", form=form, status=status, providers=providers, next=local_path(form.value("next")))


async def _providers(shell: Shell, tenant_id: UUID, email: str) -> list[IdentityProvider]:
    async with shell.read(tenant_id, actor=_ACTOR) as uow:
        return list(await found_by_address(uow, email))


async def _tenant(shell: Shell, screen: Screen) -> UUID:
    tenant_id = await tenant_of(shell.boundary, screen.host)
    if tenant_id is None:
        raise NotFound()
    return tenant_id


async def _signed_in(shell: Shell, request: Request[Any, Any, Any]) -> Principal | None:
    if sessions.COOKIE not in request.cookies:
        return None
    try:
        return await auth.authenticate(shell, request.scope["headers"], None)
    except (Unauthenticated, NotAllowed):
        return None


def _refused(screen: Screen, why: str, status: int) -> Response[str]:
    return screen.show("identity/refused.html", status=status, why=why)


def _kept(secret: str) -> Cookie:
    age = int(oidc.LIFE.total_seconds()) if secret else 0
    return Cookie(key=oidc.COOKIE, value=secret, path="/", secure=True, httponly=True, samesite="lax", max_age=age)


def _forgetting(answer: Response[str]) -> Response[str]:
    answer.set_cookie(_kept(""))
    return answer


ROUTES: list[Any] = [show, submit, leave, come_back, sign_out]
