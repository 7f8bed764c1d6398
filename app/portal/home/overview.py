"""The first page: what needs the reader now, what is late, what arrives soon."""

from datetime import timedelta
from typing import Any

import msgspec
from litestar import Response

from app.canonical import journeys
from app.canonical.journeys import Filters
from app.canonical.lists import Window
from app.cases import following
from app.cases.following import Followed as Case
from app.core.uow import UnitOfWork
from app.portal.home import asks
from app.portal.home.followed import Followed, follow
from app.portal.home.telling import show
from app.portal.pages import page_get
from app.portal.screens import Screen

SOON = timedelta(days=4)
SHOWN = 8


class Trouble(msgspec.Struct, frozen=True):
    """An order or shipment that is late or that something happened to, with the case about it."""

    followed: Followed | None
    case: Case | None


@page_get("/", area="any")
async def overview(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """Where somebody starts: a customer's people here, the partner's at their queue."""
    if screen.reader.principal.scope != "customer":
        return screen.go("/ops")
    may = screen.reader.may
    offers = await asks.open_offers(uow) if may("offers.read") else []
    papers = await asks.papers(uow, await journeys.wanted(uow, limit=asks.MOST)) if may("model.read") else []
    asked = {ask.case_id for ask in offers} | {paper.document.case for paper in papers}
    troubles = [trouble for trouble in await _troubles(uow, may) if trouble.case is None or trouble.case.id not in asked]
    told = {id for t in troubles if t.followed for id in (t.followed.journey.id, t.followed.journey.order_id) if id}
    arriving = (
        await follow(uow, await journeys.arriving(uow, uow.now + SOON, limit=SHOWN), may_see_cases=may("cases.read"))
        if may("model.read")
        else []
    )
    soon = [f for f in arriving if f.journey.id not in told and f.journey.order_id not in told and f.journey.outlook == "on_time"]
    is_new = not (offers or papers or troubles or soon) and not (await journeys.orders(uow, Filters(progress="all"), Window(limit=1))).items
    return show(
        screen,
        "overview.html",
        seen=[offers, papers, troubles, soon],
        offers=offers,
        papers=papers,
        troubles=troubles,
        soon=soon,
        is_new=is_new,
    )


async def _troubles(uow: UnitOfWork, may: Any) -> list[Trouble]:
    """Unfinished cases first, then what is late without one; each order or shipment once."""
    cases = await following.unfinished(uow, limit=SHOWN) if may("cases.read") else []
    known = await journeys.named(
        uow, orders=[c.order_id for c in cases if c.order_id], shipments=[c.shipment_id for c in cases if c.shipment_id]
    )
    about = {f.journey.id: f for f in await follow(uow, list(known.values()), may_see_cases=may("cases.read"))}
    found = [Trouble(next((about[id] for id in (case.order_id, case.shipment_id) if id in about), None), case) for case in cases]
    told = {id for case in cases for id in (case.order_id, case.shipment_id) if id}
    late = await follow(uow, await journeys.late(uow, limit=SHOWN), may_see_cases=may("cases.read")) if may("model.read") else []
    fresh = [f for f in late if f.journey.id not in told and f.journey.order_id not in told and f.journey.outlook in ("late", "at_risk")]
    return found + [Trouble(f, None) for f in fresh]


ROUTES: list[Any] = [overview]
