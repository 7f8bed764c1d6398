"""The search box: everything of the customer's that holds what was typed, by kind, with what it was found by."""

from typing import Annotated, Any

from litestar import Response
from litestar.params import Parameter

from app.core.uow import UnitOfWork
from app.intelligence.search import Found, QueryTooShort, kinds_for, search
from app.portal.home import asks
from app.portal.home.telling import show
from app.portal.pages import page_get
from app.portal.screens import Screen

PAGE = 30
ORDER = ("order", "shipment", "case", "document", "party")


@page_get("/search", area="home")
async def find(screen: Screen, uow: UnitOfWork, q: Annotated[str, Parameter(max_length=200)] = "", cursor: str = "") -> Response[str]:
    """What was found, by kind."""
    wanted = q.strip()
    found: list[Found] = []
    next, state = None, "ask"
    if wanted:
        try:
            page = await search(uow, wanted, kinds=kinds_for(screen.reader.principal.permissions), limit=PAGE, cursor=cursor or None)
            found, next, state = page.items, page.next, "found" if page.items else "none"
        except QueryTooShort:
            state = "short"
    about = await asks.about_cases(uow, [hit.id for hit in found if hit.kind == "case"])
    groups = [(kind, [hit for hit in found if hit.kind == kind]) for kind in ORDER]
    return show(
        screen, "search.html", groups=[g for g in groups if g[1]], about=about, wanted=wanted, next=next, state=state, cursor=cursor
    )


ROUTES: list[Any] = [find]
