"""Figures counted from their definitions, and the rows behind each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy import text as sql

from app.canonical.taxonomy import taxonomy
from app.cases.models import Case
from app.core.errors import FieldError, Invalid, NotFound
from app.core.paging import Page, decode_cursor, encode_cursor, next_cursor
from app.core.uow import UnitOfWork
from app.intelligence.filters import NOBODY, By, Filters, Place, rows_at, week_of
from app.intelligence.kpis import CASES, KPIS, Kpi, ratio
from app.intelligence.schemas import Figure, KpiView, Part, Report, Row
from tenants.models import Customer, User

_GROUPS: Final[dict[By | None, str]] = {
    None: "''",
    "customer": "cast(r.customer_id as text)",
    "type": "coalesce(r.type, '')",
    "owner": f"coalesce(cast(r.owner_id as text), '{NOBODY}')",
    "week": "cast(date_trunc('week', r.at at time zone :zone) as date)",
}
# The same for rows of a period whose weeks are known: a third of the time.
_WEEKS: Final = "width_bucket(r.at, cast(:weeks as timestamptz[]))"
_COUNT: Final = """
select {group} as grp, r.split, r.part, count(*) as rows, coalesce(sum(r.value), 0) as total
from ({definition}) r where {where} group by 1, 2, 3"""
# Apart from the counting, which needs no order: sorting every row for a median nobody asked for would be most of the work.
_SPREAD: Final = """
select {group} as grp, r.split, percentile_disc(array[0.5, 0.9]) within group (order by r.value) as spread
from ({definition}) r where {where} and r.value is not null group by 1, 2"""
_LIST: Final = """
select r.* from ({definition}) r where {where}
order by r.at desc, r.id desc, r.split desc limit :limit"""


class _Counted(msgspec.Struct):
    """What was counted of one group and split."""

    parts: dict[str, int] = {}
    total: int = 0
    median: int | None = None
    p90: int | None = None


_Told = dict[tuple[str, str], _Counted]


def kpi_named(uow: UnitOfWork, name: str) -> Kpi:
    """The figure of this name, if the reader may see it; raises NotFound."""
    found = KPIS.get(name)
    if found is None or (uow.customer_id is not None and not found.for_customers):
        raise NotFound()
    return found


async def report(uow: UnitOfWork, filters: Filters, *, by: By | None = None) -> Report:
    """Every figure the reader may see, of everything or by group; a customer's are counted from its own cases."""
    filters.checked()
    seen = [kpi for kpi in KPIS.values() if uow.customer_id is None or kpi.for_customers]
    return Report(filters.since, filters.until, filters.zone, [await figures(uow, kpi, filters, by=by) for kpi in seen])


async def with_weeks(uow: UnitOfWork, kpi: Kpi, filters: Filters) -> tuple[KpiView, KpiView]:
    """One question's figures of the whole period and by week, counted once: the whole is the sum of its weeks."""
    counted = await _count(uow, kpi, filters.checked(), "week")
    cases = await _cases(uow, kpi, filters, "week")
    whole: _Told = {("", split): _Counted({}) for split in kpi.splits or ("all",)}
    for (_, split), one in counted.items():
        for part, count in one.parts.items():
            whole["", split].parts[part] = whole["", split].parts.get(part, 0) + count
        whole["", split].total += one.total
    if kpi.is_timed:
        await _spread(uow, kpi, filters, None, whole)
    weeks = _view(
        kpi, filters, "week", counted | {(week, "all"): _Counted({}) for week in cases if (week, "all") not in counted}, cases, {}
    )
    return _view(kpi, filters, None, whole, {"": sum(cases.values())}, {}), weeks


async def figures(uow: UnitOfWork, kpi: Kpi, filters: Filters, *, by: By | None = None) -> KpiView:
    """One question's figures: one for each split, or for each group and split."""
    counted = await _count(uow, kpi, filters.checked(), by)
    if by is None:
        counted |= {("", split): _Counted() for split in kpi.splits or ("all",) if ("", split) not in counted}
    cases = await _cases(uow, kpi, filters, by)
    # A group whose cases nobody laid hands on has a figure too: none.
    counted |= {(group, "all"): _Counted() for group in cases if (group, "all") not in counted}
    return _view(kpi, filters, by, counted, cases, await _titles(uow, by, {group for group, _ in counted}))


