"""Moments and money in the reader's language and zone (CLDR data by Babel)."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_skeleton, format_time, format_timedelta, get_timezone_gmt, get_timezone_name
from babel.numbers import format_currency, format_decimal

FALLBACK = "en"


@lru_cache(maxsize=256)
def spoken(tag: str) -> Locale:
    """Return the language and region of a BCP 47 tag, the nearest one known to CLDR, English when none is."""
    parts = tag.replace("_", "-").split("-")
    for length in range(len(parts), 0, -1):
        try:
            return Locale.parse("-".join(parts[:length]), sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(FALLBACK)


@lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo:
    """Return the zone called `name`, UTC when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def moment(at: datetime, locale: str, zone: str, *, until: datetime | None = None) -> str:
    """Return day, time and zone as people write them: `Wed, Nov 25, 10:00–12:00 CET`; `until` on the same day shares it."""
    here, language = at.astimezone(zone_of(zone)), spoken(locale)
    start = _day(here, language), format_time(here, "short", locale=language)
    if until is None:
        return f"{start[0]}, {start[1]} {_zone(here, language)}"
    end = until.astimezone(zone_of(zone))
    if end.date() == here.date():
        return f"{start[0]}, {start[1]}–{format_time(end, 'short', locale=language)} {_zone(end, language)}"
    return f"{start[0]}, {start[1]} – {_day(end, language)}, {format_time(end, 'short', locale=language)} {_zone(end, language)}"


def money(minor: int, currency: str, locale: str) -> str:
    """Return an amount of minor units with its currency, `€240.00`; the number of decimals is the currency's own (ISO 4217)."""
    decimals = get_global("currency_fractions").get(currency.upper(), get_global("currency_fractions")["DEFAULT"])[0]
    return format_currency(Decimal(minor).scaleb(-decimals), currency.upper(), locale=spoken(locale))


def direction(locale: str) -> str:
    """Return `rtl` for languages written from right to left, else `ltr`."""
    return spoken(locale).text_direction


def _day(at: datetime, language: Locale) -> str:
    return format_skeleton("MMMEd", at, locale=language)


def _zone(at: datetime, language: Locale) -> str:
    """The zone's short name: the language's own, else the zone's, else its distance from UTC."""
    for name in (get_timezone_name(at, width="short", locale=language), at.tzname() or ""):
        if not name.startswith(("+", "-")):
            return name
    return get_timezone_gmt(at, width="short", locale=language)


def day(at: datetime, locale: str, zone: str) -> str:
    """Return the date as people write it, with its year: `Nov 25, 2026`."""
    return format_date(at.astimezone(zone_of(zone)), "medium", locale=spoken(locale))


def distance(span: timedelta, locale: str) -> str:
    """Return how far away a moment is: `3 hours ago`, `in 12 minutes`."""
    return str(format_timedelta(span, granularity="minute", add_direction=True, locale=spoken(locale)))


def clock(span: timedelta) -> str:
    """Return a span as hours and minutes, `4:05` or `-0:12`, days in front from two days on: `3d 04:05`."""
    minutes = int(abs(span.total_seconds()) // 60)
    sign = "-" if span.total_seconds() < 0 else ""
    days, rest = divmod(minutes, 24 * 60)
    return f"{sign}{days}d {rest // 60:02}:{rest % 60:02}" if days >= 2 else f"{sign}{minutes // 60}:{minutes % 60:02}"


def number(value: float, locale: str, digits: int = 0) -> str:
    """Return a number with the language's own grouping and decimal sign."""
    return str(format_decimal(round(value, digits), format=f"#,##0.{'0' * digits}" if digits else "#,##0", locale=spoken(locale)))
