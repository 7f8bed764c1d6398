"""The figures: what each asks, how it is counted, and the published SQL that lists its rows.

A definition (`definitions/<name>.sql`) lists the rows of a figure, each in one part; the figure is counted from exactly these rows, and the
same statement lists them when somebody opens it. So a figure and its rows can't disagree.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

Unit = Literal["percent", "minutes", "per_100", "average", "count"]


class Kpi(msgspec.Struct, frozen=True):
    """One figure. `counted` are the parts in its numerator, `of` those in its denominator; empty means all.

    `percent` is counted of `of`, `minutes` the median, `average` the mean value of a row, `per_100` rows for each hundred cases opened.
    `dated` ones are narrowed to the period; `for_customers` ones a customer may see of its own.
    """

    name: str
    title: str
    asks: str
    unit: Unit
    parts: dict[str, str]
    counted: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    splits: dict[str, str] = {}
    dated: bool = True
    for_customers: bool = True

    @property
    def is_timed(self) -> bool:
        """Whether its rows have a value whose median says something."""
        return "cast(null as bigint) as value" not in self.definition

    @property
    def definition(self) -> str:
        """The SQL that lists the rows, as it is published and run."""
        return _definition(self.name)


@cache
def _definition(name: str) -> str:
    return files("app.intelligence").joinpath("definitions", f"{name}.sql").read_text()


_ALL: Final = (
    Kpi(
        "exceptions_open", "Open exceptions by age", "How much is unfinished, and how old is it?", "count",
        {
            "under_1_hour": "under 1 hour", "under_4_hours": "1 to 4 hours", "under_1_day": "4 to 24 hours", "under_3_days": "1 to 3 days",
            "under_7_days": "3 to 7 days", "older": "over 7 days",
        },
        dated=False,
    ),
    Kpi(
        "first_response", "First response", "How long after the event did somebody, or something, first act?", "minutes",
        {"answered": "answered", "waiting": "still waiting", "closed": "closed without"}, counted=("answered",),
        splits={"person": "by people", "automation": "by automation"},
    ),
    Kpi(
        "automation_rate", "Closed by automation alone", "How many exceptions ended untouched and stayed ended for seven days?", "percent",
        {"alone": "alone", "by_hand": "touched by hand", "came_back": "came back", "open": "still open", "pending": "too early to say"},
        counted=("alone",), of=("alone", "by_hand", "came_back", "open"), for_customers=False,
    ),
    Kpi(
        "touches", "Touches a case", "How often did somebody have to lay hands on a case?", "average",
        {"none": "none", "one_or_two": "1 or 2", "three_to_five": "3 to 5", "more": "6 and more"}, for_customers=False,
    ),
    Kpi(
        "interventions", "Manual interventions for 100 exceptions", "How much handwork do exceptions make?", "per_100",
        {"person": "by people", "customer": "by customers", "integration": "by integrations", "link": "by links"}, for_customers=False,
    ),
    Kpi(
        "notice_timeliness", "Customers told in time", "Was the customer told before the promised time was over?", "percent",
        {
            "in_time": "in time", "late": "after the promised time", "not_told": "not told, promise over", "no_promise": "told, nothing promised",
            "quiet": "nothing to tell yet",
        },
        counted=("in_time",), of=("in_time", "late", "not_told"),
    ),
    Kpi(
        "sla_adherence", "Service levels kept", "Were the contract's clocks met?", "percent",
        {"met": "met", "missed": "missed", "running": "still running"}, counted=("met",), of=("met", "missed"),
        splits={"first_response": "at first response", "resolution": "at resolution"},
    ),
)  # fmt: skip

KPIS: Final[dict[str, Kpi]] = {kpi.name: kpi for kpi in _ALL}
CASES: Final = KPIS["touches"]
"""The definition whose rows are the cases opened in the period."""


def ratio(kpi: Kpi, rows: int, of: int, total: int, median: int | None) -> float | None:
    """The figure; None where there is nothing to measure.

    `rows` and `of` are the rows counted and those they are counted of, `total` the sum of their values.
    """
    if kpi.unit == "count":
        return float(rows)
    if kpi.unit == "minutes":
        return None if median is None else float(median)
    if not of:
        return None
    return round((total if kpi.unit == "average" else rows * 100) / of, 2)
