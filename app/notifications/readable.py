"""Contexts for people: beside every moment and amount stands its text in the reader's language and zone.

A value that is a timestamp with zone (RFC 3339) under `eta` gains `eta_text`; whole minor units under
`cost_minor` with a `currency` beside them gain `cost_text`. Names that are taken already are left alone.
"""

import re
from datetime import datetime
from typing import Any

from branding.formats import moment, money

_TIMESTAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$")
_CURRENCY = re.compile(r"^[A-Z]{3}$")


def readable(value: Any, locale: str, zone: str) -> Any:
    """Return a copy of plain data with the texts added, at every depth."""
    if isinstance(value, list | tuple):
        return [readable(item, locale, zone) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {name: readable(item, locale, zone) for name, item in value.items()}
    return _texts(inner, locale, zone) | inner


def _texts(given: dict[str, Any], locale: str, zone: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    currency = given.get("currency")
    for name, value in given.items():
        if isinstance(value, str) and _TIMESTAMP.match(value):
            texts[f"{name}_text"] = moment(datetime.fromisoformat(value), locale, zone)
        elif _is_amount(name, value) and isinstance(currency, str) and _CURRENCY.match(currency):
            texts[f"{name.removesuffix('_minor')}_text"] = money(value, currency, locale)
    return texts


def _is_amount(name: str, value: object) -> bool:
    return name.endswith("_minor") and isinstance(value, int) and not isinstance(value, bool)
