"""Acting for a customer, from the partner's side: asking for its consent, starting, ending."""

from typing import Any
from uuid import UUID

from litestar import Response

from app.core.errors import NotFound
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from tenants import queries
from tenants.access_queries import consents
from tenants.access_schemas import AskConsent
from tenants.auth import cache_of
from tenants.commands import consent

_MOST_CUSTOMERS = 200


@page_get("/ops/acting", area="ops", permission="consent.ask")
async def show(screen: Screen, uow: UnitOfWork, cursor: str | None = None) -> Response[str]:
    """What one has asked for and how it stands."""
    return await _page(screen, uow, Form(), cursor)


@page_post("/ops/acting", area="ops", permission="consent.ask")
async def ask(screen: Screen, form: Form) -> Response[str]:
    """Ask a customer for its consent."""

    async def change(uow: UnitOfWork) -> None:
        await consent.ask(uow, form.read(AskConsent), asker=screen.reader.principal)

    return await screen.change(change, form, then="/ops/acting", done="consent_asked", again=lambda uow, f: _page(screen, uow, f))


@page_post("/ops/acting/{consent_id:uuid}/start", area="ops", permission="consent.ask")
async def start(screen: Screen, shell: Shell, form: Form, consent_id: UUID) -> Response[str]:
    """Act for the customer in this session; what comes next are the customer's pages."""
    who = screen.reader.principal

    async def change(uow: UnitOfWork) -> None:
        await consent.start_acting(uow, consent_id, principal=who)
        session_id = who.session_id
        if session_id is not None:
            uow.after_commit(lambda: cache_of(shell).forget(session_id))

    return await screen.change(change, form, then="/", again=lambda uow, f: _page(screen, uow, f))


@page_post("/acting/end", area="any")
async def end(screen: Screen, shell: Shell, form: Form) -> Response[str]:
    """Be oneself again."""
    who = screen.reader.principal
    if who.session_id is None or who.own_customer_id is not None:
        raise NotFound()
    async with shell.unit_of_work(who.tenant, actor=who.actor) as uow:
        await consent.stop_acting(uow, who.session_id)
    cache_of(shell).forget(who.session_id)
    return screen.go("/ops/acting", done="acting_ended")


async def _page(screen: Screen, uow: UnitOfWork, form: Form, cursor: str | None = None) -> Response[str]:
    found = await consents(uow, user_id=screen.reader.principal.user_id, cursor=cursor, limit=25)
    customers = (await queries.customers(uow, cursor=None, limit=_MOST_CUSTOMERS)).items
    names = await queries.customer_names(uow, [row.customer_id for row in found.items])
    choices = [(row.id, row.name) for row in customers if row.status == "active"]
    return screen.show(
        "identity/acting.html", form=form, consents=found.items, next=found.next, cursor=cursor, customers=choices, names=names
    )


ROUTES: list[Any] = [show, ask, start, end]
