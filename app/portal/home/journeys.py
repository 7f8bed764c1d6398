"""Shipments and orders: lists one can narrow and keep, and each with what is happening to it."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import Parameter, QueryParameter

from app.canonical import journeys, lists
from app.canonical.journeys import Filters, Journey, Progress
from app.canonical.lists import Window
from app.canonical.schemas import MilestoneView
from app.cases import following
from app.cases import queries as cases
from app.cases.following import Followed as Case
from app.core.uow import UnitOfWork
from app.notifications import queries as notices
from app.portal.home import asks, story
from app.portal.home.asks import Ask, Paper
from app.portal.home.followed import follow
from app.portal.home.story import Line
from app.portal.home.telling import Teller, show
from app.portal.pages import page_get
from app.portal.queries import views
from app.portal.screens import Screen
from branding import formats

PAGE = 20
Find = Annotated[str, Parameter(max_length=100)]
Day = Annotated[str, Parameter(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]
Flag = Literal["", "true", "on"]


class Around(msgspec.Struct, frozen=True):
    """What surrounds an order or shipment: its cases, what is asked, papers, letters, what happened."""

    cases: list[Case]
    asks: list[Ask]
    papers: list[Paper]
    letters: list[Any]
    lines: list[Line]


@page_get("/shipments", area="home", permission="model.read")
async def list_shipments(
    screen: Screen, uow: UnitOfWork, q: Find = "", show_: Annotated[Progress, QueryParameter(name="show")] = "open", late: Flag = "", since: Day = "",
    cursor: str = "",
) -> Response[str]:  # fmt: skip
    """Shipments, found by any of their numbers."""
    filters = _filters(screen, q, show_, late, since)
    found = await journeys.shipments(uow, filters, Window(cursor or None, PAGE))
    return await _list(screen, uow, "shipments", filters, found.items, found.next, q, since, cursor)


@page_get("/orders", area="home", permission="model.read")
async def list_orders(
    screen: Screen, uow: UnitOfWork, q: Find = "", show_: Annotated[Progress, QueryParameter(name="show")] = "open", late: Flag = "", since: Day = "",
    cursor: str = "",
) -> Response[str]:  # fmt: skip
    """Orders, found by their number or those of their papers."""
    filters = _filters(screen, q, show_, late, since)
    found = await journeys.orders(uow, filters, Window(cursor or None, PAGE))
    return await _list(screen, uow, "orders", filters, found.items, found.next, q, since, cursor)


@page_get("/shipments/{shipment_id:uuid}", area="home", permission="model.read")
async def show_shipment(screen: Screen, uow: UnitOfWork, shipment_id: UUID) -> Response[str]:
    """One shipment: what is happening, what was promised, what is asked."""
    [followed] = await follow(uow, [await journeys.shipment(uow, shipment_id)], may_see_cases=screen.reader.may("cases.read"))
    journey, view = followed.journey, await lists.shipment(uow, shipment_id)
    around = await _around(screen, uow, journey, view.milestones)
    steps = await journeys.steps(uow, journey)
    return show(
        screen,
        "journey.html",
        seen=[journey, steps, around],
        journey=journey,
        steps=steps,
        around=around,
        choice=followed.choice,
        shipment=view,
        order=None,
        carried={},
    )


@page_get("/orders/{order_id:uuid}", area="home", permission="model.read")
async def show_order(screen: Screen, uow: UnitOfWork, order_id: UUID) -> Response[str]:
    """One order: the same, with what it consists of and what carries it."""
    [followed] = await follow(uow, [await journeys.order(uow, order_id)], may_see_cases=screen.reader.may("cases.read"))
    journey, view = followed.journey, await lists.order(uow, order_id)
    first = await lists.shipment(uow, journey.shipments[0]) if journey.shipments else None
    carried = await journeys.named(uow, shipments=journey.shipments)
    around = await _around(screen, uow, journey, first.milestones if first else [])
    steps = await journeys.steps(uow, journey)
    return show(
        screen,
        "journey.html",
        seen=[journey, steps, around],
        journey=journey,
        steps=steps,
        around=around,
        choice=followed.choice,
        shipment=first,
        order=view,
        carried=carried,
    )


def _filters(screen: Screen, q: str, progress: Progress, late: str, since: str) -> Filters:
    return Filters(find=q.strip() or None, progress="open" if late else progress, late=bool(late), since=_day(since, screen.zone))


def _day(given: str, zone: str) -> datetime | None:
    """The beginning of a day where the reader is; None for a day that isn't one."""
    try:
        return datetime.fromisoformat(given).replace(tzinfo=formats.zone_of(zone)).astimezone(UTC) if given else None
    except (ValueError, OverflowError):
        return None


async def _list(
    screen: Screen, uow: UnitOfWork, noun: str, filters: Filters, found: list[Journey], next: str | None, q: str, since: str, cursor: str
) -> Response[str]:
    rows = await follow(uow, found, may_see_cases=screen.reader.may("cases.read"))
    shown = [f for f in rows if not filters.late or f.journey.outlook in ("late", "at_risk")]
    params = {
        name: value
        for name, value in (
            ("q", q),
            ("show", filters.progress if filters.progress != "open" else ""),
            ("late", "true" if filters.late else ""),
            ("since", since),
        )
        if value
    }
    kept = await views(uow, screen.reader.principal, f"/{noun}")
    return show(
        screen,
        "journeys.html",
        seen=[shown],
        noun=noun,
        journeys=shown,
        next=next,
        filters=filters,
        params=params,
        cursor=cursor,
        views=kept,
    )


async def _around(screen: Screen, uow: UnitOfWork, journey: Journey, reports: list[MilestoneView]) -> Around:
    may, tell = screen.reader.may, Teller(screen)
    ids = [journey.id, *journey.shipments, *([journey.order_id] if journey.order_id else [])]
    found = await following.about(uow, ids) if may("cases.read") else {}
    about = sorted({case.id: case for each in found.values() for case in each}.values(), key=lambda case: case.id, reverse=True)
    open_asks = (
        [ask for case in about if case.status != "resolved" for ask in await asks.open_offers(uow, case.id)] if may("offers.read") else []
    )
    entries = [entry for case in about[:3] for entry in (await cases.timeline(uow, case.id, cursor=None, limit=100)).items]
    comments = [comment for case in about[:3] for comment in await following.said(uow, case.id)]
    lines = story.told(story.of_case(tell, entries), story.of_comments(tell, comments), story.of_reports(tell, reports))
    letters = (
        [n for case in about[:3] for n in (await notices.notices(uow, case_id=case.id, status=None, cursor=None, limit=20)).items]
        if may("notices.read")
        else []
    )
    return Around(about, open_asks, await _papers(uow, journey, [case.id for case in about[:3]]), letters, lines)


async def _papers(uow: UnitOfWork, journey: Journey, case_ids: list[UUID]) -> list[Paper]:
    """The papers about an order or shipment, each once, the newest first."""
    window, shipment = Window(limit=20), journey.shipments[0] if journey.shipments else None
    pages = [await lists.documents(uow, window, case=id) for id in case_ids]
    pages += [await lists.documents(uow, window, order=journey.order_id)] if journey.order_id else []
    pages += [await lists.documents(uow, window, shipment=shipment)] if shipment else []
    found = {document.id: document for page in pages for document in page.items}
    return await asks.papers(uow, sorted(found.values(), key=lambda document: document.id, reverse=True))


ROUTES: list[Any] = [list_shipments, list_orders, show_shipment, show_order]