async def rows(
    uow: UnitOfWork, kpi: Kpi, filters: Filters, place: Place, *, by: By | None = None, cursor: str | None = None, limit: int = 50
) -> Page[Row]:
    """Exactly the rows a figure or a part of it counts, newest first."""
    where, given = _where(kpi, filters.checked(), uow.now, None)
    for name, condition, value in _placed(place, by, filters.zone):
        where, given = f"{where} and {condition}", given | {name: value}
    if cursor:
        at, row, split = decode_cursor(cursor, (datetime, UUID, str))
        where += " and (r.at, r.id, r.split) < (:after_at, :after_id, :after_split)"
        given |= {"after_at": at, "after_id": row, "after_split": split}
    found = (await uow.execute(sql(_LIST.format(definition=kpi.definition, where=where)), given | {"limit": limit + 1})).mappings().all()
    shown = found[:limit]
    titles = await _case_titles(uow, {row["case_id"] for row in shown})
    more = encode_cursor([shown[-1]["at"], shown[-1]["id"], shown[-1]["split"]]) if len(found) > limit else None
    next_cursor.set(more)
    return Page([Row(case=titles.get(row["case_id"], ""), **row) for row in shown], more)


async def _count(uow: UnitOfWork, kpi: Kpi, filters: Filters, by: By | None) -> _Told:
    where, given = _where(kpi, filters, uow.now, by)
    told: _Told = {}
    counting = _COUNT.format(group=_group(kpi, by), definition=kpi.definition, where=where)
    for row in (await uow.execute(sql(counting), given)).mappings():
        one = told.setdefault((_said(row["grp"], filters), row["split"]), _Counted({}))
        one.parts[row["part"]] = row["rows"]
        one.total += int(row["total"])
    if kpi.unit == "minutes" or (by is None and kpi.is_timed):
        await _spread(uow, kpi, filters, by, told)
    return told


async def _spread(uow: UnitOfWork, kpi: Kpi, filters: Filters, by: By | None, told: _Told) -> None:
    """Note median and ninth decile of what was counted."""
    where, given = _where(kpi, filters, uow.now, by)
    for row in (await uow.execute(sql(_SPREAD.format(group=_group(kpi, by), definition=kpi.definition, where=where)), given)).mappings():
        one = told[_said(row["grp"], filters), row["split"]]
        one.median, one.p90 = row["spread"]


async def _cases(uow: UnitOfWork, kpi: Kpi, filters: Filters, by: By | None) -> dict[str, int]:
    """How many cases were opened, by group: what `per_100` is measured against."""
    if kpi.unit != "per_100":
        return {}
    return {group: sum(one.parts.values()) for (group, _), one in (await _count(uow, CASES, filters, by)).items()}


def _where(kpi: Kpi, filters: Filters, now: datetime, by: By | None) -> tuple[str, dict[str, Any]]:
    """The conditions besides a definition's own, and what both are given."""
    since, until = filters.bounds
    given: dict[str, Any] = {"since": since, "until": until} if kpi.dated else {}
    if ":now" in kpi.definition:
        given["now"] = now
    if by == "week":
        given |= {"weeks": filters.weeks} if kpi.dated else {"zone": filters.zone}
    conditions = ["true"]
    if filters.customer is not None:
        conditions.append("r.customer_id = :customer")
        given["customer"] = filters.customer
    if filters.type is not None:
        conditions.append("r.type = :type")
        given["type"] = filters.type
    return " and ".join(conditions), given


def _group(kpi: Kpi, by: By | None) -> str:
    return _WEEKS if by == "week" and kpi.dated else _GROUPS[by]


def _said(group: object, filters: Filters) -> str:
    """A group as it is named outside: of a week its Monday."""
    return filters.weeks[group - 1].date().isoformat() if isinstance(group, int) else str(group)


