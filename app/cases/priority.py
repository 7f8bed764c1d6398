"""What made a priority move: two decisions side by side, as the people who work the queue read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

Level = Literal["P1", "P2", "P3", "P4"]
LEVELS: Final[tuple[Level, ...]] = ("P1", "P2", "P3", "P4")

Input = Mapping[str, Any]


class Change(msgspec.Struct, frozen=True):
    """One input that is new or has another value, with where the new value comes from; `before` is null when it was missing."""

    name: str
    before: Any
    after: Any
    source: str | None = None


def changes(before: Sequence[Input], after: Sequence[Input]) -> list[Change]:
    """The inputs that differ between two decisions, in the order of the later one; what the later one lost comes last."""
    was, now = _by_name(before), _by_name(after)
    moved = [
        Change(name, was.get(name, {}).get("value"), given.get("value"), given.get("source"))
        for name, given in now.items()
        if name not in was or was[name].get("value") != given.get("value")
    ]
    return moved + [Change(name, given.get("value"), None) for name, given in was.items() if name not in now]


def _by_name(inputs: Sequence[Input]) -> dict[str, Input]:
    return {str(given["name"]): given for given in inputs}
