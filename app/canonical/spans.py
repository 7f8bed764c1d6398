"""ISO 8601 durations as minutes."""

import re

_SPAN = re.compile(r"^P(?:(\d+)W|(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?)$")


def minutes(span: object) -> int | None:
    """Whole minutes of hours, minutes and seconds (`PT1H30M` is 90); None for anything else.

    Days and weeks are working time on a customer's calendar, so they have no fixed number of minutes.
    """
    found = _SPAN.match(span) if isinstance(span, str) else None
    if found is None or found[1] or found[2]:
        return None
    hours, mins, seconds = (int(part or 0) for part in found.groups()[2:])
    return hours * 60 + mins + seconds // 60
