"""Working time: in which hours of which days, in whose zone, a clock runs.

A calendar is written as `{"zone": "Europe/Berlin", "hours": "Mon-Fri 07:00-19:00; Sat 08:00-12:00", "holidays": ["DE-BE", "2026-12-24"]}`.
Hours are entries separated by `;`, each days (`Mon-Thu,Sat`) and one or more spans; a span that ends before it starts runs past
midnight; `always` is round the clock. Holidays are ISO 3166 regions of the `holidays` library (`FR`, `DE-BE`, `US-NY`) and own dates.

An instant is working time when its wall-clock time in the calendar's zone lies in a span of a day that is no holiday. So on the day the
clocks go forward the missing hour isn't counted, and on the day they go back the repeated hour is counted twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import holidays as _holidays

from app.core.errors import FieldError, Invalid

Interval = tuple[datetime, datetime]
"""A stretch of time in UTC, the end excluded."""

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY: Final = 24 * 60
AROUND_THE_CLOCK: Final = "Mon-Sun 00:00-24:00"
_SPAN = re.compile(r"^([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)\Z")
_OWN_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}\Z")

Spans = tuple[tuple[int, int], ...]
"""Minutes from midnight, sorted, apart from each other."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Opening hours by weekday (Monday first), the zone they are meant in, and the days they don't hold."""

    zone: ZoneInfo
    week: tuple[Spans, ...]
    regions: tuple[str, ...] = ()
    closed: frozenset[date] = frozenset()

    def is_holiday(self, day: date) -> bool:
        return day in self.closed or any(day in _region(name) for name in self.regions)

    def spans(self, day: date) -> Spans:
        return () if self.is_holiday(day) else self.week[day.weekday()]

    def local_day(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()

    def intervals(self, day: date) -> list[Interval]:
        """The working time of one local day as UTC intervals, in order."""
        found = [piece for span in self.spans(day) for piece in _in_utc(day, span, self.zone)]
        return _joined(found)

    def from_day(self, day: date, *, until: date) -> Iterator[Interval]:
        """Working intervals of the days `day` to `until`, both included."""
        while day <= until:
            yield from self.intervals(day)
            day += timedelta(days=1)


def parse(written: Mapping[str, Any] | None) -> Calendar:
    """Reads a calendar as it is written in a customer's contract; nothing written means round the clock in UTC.

    Raises Invalid with a pointer relative to the calendar.
    """
    written = written or {}
    regions, closed = _parse_holidays(written.get("holidays"))
    return Calendar(_parse_zone(written.get("zone")), parse_hours(written.get("hours") or AROUND_THE_CLOCK), regions, closed)


def parse_hours(written: object) -> tuple[Spans, ...]:
    """Reads `Mon-Fri 07:00-12:00 13:00-17:00; Sat 08:00-12:00` into spans by weekday."""
    if not isinstance(written, str) or len(written) > 500:
        raise _invalid("/hours", "Working hours are a text of at most 500 characters.")
    week: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    written = AROUND_THE_CLOCK if written == "always" else written
    for entry in filter(None, (part.strip() for part in written.split(";"))):
        days, *spans = entry.split()
        if not spans:
            raise _invalid("/hours", f"The entry '{entry}' names no hours.")
        for day in _parse_days(days):
            for span in spans:
                _put(week, day, *_parse_span(span))
    if not any(week):
        raise _invalid("/hours", "A calendar needs at least one span of working time.")
    return tuple(_merged(spans) for spans in week)


def _parse_days(written: str) -> list[int]:
    return [day for part in written.split(",") for day in _parse_range(part)]


def _parse_range(written: str) -> list[int]:
    names = written.lower().split("-")
    if len(names) > 2 or any(name not in DAYS for name in names):
        raise _invalid("/hours", f"'{written}' is no day or range of days.")
    first, last = DAYS.index(names[0]), DAYS.index(names[-1])
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def _parse_span(written: str) -> tuple[int, int]:
    match = _SPAN.match(written)
    hours = [int(part) for part in match.groups()] if match else []
    start, end = (hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]) if hours else (0, 0)
    if start == end or start >= MINUTES_A_DAY or end > MINUTES_A_DAY:
        raise _invalid("/hours", f"'{written}' is no span of hours.")
    return start, end


