"""Arithmetic of working time: when a promise to a customer falls due, what is left of it, and what a pause does to it.

Durations are ISO 8601 (`PT30M`, `PT8H`, `P2D`, `P1W`). Hours and minutes are working time; a day is a working day, so `P1D` from Tuesday
15:00 is Wednesday 15:00, and from Friday it is Monday. Months and years have no fixed length and are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from app.cases.calendars import Calendar
from app.core.errors import FieldError, Invalid

HORIZON: Final = timedelta(days=5 * 366)
"""How far ahead an opening is looked for."""

_ISO = re.compile(r"^P(?!$)(?:(\d{1,3})W|(?:(\d{1,4})D)?(?:T(?=\d)(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?)\Z")


class DueTooFar(Invalid):
    """This duration doesn't fall due within five years on this calendar; shorten it or add working hours."""


@dataclass(frozen=True, slots=True)
class Duration:
    """Working days, then working time."""

    days: int = 0
    time: timedelta = timedelta()

    @classmethod
    def parse(cls, written: object) -> Duration:
        """Reads ISO 8601; a week is its five working days. Raises Invalid."""
        match = _ISO.match(written) if isinstance(written, str) else None
        if match is None:
            raise Invalid(
                f"'{written}' is no duration.",
                errors=[FieldError(pointer="", detail="This is no ISO 8601 duration.", remedy="Write it like PT30M, PT8H or P2D.")],
            )
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return cls(weeks * 5 + days, timedelta(hours=hours, minutes=minutes, seconds=seconds))


def due_at(start: datetime, duration: str | Duration, calendar: Calendar) -> datetime:
    """When `duration` of working time after `start` has passed, in UTC; always within working time or at its end.

    A start outside working time counts from the next opening.
    """
    asked = Duration.parse(duration) if isinstance(duration, str) else duration
    return after(_days_on(start.astimezone(UTC), asked.days, calendar), asked.time, calendar)


def after(start: datetime, time: timedelta, calendar: Calendar) -> datetime:
    """The instant at which `time` of working time has passed since `start`."""
    left = time
    for opened, closed in calendar.from_day(calendar.local_day(start), until=calendar.local_day(start + HORIZON)):
        cursor = max(opened, start)
        if cursor > closed:
            continue
        if left <= closed - cursor:
            return (cursor + left).astimezone(UTC)
        left -= closed - cursor
    raise DueTooFar()


def elapsed(start: datetime, end: datetime, calendar: Calendar) -> timedelta:
    """Working time between two instants; nothing when `end` isn't after `start`."""
    total = timedelta()
    if end <= start:
        return total
    for opened, closed in calendar.from_day(calendar.local_day(start), until=calendar.local_day(end)):
        total += max(min(closed, end) - max(opened, start), timedelta())
    return total


def remaining(now: datetime, due: datetime, calendar: Calendar) -> timedelta:
    """Working time left until `due`; negative is the working time it is late."""
    return elapsed(now, due, calendar) if now <= due else -elapsed(due, now, calendar)


def warn_at(start: datetime, due: datetime, calendar: Calendar, *, share: tuple[int, int] = (4, 5)) -> datetime:
    """The instant at which a share of the working time until `due` is used up."""
    return after(start, elapsed(start, due, calendar) * share[0] // share[1], calendar)


def resumed(now: datetime, left: timedelta, calendar: Calendar) -> datetime:
    """The new due time of a clock that stood still with `left` on it (as `remaining` gave it). A late clock stays as late as it was."""
    return after(now, left, calendar) if left >= timedelta() else now.astimezone(UTC)


def _days_on(start: datetime, days: int, calendar: Calendar) -> datetime:
    """The same wall-clock time `days` working days later; the first opening when `start` lies outside working time."""
    if days == 0:
        return start
    opening = after(start, timedelta(), calendar).astimezone(calendar.zone)
    day, left = opening.date(), days
    last = (opening + HORIZON).date()
    while left:
        day += timedelta(days=1)
        left -= bool(calendar.spans(day))
        if day > last:
            raise DueTooFar()
    return datetime.combine(day, opening.timetz()).astimezone(UTC)