def _placed(place: Place, by: By | None, zone: str) -> Iterable[tuple[str, str, Any]]:
    if by == "owner":
        yield "group", f"{_GROUPS[by]} = :group", place.group
    if by == "week":
        monday, next_one = week_of(date.fromisoformat(place.group), zone)
        yield "monday", "r.at >= :monday", monday
        yield "next_monday", "r.at < :next_monday", next_one
    if place.split is not None:
        yield "split", "r.split = :split", place.split
    if place.parts:
        yield "parts", "r.part = any (:parts)", list(place.parts)


def _view(kpi: Kpi, filters: Filters, by: By | None, counted: _Told, cases: Mapping[str, int], titles: Mapping[str, str]) -> KpiView:
    order = sorted(
        counted, key=lambda key: (titles.get(key[0], key[0]).casefold(), key[0], list(kpi.splits).index(key[1]) if kpi.splits else 0)
    )
    shown = [_figure(kpi, filters, by, key, counted[key], titles.get(key[0], key[0]), cases.get(key[0], 0)) for key in order]
    return KpiView(kpi.name, kpi.title, kpi.asks, kpi.unit, shown)


def _figure(kpi: Kpi, filters: Filters, by: By | None, key: tuple[str, str], told: _Counted, title: str, cases: int) -> Figure:
    group, split = key
    held = split if kpi.splits else None
    counted, of = _sum(told, kpi.counted), cases if kpi.unit == "per_100" else _sum(told, kpi.of)
    return Figure(
        group=group, title=title, split=split, split_title=kpi.splits.get(split, ""), value=ratio(kpi, counted, of, told.total, told.median),
        count=counted, of=of, rows=rows_at(filters, by, Place(group, held, kpi.counted)), median=told.median, p90=told.p90,
        parts=[Part(name, says, told.parts.get(name, 0), rows_at(filters, by, Place(group, held, (name,)))) for name, says in kpi.parts.items()],
    )  # fmt: skip


def _sum(told: _Counted, parts: tuple[str, ...]) -> int:
    return sum(count for part, count in told.parts.items() if not parts or part in parts)


async def _titles(uow: UnitOfWork, by: By | None, groups: set[str]) -> Mapping[str, str]:
    """What groups are called."""
    if by == "type":
        return {group: known.title if (known := taxonomy().types.get(group)) else group for group in groups}
    if by not in ("customer", "owner"):
        return {group: group for group in groups}
    table: Any = Customer if by == "customer" else User
    ids = [UUID(group) for group in groups if group != NOBODY]
    named = {str(row.id): row.name for row in await uow.execute(select(table.id, table.name).where(table.id.in_(ids)))}
    return {group: "nobody" if group == NOBODY else named.get(group) or group for group in groups}


async def _case_titles(uow: UnitOfWork, ids: set[UUID]) -> dict[UUID, str]:
    return {row.id: row.title for row in await uow.execute(select(Case.id, Case.title).where(Case.id.in_(ids)))}


def place_of(kpi: Kpi, *, owner: str | None, week: str | None, split: str | None, part: str | None) -> tuple[Place, By | None]:
    """Read which rows a query string asks for; raises Invalid naming what this figure doesn't have."""
    parts = tuple(part.split(",")) if part else ()
    wrong = [FieldError("part", f"There is no part {name}.", f"Use {', '.join(kpi.parts)}.") for name in parts if name not in kpi.parts]
    if split is not None and split not in kpi.splits:
        wrong.append(FieldError("split", f"There is no split {split}.", f"Use {', '.join(kpi.splits) or 'none'}."))
    if week is not None and not _is_day(week):
        wrong.append(FieldError("week", "is no day", "Give the week's Monday, like 2026-11-23."))
    if owner is not None and week is not None:
        wrong.append(FieldError("week", "can't be combined with owner", "Give one of both."))
    if wrong:
        raise Invalid("This figure has no such rows.", errors=wrong)
    by: By | None = "owner" if owner is not None else "week" if week is not None else None
    return Place(owner or week or "", split, parts), by


def _is_day(given: str) -> bool:
    try:
        return bool(date.fromisoformat(given))
    except ValueError:
        return False
