"""Cases in plain words: what went wrong, what is done about it, what comes next; and a place to ask."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response

from app.canonical import journeys, lists
from app.canonical.journeys import Journey
from app.canonical.lists import Window
from app.cases import commands, following, queries
from app.cases.queries import Filters
from app.core.uow import UnitOfWork
from app.notifications import queries as notices
from app.portal.forms import Form
from app.portal.home import asks, story
from app.portal.home.followed import follow
from app.portal.home.telling import Teller, show
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen

PAGE = 20
Show = Literal["live", "resolved", "all"]


class Question(msgspec.Struct, frozen=True):
    """What a customer asks or tells us."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


@page_get("/cases", area="home", permission="cases.read")
async def list_cases(screen: Screen, uow: UnitOfWork, only: Show = "live", cursor: str = "") -> Response[str]:
    """The customer's cases, newest first."""
    found = await queries.board(uow, Filters(status=only), sort="time", cursor=cursor or None, limit=PAGE)
    cases = await following.cases(uow, [row.id for row in found.items])
    shown = [cases[row.id] for row in found.items if row.id in cases]
    numbers = await journeys.numbers(uow, {id for case in shown for id in (case.order_id, case.shipment_id) if id})
    offers = {ask.case_id: ask for ask in await asks.open_offers(uow)} if screen.reader.may("offers.read") else {}
    return show(
        screen, "cases.html", seen=[shown, offers], cases=shown, numbers=numbers, offers=offers, next=found.next, only=only, cursor=cursor
    )


@page_get("/cases/{case_id:uuid}", area="home", permission="cases.read")
async def show_case(screen: Screen, uow: UnitOfWork, case_id: UUID) -> Response[str]:
    """One case."""
    return await _case(screen, uow, case_id)


@page_post("/cases/{case_id:uuid}/ask", area="home", permission="cases.comment")
async def ask(screen: Screen, form: Form, case_id: UUID) -> Response[str]:
    """Write to us on a case; our people see it there."""

    async def change(uow: UnitOfWork) -> None:
        await commands.comment(uow, case_id, form.read(Question, only=("text",)).text, visible=True)

    return await screen.change(
        change, form, then=f"/cases/{case_id}", done="asked", again=lambda uow, wrong: _case(screen, uow, case_id, wrong)
    )


async def _case(screen: Screen, uow: UnitOfWork, case_id: UUID, form: Form | None = None) -> Response[str]:
    may, tell = screen.reader.may, Teller(screen)
    view = await queries.case(uow, case_id)
    subjects = (await following.subjects(uow, [case_id])).get(case_id, {})
    about = await journeys.named(uow, orders=subjects.get("order", []), shipments=subjects.get("shipment", []))
    choice = (await following.choices(uow, [case_id])).get(case_id)
    rows = await follow(uow, _shown(about), may_see_cases=True)
    offers = await asks.open_offers(uow, case_id) if may("offers.read") else []
    documents = (await lists.documents(uow, Window(limit=20), case=case_id)).items if may("model.read") else []
    papers = await asks.papers(uow, documents)
    letters = (await notices.notices(uow, case_id=case_id, status=None, cursor=None, limit=20)).items if may("notices.read") else []
    entries = (await queries.timeline(uow, case_id, cursor=None, limit=200)).items
    comments = await following.said(uow, case_id)
    lines = story.told(story.of_case(tell, entries), story.of_comments(tell, comments))
    return show(
        screen, "case.html", seen=[view, offers, papers, lines], form=form, case=view, journeys=rows, choice=choice, offers=offers, papers=papers,
        letters=letters, lines=lines, clock=_clock(view.clocks),
    )  # fmt: skip


def _shown(about: dict[UUID, Journey]) -> list[Journey]:
    """Orders, and the shipments of no order among them."""
    orders = [journey for journey in about.values() if journey.kind == "order"]
    known = {id for order in orders for id in order.shipments}
    return orders + [journey for journey in about.values() if journey.kind == "shipment" and journey.id not in known]


def _clock(clocks: list[Any]) -> Any:
    """The promise that counts next: the first answer until it was given, then the solution."""
    running = [clock for clock in clocks if clock.stopped_at is None]
    return min(running, key=lambda clock: (clock.kind != "first_response", clock.due_at), default=None)


ROUTES: list[Any] = [list_cases, show_case, ask]
