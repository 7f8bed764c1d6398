"""Search: any reference, name or title, from four characters."""

from typing import Annotated, Any

from litestar import Response
from litestar.params import Parameter

from app.canonical.search import QueryTooShort
from app.cases import cockpit
from app.core.paging import Page
from app.core.uow import UnitOfWork
from app.intelligence.search import KINDS, Found, kinds_for, search
from app.portal.ops.wording import Wording
from app.portal.pages import page_get
from app.portal.screens import Screen
from tenants import names

SHOWN = 30
WORDS = {"shipment": "Shipments", "order": "Orders", "case": "Cases", "document": "Documents", "party": "Senders and recipients"}


@page_get("/ops/search", area="ops", permission="cases.read")
async def find(
    screen: Screen, uow: UnitOfWork, q: Annotated[str, Parameter(max_length=200)] = "", kind: Annotated[str | None, Parameter(max_length=20)] = None,
    cursor: Annotated[str | None, Parameter(max_length=400)] = None,
) -> Response[str]:  # fmt: skip
    """What holds the words in one of its references, whole ones first."""
    may = kinds_for(screen.reader.principal.permissions)
    chosen = {kind} & may if kind in KINDS else may
    text, short = q.strip(), False
    found: Page[Found] = Page([])
    try:
        found = await search(uow, text, kinds=chosen, limit=SHOWN, cursor=cursor) if text else found
    except QueryTooShort:
        short = True
    called = await names.customer_names(uow, [one.customer_id for one in found.items])
    return screen.show(
        "ops/search.html", q=text, kind=kind if kind in KINDS else None, found=found, short=short, cursor=cursor, kinds=[k for k in KINDS if k in may],
        words=WORDS, called=called, cases=await cockpit.about(uow, [one.id for one in found.items if one.kind in ("order", "shipment")]), w=Wording(screen),
    )  # fmt: skip


ROUTES: list[Any] = [find]
