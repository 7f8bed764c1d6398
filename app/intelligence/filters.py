"""What figures are narrowed to, as a reader says it and as the database is asked. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from app.core.errors import FieldError, Invalid

By = Literal["customer", "type", "owner", "week"]
LONGEST: Final = 366
NOBODY: Final = "none"


class PeriodInvalid(Invalid):
    """Figures are shown for up to 366 days at once, the first not after the last."""


class ZoneUnknown(Invalid):
    """This time zone isn't known."""


class Filters(msgspec.Struct, frozen=True):
    """A period of whole days in the reader's zone, both included, and what else narrows it."""

    since: date
    until: date
    zone: str = "UTC"
    customer: UUID | None = None
    type: str | None = None

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The first moment of the period and the first after it."""
        zone = zone_of(self.zone)
        return datetime.combine(self.since, time(), zone), datetime.combine(self.until + timedelta(days=1), time(), zone)

    @property
    def weeks(self) -> list[datetime]:
        """The first moment of each week the period touches; weeks begin on Monday."""
        monday, zone = self.since - timedelta(days=self.since.weekday()), zone_of(self.zone)
        return [datetime.combine(monday + timedelta(days=n), time(), zone) for n in range(0, (self.until - monday).days + 1, 7)]

    def checked(self) -> Filters:
        """Itself; raises PeriodInvalid or ZoneUnknown naming the field."""
        zone_of(self.zone)
        if not 0 <= (self.until - self.since).days <= LONGEST or self.until >= date.max:
            raise PeriodInvalid(errors=[FieldError("since", f"{self.since} to {self.until} can't be shown", "Ask for at most 366 days.")])
        return self


class Place(msgspec.Struct, frozen=True):
    """Which of a figure's rows: those of a group, a split, some parts."""

    group: str = ""
    split: str | None = None
    parts: tuple[str, ...] = ()


def week_of(monday: date, zone: str) -> tuple[datetime, datetime]:
    """The first moment of a week and the first after it."""
    return datetime.combine(monday, time(), zone_of(zone)), datetime.combine(monday + timedelta(days=7), time(), zone_of(zone))


def zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ZoneUnknown(errors=[FieldError("zone", "is not known", "Use a name like Europe/Berlin.")]) from None


def of_the_last(days: int, now: datetime, zone: str = "UTC") -> Filters:
    """The last so many days up to today, as the reader's calendar says it."""
    today = now.astimezone(zone_of(zone)).date()
    return Filters(today - timedelta(days=days - 1), today, zone)


def rows_at(filters: Filters, by: By | None, place: Place) -> str:
    """The query string under which exactly these rows open."""
    given: dict[str, Any] = {
        "since": filters.since,
        "until": filters.until,
        "zone": filters.zone,
        "customer": filters.customer,
        "type": filters.type,
    }
    if by:
        given[by] = place.group
    given |= {"split": place.split, "part": ",".join(place.parts)}
    return urlencode({name: str(value) for name, value in given.items() if value not in (None, "")})
