"""Who may act for a customer, who did, and what they did: the customer's own page on it."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from litestar import Response

from app.core.errors import NotFound
from app.core.uow import UnitOfWork
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from tenants.access_queries import acting_under, consents, entries
from tenants.access_schemas import GrantAhead
from tenants.commands import consent
from tenants.models import Consent

_ANSWERS: dict[str, tuple[Callable[..., Awaitable[Consent]], str]] = {
    "grant": (consent.grant, "consent_granted"),
    "decline": (consent.decline, "consent_declined"),
    "withdraw": (consent.withdraw, "consent_withdrawn"),
}


@page_get("/settings/access", area="home", permission="consent.read")
async def show(screen: Screen, uow: UnitOfWork, cursor: str | None = None) -> Response[str]:
    """Requests to answer, consents in force, and who acted when."""
    return await _page(screen, uow, Form(), cursor)


@page_get("/settings/access/{consent_id:uuid}", area="home", permission="consent.read")
async def show_one(screen: Screen, uow: UnitOfWork, consent_id: UUID, cursor: str | None = None) -> Response[str]:
    """What was done under one consent."""
    row = await uow.get(Consent, consent_id)
    done = await entries(uow, consent_id, cursor=cursor, limit=50)
    return screen.show(
        "identity/access_entries.html", consent=row, stretches=await acting_under(uow, [consent_id]), entries=done, cursor=cursor
    )


@page_post("/settings/access", area="home", permission="consent.decide")
async def grant_ahead(screen: Screen, form: Form) -> Response[str]:
    """Agree before being asked."""

    async def change(uow: UnitOfWork) -> None:
        await consent.grant_ahead(uow, form.read(GrantAhead), decider=screen.reader.principal)

    return await screen.change(change, form, then="/settings/access", done="consent_granted", again=lambda uow, f: _page(screen, uow, f))


@page_post("/settings/access/{consent_id:uuid}/{answer:str}", area="home", permission="consent.decide")
async def answer(screen: Screen, form: Form, consent_id: UUID, answer: str) -> Response[str]:
    """Grant, decline or withdraw."""
    if answer not in _ANSWERS:
        raise NotFound()
    decide, done = _ANSWERS[answer]

    async def change(uow: UnitOfWork) -> None:
        await decide(uow, consent_id, decider=screen.reader.principal)

    return await screen.change(change, form, then="/settings/access", done=done, again=lambda uow, f: _page(screen, uow, f))


async def _page(screen: Screen, uow: UnitOfWork, form: Form, cursor: str | None = None) -> Response[str]:
    found = await consents(uow, cursor=cursor, limit=25)
    stretches = await acting_under(uow, [row.id for row in found.items])
    waiting = [row for row in found.items if row.status == "requested" and row.answer_by > uow.now]
    live = [row for row in found.items if row.is_live]
    past = [row for row in found.items if row not in waiting and row not in live]
    return screen.show(
        "identity/access.html", form=form, waiting=waiting, live=live, past=past, stretches=stretches, next=found.next, cursor=cursor
    )


ROUTES: list[Any] = [show, show_one, grant_ahead, answer]
