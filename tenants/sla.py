"""The service-level contract of a customer: how soon somebody answers and how soon it is solved, in which working hours.

`{first_response: PT30M, resolution: PT8H, calendar: {zone: Europe/Berlin, hours: "Mon-Fri 07:00-19:00", holidays: DE-BE}}`.
Durations are ISO 8601 (weeks, days or hours, minutes, seconds); hours are windows separated by ";"; holidays are
regions (ISO 3166) and own dates. What is checked here is the form; what the clocks make of it is the cases' business.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.core.errors import FieldError

_DURATION = re.compile(r"P(?:\d{1,3}W|\d{1,3}D|(?=T\d)T(?:\d{1,4}H)?(?:\d{1,4}M)?(?:\d{1,5}S)?)")
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_TIME = r"(?:[01]\d|2[0-4]):[0-5]\d"
_WINDOW = rf"{_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)* {_TIME}-{_TIME}"
_HOURS = re.compile(rf"always|{_WINDOW}(?:\s*;\s*{_WINDOW})*")
_HOLIDAY = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?|\d{4}-\d{2}-\d{2}")


def problems(sla: object, pointer: str = "/sla") -> list[FieldError]:
    """Return what is wrong with a contract, each with its place and remedy; nothing for a good one and for None (no contract)."""
    return [] if sla is None else list(_contract(sla, pointer))


def is_zone(name: object) -> bool:
    """Tell whether `name` is a time zone of the IANA database."""
    try:
        return isinstance(name, str) and bool(name) and ZoneInfo(name) is not None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _contract(sla: object, pointer: str) -> Iterator[FieldError]:
    if not isinstance(sla, dict):
        yield FieldError(pointer, "A contract is an object.", "Give first_response, resolution and calendar.")
        return
    yield from _unknown(sla, {"first_response", "resolution", "calendar"}, pointer)
    for name in ("first_response", "resolution"):
        if name in sla and not _matches(_DURATION, sla[name]):
            yield FieldError(f"{pointer}/{name}", f"{sla[name]!r} is not a duration.", "Write PT30M, PT8H, P2D or P1W.")
    if "calendar" in sla:
        yield from _calendar(sla["calendar"], f"{pointer}/calendar")


def _calendar(calendar: object, pointer: str) -> Iterator[FieldError]:
    if not isinstance(calendar, dict):
        yield FieldError(pointer, "A calendar is an object.", "Give zone, hours and holidays.")
        return
    yield from _unknown(calendar, set(_CALENDAR), pointer)
    for name, (is_good, remedy) in _CALENDAR.items():
        if name in calendar and not is_good(calendar[name]):
            yield FieldError(f"{pointer}/{name}", f"{calendar[name]!r} can't be used as {name}.", remedy)


def _unknown(given: dict[str, Any], known: set[str], pointer: str) -> Iterator[FieldError]:
    for name in sorted(set(given) - known):
        yield FieldError(f"{pointer}/{name}", "There is no such field.", f"Known are {', '.join(sorted(known))}.")


def _matches(form: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None


def _are_holidays(value: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return all(_matches(_HOLIDAY, item) for item in values)


_CALENDAR: dict[str, tuple[Callable[[object], bool], str]] = {
    "zone": (is_zone, "Name a zone of the IANA database, such as Europe/Berlin."),
    "hours": (lambda value: value is None or _matches(_HOURS, value), 'Write "Mon-Fri 07:00-19:00; Sat 08:00-12:00" or "always".'),
    "holidays": (_are_holidays, 'Name regions such as DE-BE and dates such as "2026-12-24".'),
}