def _put(week: list[list[tuple[int, int]]], day: int, start: int, end: int) -> None:
    if start < end:
        week[day].append((start, end))
        return
    week[day].append((start, MINUTES_A_DAY))
    if end:
        week[(day + 1) % 7].append((0, end))


def _merged(spans: list[tuple[int, int]]) -> Spans:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _parse_zone(written: object) -> ZoneInfo:
    if written is None:
        return ZoneInfo("UTC")
    try:
        return ZoneInfo(str(written))
    except (KeyError, ValueError, OSError):
        raise _invalid("/zone", "This is no time zone of the IANA database.", "Write it like Europe/Berlin.") from None


def _parse_holidays(written: object) -> tuple[tuple[str, ...], frozenset[date]]:
    given = [written] if isinstance(written, str) else written or []
    if not isinstance(given, list) or len(given) > 400:
        raise _invalid("/holidays", "Holidays are a region or a list of regions and dates.")
    regions, closed = [], set()
    for item in map(str, given):
        if _OWN_DATE.match(item):
            closed.add(_parse_date(item))
        else:
            _region(item)
            regions.append(item)
    return tuple(regions), frozenset(closed)


def _parse_date(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise _invalid("/holidays", f"'{written}' is no date.") from None


@lru_cache(maxsize=512)
def _region(name: str) -> _holidays.HolidayBase:
    country, _, subdivision = name.partition("-")
    try:
        return _holidays.country_holidays(country, subdiv=subdivision or None)
    except NotImplementedError:
        raise _invalid("/holidays", f"No holidays are known for the region '{name}'.", "Write it like FR, DE-BE or US-NY.") from None


def _in_utc(day: date, span: tuple[int, int], zone: ZoneInfo) -> Iterator[Interval]:
    """Where the wall clock of `zone` reads a time inside `span` on `day`.

    The day is cut where the zone's offset changes, and each piece is shifted by its own offset: a wall time that doesn't exist yields
    nothing, one that exists twice yields both.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    for start, end, offset in _pieces(day, zone):
        opened = max(midnight + timedelta(minutes=span[0]) - offset, start)
        closed = min(midnight + timedelta(minutes=span[1]) - offset, end)
        if opened < closed:
            yield opened, closed


@lru_cache(maxsize=4096)
def _pieces(day: date, zone: ZoneInfo) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """UTC stretches around one local day, each with the offset that holds in it; a zone changes its offset at most once in that time."""
    margin = timedelta(hours=3)
    low = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) - margin
    next_day = day + timedelta(days=1)
    high = datetime(next_day.year, next_day.month, next_day.day, tzinfo=zone, fold=1).astimezone(UTC) + margin
    before, after = _offset(low, zone), _offset(high, zone)
    if before == after:
        return ((low, high, before),)
    change = _change(low, high, before, zone)
    return (low, change, before), (change, high, after)


def _change(low: datetime, high: datetime, before: timedelta, zone: ZoneInfo) -> datetime:
    """The first second in (low, high] whose offset isn't `before` any more, by halving."""
    second = timedelta(seconds=1)
    while high - low > second:
        middle = low + (high - low) // second // 2 * second
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return high


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _joined(intervals: list[Interval]) -> list[Interval]:
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _invalid(pointer: str, detail: str, remedy: str = "Write it like 'Mon-Fri 07:00-19:00; Sat 08:00-12:00'.") -> Invalid:
    return Invalid("The calendar can't be read.", errors=[FieldError(pointer=pointer, detail=detail, remedy=remedy)])
