"""X12 dates and times: element 373 (date), 337 (time) and 623 (time code).

Element 623 knows fixed offsets (01..12 are UTC+1..+12, 13..24 are UTC-12..-1, `CS` is Central Standard), regions whose
offset follows the date (`PT` is Pacific Time, summer or winter), UTC, and `LT`, the local time of a place it does not name.
"""

from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import msgspec

_FIXED = {
    "GM": 0.0, "UT": 0.0,
    "AD": -8.0, "AS": -9.0, "PD": -7.0, "PS": -8.0, "MD": -6.0, "MS": -7.0, "CD": -5.0, "CS": -6.0,
    "ED": -4.0, "ES": -5.0, "TD": -3.0, "TS": -4.0, "ND": -2.5, "NS": -3.5, "HD": -9.0, "HS": -10.0,
}  # fmt: skip
_REGIONS = {
    "PT": "America/Los_Angeles", "MT": "America/Denver", "CT": "America/Chicago", "ET": "America/New_York",
    "AT": "America/Anchorage", "TT": "America/Halifax", "NT": "America/St_Johns", "HT": "America/Adak",
}  # fmt: skip


class Moment(msgspec.Struct, frozen=True):
    """When something happened, as far as the sender told: `zone_known` is False when the zone was assumed by us."""

    at: datetime
    zone_known: bool


def date_of(value: str) -> date | None:
    """Read CCYYMMDD, or YYMMDD as a day of 1970..2069; None when it is no date."""
    if not value.isascii() or not value.isdigit():
        return None
    if len(value) == 6:
        value = ("19" if value >= "70" else "20") + value
    try:
        return date(int(value[:4]), int(value[4:6]), int(value[6:])) if len(value) == 8 else None
    except ValueError:
        return None


def time_of(value: str) -> time | None:
    """Read HHMM, HHMMSS, HHMMSSD or HHMMSSDD (D: decimal seconds); None when it is no time."""
    if not value.isascii() or not value.isdigit() or len(value) not in (4, 6, 7, 8):
        return None
    try:
        return time(int(value[:2]), int(value[2:4]), int(value[4:6] or 0), int(value[6:].ljust(6, "0")))
    except ValueError:
        return None


def zone_of(code: str) -> tzinfo | None:
    """Return the zone that time code (element 623) names; None for `LT`, an empty and an unknown code."""
    if code in _FIXED:
        return timezone(timedelta(hours=_FIXED[code]))
    if code in _REGIONS:
        return ZoneInfo(_REGIONS[code])
    if code.isascii() and code.isdigit() and 1 <= int(code) <= 24:
        hours = int(code)
        return timezone(timedelta(hours=hours if hours <= 12 else hours - 25))
    return None


def moment(day: date, clock: time | None, code: str, assumed: tzinfo = UTC) -> Moment:
    """Put date, time and time code together; a missing time is the day's beginning, an unknown zone is `assumed` and said so."""
    zone = zone_of(code)
    local = datetime.combine(day, clock or time(), zone or assumed)
    return Moment(local, zone_known=zone is not None and clock is not None)
