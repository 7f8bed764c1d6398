"""A run's state as it is stored: large values stand aside under their hash, so a turn rewrites only what moves.

A state of 256 KiB costs 4.6 ms and as much log a turn; with values over 4 KiB aside it stays at a few KiB.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import orjson

from app.workflows.frames import Frame, State

HELD = "$held"
LARGE = 4_096
MAX_INLINE = 32_768
# Where data stands in a state, a strand or a frame; everything else is the interpreter's own and small.
SLOTS = ("input", "raw", "context", "output", "request", "heard", "vars", "about", "filters")


class StateTooLarge(Exception):
    """What the run has to remember beside its data outgrew the bound."""


def fold(state: State) -> tuple[State, dict[str, Any]]:
    """The state to store, and the values that stand aside by hash."""
    kept: dict[str, Any] = {}
    folded = _mapped(state, lambda value: _aside(value, kept))
    folded["held"] = sorted(kept)
    if len(orjson.dumps(folded)) > MAX_INLINE:
        raise StateTooLarge
    return folded, kept


def unfold(state: State, held: dict[str, Any]) -> State:
    """The state as it was, from what was stored."""
    whole = _mapped(state, lambda value: held[value[HELD]] if _is_mark(value) else value)
    whole.pop("held", None)
    return whole


def _mapped(state: State, change: Any) -> State:
    made = _part(state, change)
    made["branches"] = {name: _part(strand, change) for name, strand in state["branches"].items()}
    for before, strand in _strands(state, made):
        strand["frames"] = [_part(frame, change) for frame in before["frames"]]
    return made


def _strands(state: State, made: State) -> Iterator[tuple[Frame, Frame]]:
    yield state, made
    for name, strand in state["branches"].items():
        yield strand, made["branches"][name]


def _part(part: Frame, change: Any) -> Frame:
    return {name: change(value) if name in SLOTS else value for name, value in part.items()}


def _aside(value: Any, kept: dict[str, Any]) -> Any:
    raw = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    # Data that looks like a mark stands aside too, or it would come back as something else.
    if len(raw) <= LARGE and not _is_mark(value):
        return value
    name = hashlib.sha256(raw).hexdigest()
    kept[name] = value
    return {HELD: name}


def _is_mark(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {HELD}
