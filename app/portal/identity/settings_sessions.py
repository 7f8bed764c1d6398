"""Where one is signed in, and signing out there; and, for people of the partner who serve single customers, whom to work for."""

from typing import Any
from uuid import UUID

from litestar import Response

from app.core.errors import NotFound
from app.core.services import Shell
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from tenants.access_queries import focus_choices, open_sessions
from tenants.auth import cache_of
from tenants.commands import sessions
from tenants.principal import Principal


@page_get("/settings/sessions", area="any")
async def show(screen: Screen, shell: Shell) -> Response[str]:
    """One's own sessions: with what, since when, last used when."""
    who = screen.reader.principal
    async with shell.read(who.tenant, actor=who.actor, customer=who.own_customer_id) as uow:
        found = await open_sessions(uow, _user(who), this=who.session_id)
        choices = await focus_choices(uow, _user(who), chosen=who.customer_id) if who.scope == "partner" else []
    return screen.show("identity/sessions.html", sessions=found, choices=choices)


@page_post("/settings/sessions/{session_id:uuid}/end", area="any")
async def end(screen: Screen, shell: Shell, form: Form, session_id: UUID) -> Response[str]:
    """Sign out of one of them."""
    who = screen.reader.principal
    async with shell.unit_of_work(who.tenant, actor=who.actor, customer=who.own_customer_id) as uow:
        await sessions.end_own(uow, _user(who), session_id)
    cache_of(shell).forget(session_id)
    return screen.go("/settings/sessions", done="session_ended")


@page_post("/settings/sessions/end", area="any")
async def end_others(screen: Screen, shell: Shell, form: Form) -> Response[str]:
    """Sign out everywhere but here."""
    who = screen.reader.principal
    async with shell.unit_of_work(who.tenant, actor=who.actor, customer=who.own_customer_id) as uow:
        ended = await sessions.end_all(uow, _user(who), but=who.session_id)
    for session_id in ended:
        cache_of(shell).forget(session_id)
    return screen.go("/settings/sessions", done="sessions_ended")


@page_post("/settings/focus", area="any")
async def focus(screen: Screen, shell: Shell, form: Form) -> Response[str]:
    """Work for another of one's customers from now on."""
    who, wanted = screen.reader.principal, form.value("customer_id")
    if who.session_id is None or who.own_customer_id is not None:
        raise NotFound()
    async with shell.unit_of_work(who.tenant, actor=who.actor) as uow:
        await sessions.choose_focus(uow, who.session_id, _id(wanted) if wanted else None)
    cache_of(shell).forget(who.session_id)
    return screen.go("/settings/sessions", done="focus_chosen")


def _user(who: Principal) -> UUID:
    if who.user_id is None:
        raise NotFound()
    return who.user_id


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound() from None


ROUTES: list[Any] = [show, end, end_others, focus]
