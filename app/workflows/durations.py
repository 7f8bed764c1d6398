"""Durations: ISO 8601 or the specification's inline form, in whole milliseconds."""

import re
from typing import Any

DAY = 86_400_000
_UNITS = {"weeks": 7 * DAY, "days": DAY, "hours": 3_600_000, "minutes": 60_000, "seconds": 1_000, "milliseconds": 1}
_INLINE = frozenset(_UNITS) - {"weeks"}
_NUMBER = r"(\d{1,12}(?:\.\d{1,6})?)"
_ISO = re.compile(rf"P(?=.)(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?=\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?", re.ASCII)
# Longer than any promise in logistics; a bound keeps due times representable.
LONGEST = 3_660 * DAY


def milliseconds(value: Any) -> int:
    """The duration in milliseconds; ValueError says in words what is wrong with it."""
    total = _inline(value) if isinstance(value, dict) else _iso(value)
    if total > LONGEST:
        raise ValueError("is longer than ten years")
    return total


def _iso(text: Any) -> int:
    if not isinstance(text, str):
        raise ValueError("is no duration; write for example PT30S or {seconds: 30}")
    match = _ISO.fullmatch(text)
    if match is None:
        hint = "; years and months have no fixed length, use days" if re.match(r"P[\d.]+[YM]", text) else ""
        raise ValueError(f"is no ISO 8601 duration such as PT30S or P1DT2H{hint}")
    scales = ("weeks", "days", "hours", "minutes", "seconds")
    return round(sum(float(part) * _UNITS[unit] for part, unit in zip(match.groups(), scales, strict=True) if part))


def _inline(parts: dict[str, Any]) -> int:
    if not parts or not parts.keys() <= _INLINE:
        raise ValueError("takes days, hours, minutes, seconds and milliseconds")
    if any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in parts.values()):
        raise ValueError("takes whole numbers that are not negative")
    return sum(int(n) * _UNITS[unit] for unit, n in parts.items())
