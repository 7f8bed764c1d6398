"""Moments and money in the reader's language and zone (CLDR data by Babel)."""

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_skeleton, format_time, get_timezone_gmt, get_timezone_name
from babel.numbers import format_currency

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
