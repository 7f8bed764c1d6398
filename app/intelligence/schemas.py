"""Figures as they are answered."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec


class Part(msgspec.Struct, frozen=True):
    """Some of a figure's rows; `rows` is the query string under which exactly these open."""

    name: str
    title: str
    count: int
    rows: str


class Figure(msgspec.Struct, frozen=True):
    """One number: of everything or of one group, of one split where the figure has them.

    `count` rows of `of` are counted and open under `rows`; `median` and `p90` are of the rows' values (minutes, or touches),
    by group only where the figure itself is a median.
    """

    group: str
    title: str
    split: str
    split_title: str
    value: float | None
    count: int
    of: int
    rows: str
    parts: list[Part]
    median: int | None = None
    p90: int | None = None


class KpiView(msgspec.Struct, frozen=True):
    """One question with its figures."""

    name: str
    title: str
    asks: str
    unit: str
    figures: list[Figure]


class Report(msgspec.Struct, frozen=True):
    """Figures of a period; `until` is included, days are those of `zone`."""

    since: date
    until: date
    zone: str
    kpis: list[KpiView]


class Row(msgspec.Struct, frozen=True):
    """One row behind a figure: its own id (the case's, an act's or a clock's), the case, and which part it is counted in."""

    id: UUID
    case_id: UUID
    case: str
    customer_id: UUID
    type: str | None
    owner_id: UUID | None
    at: datetime
    split: str
    part: str
    value: int | None
