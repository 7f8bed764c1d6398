"""Figures: how exceptions are handled, each number with its chart, its weeks and exactly the rows behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Final, cast
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import Parameter

from app.canonical.taxonomy import taxonomy
from app.core.errors import FieldError, Invalid
from app.core.paging import Page
from app.core.uow import UnitOfWork
from app.intelligence import queries
from app.intelligence.filters import By, Filters, of_the_last
from app.intelligence.kpis import KPIS, Kpi, Unit
from app.intelligence.schemas import Figure, KpiView, Report, Row
from app.metering import queries as metering
from app.metering.schemas import UsageTotal
from app.portal.pages import page_get
from app.portal.screens import Screen
from tenants import names as called

DAYS: Final = 28
SHOWN: Final = 50
GROUPS: Final = 40
BY: Final[dict[By, str]] = {"customer": "customer", "type": "type of exception", "owner": "owner"}
# How a part is marked beside its word: well, to be watched, wrong, not counted.
_MARKS: Final = {
    "met": "ok", "in_time": "ok", "alone": "ok", "missed": "act", "late": "act", "not_told": "act", "came_back": "act", "by_hand": "watch",
    "pending": "quiet", "running": "quiet", "quiet": "quiet", "no_promise": "quiet", "older": "act", "under_7_days": "watch",
}  # fmt: skip

Text = Annotated[str | None, Parameter(max_length=100)]
Long = Annotated[str | None, Parameter(max_length=400)]


class Week(msgspec.Struct, frozen=True):
    """A week's number of one figure."""

    label: str
    value: float | None
    said: str


class Card(msgspec.Struct, frozen=True):
    """One figure as the page shows it."""

    kpi: KpiView
    figure: Figure
    said: str
    note: str
    weeks: list[Week]


@page_get("/ops/kpis", area="ops", permission="cases.read")
async def show_kpis(
    screen: Screen, uow: UnitOfWork, since: Text = None, until: Text = None, customer: Text = None, type: Text = None, by: Text = None
) -> Response[str]:  # fmt: skip
    """Every figure of a period, the last four weeks unless chosen."""
    filters, wrong = asked(screen, since, until, customer, type)
    chosen = by if by in BY else None
    counted = [await _counted(uow, kpi, filters) for kpi in KPIS.values() if kpi.for_customers or uow.customer_id is None]
    groups = await queries.report(uow, filters, by=chosen) if chosen else None
    return screen.show(
        "ops/kpis.html", status=400 if wrong else 200, filters=filters, wrong=wrong, by=chosen, ways=BY, cards=_cards(screen, counted), marks=_MARKS,
        groups=_grouped(screen, groups) if groups else None, customers=await called.all_customers(uow), types=taxonomy().types.values(),
        usage=await _usage(screen, uow, filters), params=_params(filters), is_empty=not any(f.of for whole, _ in counted for f in whole.figures), said=_said,
    )  # fmt: skip


@page_get("/ops/kpis/{kpi_name:str}", area="ops", permission="cases.read")
async def show_kpi_rows(
    screen: Screen, uow: UnitOfWork, kpi_name: str, since: Text = None, until: Text = None, zone: Text = None, customer: Text = None, type: Text = None,
    owner: Text = None, week: Text = None, split: Text = None, part: Text = None, cursor: Long = None,
) -> Response[str]:  # fmt: skip
    """The rows behind a figure or a part of it, each with its case."""
    kpi = queries.kpi_named(uow, kpi_name)
    filters, _ = asked(screen, since, until, customer, type, zone)
    place, by = queries.place_of(kpi, owner=owner, week=week, split=split, part=part)
    found: Page[Row] = await queries.rows(uow, kpi, filters, place, by=by, cursor=cursor, limit=SHOWN)
    names = await called.customer_names(uow, (row.customer_id for row in found.items))
    people = {each.id: each.name for each in await called.colleagues(uow)}
    narrowed = {"owner": owner, "week": week, "split": split, "part": part, "zone": zone}
    return screen.show(
        "ops/kpi_rows.html", kpi=kpi, filters=filters, rows=found, names=names, people=people, place=place, cursor=cursor, types=taxonomy().types,
        params=_params(filters) | {name: value for name, value in narrowed.items() if value}, marks=_MARKS, said=lambda value: _said(screen, "minutes", value),
    )  # fmt: skip


def asked(
    screen: Screen, since: str | None, until: str | None, customer: str | None, type: str | None, zone: str | None = None
) -> tuple[Filters, list[FieldError]]:
    """The period and what narrows it; what can't be read is named, and the last four weeks are shown."""
    usual, wrong = of_the_last(DAYS, screen.now, screen.zone), list[FieldError]()
    last = _day("until", until, wrong) or usual.until
    first = _day("since", since, wrong) or last - timedelta(days=DAYS - 1)
    narrowed = Filters(first, last, zone or screen.zone, _id(customer), type or None)
    try:
        return (narrowed.checked() if not wrong else msgspec.structs.replace(narrowed, since=usual.since, until=usual.until)), wrong
    except Invalid as refused:
        return msgspec.structs.replace(narrowed, since=usual.since, until=usual.until, zone=screen.zone), list(refused.errors)


