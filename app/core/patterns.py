"""Regular expressions that others wrote, kept to a form whose worst case is small, since Python's engine backtracks without a bound.

No repeated groups, no look-around, no references, and a bounded number of ways to try: an open repetition counts 64, a small one its
lengths, an alternative 2, and their product may be 4,096. Where a repetition is open the text may have 256 characters. The worst such
pattern takes a few tenths of a second.
"""

import re
from functools import lru_cache

LONGEST_PATTERN = 500
LONGEST_TEXT = 256
_MOST_WAYS, _OPEN_WAYS, _SMALL_SPAN = 4096, 64, 8
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?:?|[()|]|(?P<many>[*+?]|\{\d*,?\d*\})[?+]?|.", re.DOTALL)
_COUNTED = re.compile(r"^\{(\d*)(,?)(\d*)\}$")


def complaint(pattern: str) -> str | None:
    """Why a pattern isn't taken, in one sentence, or None."""
    if len(pattern) > LONGEST_PATTERN:
        return f"A pattern may have {LONGEST_PATTERN} characters."
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return "This is not a regular expression."
    return _form(pattern)


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern is found in the text; a text too long to look through safely doesn't match."""
    return (len(text) <= LONGEST_TEXT or not _is_open(pattern)) and re.search(pattern, text) is not None


def _form(pattern: str) -> str | None:
    before, ways = "", 1
    for found in _TOKEN.finditer(pattern):
        part = found[0]
        if found["many"]:
            if before == ")":
                return "A group can't be repeated; repeat a character or a class."
            width = _width(found["many"])
            ways *= _OPEN_WAYS if width > _SMALL_SPAN else int(width) + 1
        if part == "(?" or re.match(r"\\[1-9]", part):
            return "Only plain groups and (?: groups are taken, without look-around and references."
        ways *= 2 if part == "|" else 1
        before = part
    return "This pattern has too many ways to try; use fewer repetitions and alternatives, or an enum." if ways > _MOST_WAYS else None


@lru_cache(maxsize=1024)
def _is_open(pattern: str) -> bool:
    return any(found["many"] and _width(found["many"]) > _SMALL_SPAN for found in _TOKEN.finditer(pattern))


def _width(quantifier: str) -> float:
    """How many lengths a repetition may have beyond its least."""
    if quantifier in "*+":
        return float("inf")
    counted = _COUNTED.match(quantifier)
    if quantifier == "?" or counted is None or not (counted[1] or counted[2] or counted[3]):
        return 1
    if not counted[2]:
        return 0
    return int(counted[3]) - int(counted[1] or 0) if counted[3] else float("inf")
