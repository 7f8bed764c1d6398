"""Search and figures over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import get
from litestar.params import Parameter

from app.core.paging import Page
from app.core.uow import UnitOfWork
from app.intelligence.search import Found, Kind, kinds_for, search
from tenants.principal import Principal

Limit = Annotated[int, Parameter(ge=1, le=100)]
Query = Annotated[str, Parameter(max_length=200)]


@get("/v1/search", operation_id="search", opt={"permission": "model.read"}, tags=["model"])
async def search_everything(
    uow: UnitOfWork, principal: Principal, q: Query, kind: Kind | None = None, cursor: str | None = None, limit: Limit = 20
) -> Page[Found]:
    """Find shipments, orders, cases, documents and parties by any four or more letters of a number, name or title."""
    allowed = kinds_for(principal.permissions)
    return await search(uow, q, kinds=allowed & {kind} if kind else allowed, limit=limit, cursor=cursor)


ROUTES: list[Any] = [search_everything]
