"""Choices put to the customer: answered once, by a button; what costs money is asked about twice."""

from typing import Any, Literal
from uuid import UUID

from litestar import Response

from app.cases import offers as commands
from app.cases import queries
from app.cases.models import Offer
from app.cases.views import offer_view
from app.core.errors import FieldError, Invalid
from app.core.uow import UnitOfWork
from app.portal.forms import Form
from app.portal.home import asks
from app.portal.home.asks import Ask
from app.portal.home.telling import show
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen

PAGE = 20


class NothingChosen(Invalid):
    """Nothing was chosen; choose one of the options."""

    status = 422


@page_get("/offers", area="home", permission="offers.read")
async def list_offers(screen: Screen, uow: UnitOfWork, only: Literal["open", "all"] = "open", cursor: str = "") -> Response[str]:
    """What is to be decided, and what was."""
    if only == "open":
        found, next = await asks.open_offers(uow), None
    else:
        page = await queries.offers(uow, status=None, case_id=None, cursor=cursor or None, limit=PAGE)
        found, next = await asks.offers(uow, page.items), page.next
    return show(screen, "offers.html", seen=[found], offers=found, next=next, only=only, cursor=cursor)


@page_get("/offers/{offer_id:uuid}", area="home", permission="offers.read")
async def show_offer(screen: Screen, uow: UnitOfWork, offer_id: UUID, option: str = "") -> Response[str]:
    """One choice; with an option, what taking it means, before it is taken. One that is over says what became of it."""
    return await _offer(screen, uow, offer_id, option)


@page_post("/offers/{offer_id:uuid}/answer", area="home", permission="offers.answer")
async def answer(screen: Screen, form: Form, offer_id: UUID) -> Response[str]:
    """Take an option. One that costs money is shown again first, unless it was confirmed."""
    option = form.value("option")
    async with screen.read() as uow:
        wanted = (await _ask(uow, offer_id)).option(option)
    if wanted is not None and wanted.costs and form.value("confirmed") != "yes":
        return screen.go(f"/offers/{offer_id}", option=option)

    async def change(uow: UnitOfWork) -> None:
        if not option:
            raise NothingChosen(errors=[FieldError("/option", "is needed", "Choose one of the options.")])
        await commands.answer(uow, offer_id, option)

    return await screen.change(
        change, form, then=f"/offers/{offer_id}", done="answered", again=lambda uow, wrong: _offer(screen, uow, offer_id, "", wrong)
    )


async def _ask(uow: UnitOfWork, offer_id: UUID) -> Ask:
    return (await asks.offers(uow, [offer_view(await uow.get(Offer, offer_id))]))[0]


async def _offer(screen: Screen, uow: UnitOfWork, offer_id: UUID, option: str, form: Form | None = None) -> Response[str]:
    ask = await _ask(uow, offer_id)
    state = "over" if ask.status == "open" and ask.expires_at <= uow.now else ask.status
    wanted = ask.option(option) if state == "open" and screen.reader.may("offers.answer") else None
    return show(screen, "offer.html", seen=[ask, state], form=form, ask=ask, state=state, wanted=wanted)


ROUTES: list[Any] = [list_offers, show_offer, answer]