def _day(name: str, given: str | None, wrong: list[FieldError]) -> date | None:
    try:
        return date.fromisoformat(given) if given else None
    except ValueError:
        wrong.append(FieldError(name, f"{given} is no date.", "Write it like 2026-11-23."))
        return None


def _id(given: str | None) -> UUID | None:
    try:
        return UUID(given) if given else None
    except ValueError:
        return None


def _params(filters: Filters) -> dict[str, str]:
    given = {"since": filters.since, "until": filters.until, "customer": filters.customer, "type": filters.type}
    return {name: str(value) for name, value in given.items() if value}


async def _counted(uow: UnitOfWork, kpi: Kpi, filters: Filters) -> tuple[KpiView, KpiView | None]:
    """A question's figures, and those of its weeks where the period narrows it."""
    return await queries.with_weeks(uow, kpi, filters) if kpi.dated else (await queries.figures(uow, kpi, filters), None)


def _cards(screen: Screen, counted: Sequence[tuple[KpiView, KpiView | None]]) -> list[Card]:
    return [_card(screen, whole, figure, weekly) for whole, weekly in counted for figure in whole.figures]


def _card(screen: Screen, kpi: KpiView, figure: Figure, weekly: KpiView | None) -> Card:
    unit = cast(Unit, kpi.unit)
    found = weekly.figures if weekly else []
    weeks = {one.group: one.value for one in found if one.split == figure.split}
    labels = sorted({one.group for one in found})
    shown = [Week(_week(screen, label), weeks.get(label), _said(screen, unit, weeks.get(label))) for label in labels]
    return Card(kpi, figure, _said(screen, unit, figure.value), _note(screen, unit, figure), shown)


def _week(screen: Screen, monday: str) -> str:
    day = date.fromisoformat(monday)
    return f"{day.day} {day:%b}"


def _note(screen: Screen, unit: Unit, figure: Figure) -> str:
    """What the number is made of, in words."""
    count, of = screen.number(figure.count), screen.number(figure.of)
    if unit == "minutes":
        return f"median of {count}; nine in ten within {_said(screen, unit, figure.p90)}" if figure.count else "nothing to measure"
    if unit == "count":
        return f"half of them older than {_said(screen, 'minutes', figure.median)}" if figure.median is not None else "nothing is open"
    return {"percent": f"{count} of {of}", "average": f"over {of} cases", "per_100": f"{count} in {of} cases"}[unit]


def _said(screen: Screen, unit: Unit, value: float | None) -> str:
    """A figure as people write it; a dash where there is nothing to measure."""
    if value is None:
        return "–"
    if unit == "minutes":
        return _span(screen, int(value))
    if unit == "count":
        return screen.number(value)
    return screen.number(value, 1) + (" %" if unit == "percent" else "")


def _span(screen: Screen, minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    sign = "−" if minutes < 0 else ""
    if hours >= 48:
        return f"{sign}{screen.number(hours // 24)} d {hours % 24} h"
    return f"{sign}{hours} h {rest} min" if hours else f"{sign}{rest} min"


class Group(msgspec.Struct, frozen=True):
    """One customer, type or owner with its figures, in the order of the head: words, and where their rows open."""

    title: str
    cells: list[tuple[str, str]]


class Grouped(msgspec.Struct, frozen=True):
    """Figures by group; `left_out` more groups aren't shown."""

    head: list[str]
    groups: list[Group]
    left_out: int


def _grouped(screen: Screen, report: Report) -> Grouped:
    """A row a group, a column a figure; the busiest groups first."""
    columns = [(kpi, split) for kpi in report.kpis for split in sorted({one.split for one in kpi.figures})]
    titles, weight = dict[str, str](), dict[str, int]()
    for kpi in report.kpis:
        for one in kpi.figures:
            titles[one.group] = one.title
            weight[one.group] = max(weight.get(one.group, 0), one.of)
    order = sorted(titles, key=lambda group: (-weight[group], titles[group]))
    found = {(kpi.name, one.split, one.group): one for kpi in report.kpis for one in kpi.figures}
    groups = [
        Group(titles[group], [_cell(screen, kpi, found.get((kpi.name, split, group))) for kpi, split in columns])
        for group in order[:GROUPS]
    ]
    return Grouped([_column(kpi, split) for kpi, split in columns], groups, max(0, len(order) - GROUPS))


def _column(kpi: KpiView, split: str) -> str:
    said = next((one.split_title for one in kpi.figures if one.split == split), "")
    return f"{kpi.title} {said}".strip()


def _cell(screen: Screen, kpi: KpiView, one: Figure | None) -> tuple[str, str]:
    if one is None:
        return "–", ""
    return _said(screen, cast(Unit, kpi.unit), one.value), f"/ops/kpis/{kpi.name}?{one.rows}"


async def _usage(screen: Screen, uow: UnitOfWork, filters: Filters) -> list[UsageTotal] | None:
    """What was used in the period, for whoever may see it; None when the period is longer than usage is shown for."""
    if not screen.reader.may("usage.read") or filters.until - filters.since > metering.LONGEST:
        return None
    return (await metering.usage(uow, since=filters.since, until=filters.until, customer_id=filters.customer)).totals


ROUTES: list[Any] = [show_kpis, show_kpi_rows]
