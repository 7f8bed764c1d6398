"""Search and figures over HTTP."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import get
from litestar.params import Parameter

from app.core.paging import Page
from app.core.uow import UnitOfWork
from app.intelligence import queries
from app.intelligence.filters import By, Filters, zone_of
from app.intelligence.schemas import KpiView, Report, Row
from app.intelligence.search import Found, Kind, kinds_for, search
from tenants.principal import Principal

Limit = Annotated[int, Parameter(ge=1, le=100)]
Query = Annotated[str, Parameter(max_length=200)]
Type = Annotated[str | None, Parameter(pattern=r"^[a-z][a-z0-9_.]{0,79}$")]
Zone = Annotated[str, Parameter(min_length=1, max_length=60)]
Owner = Annotated[str | None, Parameter(pattern=r"^(none|[0-9a-f-]{36})$")]
Week = Annotated[str | None, Parameter(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Word = Annotated[str | None, Parameter(pattern=r"^[a-z0-9_,]{1,120}$")]
READ: dict[str, Any] = {"opt": {"permission": "cases.read"}, "tags": ["insight"]}
DAYS = 28


@get("/v1/search", operation_id="search", opt={"permission": "model.read"}, tags=["model"])
async def search_everything(
    uow: UnitOfWork, principal: Principal, q: Query, kind: Kind | None = None, cursor: str | None = None, limit: Limit = 20
) -> Page[Found]:
    """Find shipments, orders, cases, documents and parties by any four or more letters of a number, name or title."""
    allowed = kinds_for(principal.permissions)
    return await search(uow, q, kinds=allowed & {kind} if kind else allowed, limit=limit, cursor=cursor)


@get("/v1/kpis", operation_id="getKpis", **READ)
async def get_kpis(
    uow: UnitOfWork, since: date | None = None, until: date | None = None, zone: Zone = "UTC", customer: UUID | None = None, type: Type = None,
    by: By | None = None,
) -> Report:  # fmt: skip
    """Every figure of a period (the last 28 days unless named), with the query string under which its rows open."""
    return await queries.report(uow, _filters(uow, since, until, zone, customer, type), by=by)


@get("/v1/kpis/{kpi_name:str}", operation_id="getKpi", **READ)
async def get_kpi(
    uow: UnitOfWork, kpi_name: str, since: date | None = None, until: date | None = None, zone: Zone = "UTC", customer: UUID | None = None,
    type: Type = None, by: By | None = None,
) -> KpiView:  # fmt: skip
    """One question's figures, of everything or by customer, type, owner or week."""
    return await queries.figures(uow, queries.kpi_named(uow, kpi_name), _filters(uow, since, until, zone, customer, type), by=by)


@get("/v1/kpis/{kpi_name:str}/rows", operation_id="listKpiRows", **READ)
async def list_kpi_rows(
    uow: UnitOfWork, kpi_name: str, since: date | None = None, until: date | None = None, zone: Zone = "UTC", customer: UUID | None = None,
    type: Type = None, owner: Owner = None, week: Week = None, split: Word = None, part: Word = None, cursor: str | None = None, limit: Limit = 50,
) -> Page[Row]:  # fmt: skip
    """Exactly the rows that a figure, or a part of it, counts: what `rows` of the figure says."""
    kpi = queries.kpi_named(uow, kpi_name)
    place, by = queries.place_of(kpi, owner=owner, week=week, split=split, part=part)
    return await queries.rows(uow, kpi, _filters(uow, since, until, zone, customer, type), place, by=by, cursor=cursor, limit=limit)


def _filters(uow: UnitOfWork, since: date | None, until: date | None, zone: str, customer: UUID | None, type: str | None) -> Filters:
    last = until or uow.now.astimezone(zone_of(zone)).date()
    return Filters(since or last - timedelta(days=DAYS - 1), last, zone, customer, type)


ROUTES: list[Any] = [search_everything, get_kpis, get_kpi, list_kpi_rows]
