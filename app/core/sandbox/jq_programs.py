"""jq in the child: compile once, run on wrapped input, exactly one output.

jq binds variables when it compiles (3 ms), so they travel in the input: `{"value": …, "variables": {"name": …}}`.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jq
import orjson

from app.core.sandbox import limits
from app.core.sandbox.verdicts import Exceeded, Refused

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_FILES = re.compile(r"^\s*(?:#[^\n]*\n\s*)*(?:module|import|include)\b")
_POSITION = re.compile(r"jq: error: (.*?) at <top-level>, line (\d+)(?:, column (\d+))?:", re.DOTALL)


def run(item: dict[str, Any]) -> Any:
    """The program's one output for `{"program", "value", "variables"}`."""
    variables = item.get("variables") or {}
    program = _compiled(item["program"], tuple(sorted(variables)))
    wrapped = orjson.dumps({"value": item["value"], "variables": variables}).decode()
    try:
        return _only(iter(program.input_text(wrapped)))
    except ValueError as error:
        raise Refused(f"The program stopped with an error: {str(error)[:500]}") from None


def check(item: dict[str, Any]) -> None:
    """Refuses what doesn't compile, with its position; `variables` are the names it may use."""
    names = _names(item.get("variables") or ())
    _readable(item["program"])
    try:
        jq.compile(item["program"], args=dict.fromkeys(names))
    except ValueError as error:
        raise _complaint(str(error)) from None


def warm() -> None:
    """Load what jq loads lazily."""
    run({"program": '[.a, $b, (now | todate), ("x" | test("x"))]', "value": {"a": 1}, "variables": {"b": 2}})


@lru_cache(maxsize=256)
def _compiled(program: str, names: tuple[str, ...]) -> Any:
    _readable(program)
    bindings = "".join(f".variables.{name} as ${name} | " for name in _names(names))
    try:
        return jq.compile(f"{bindings}.value | (\n{program}\n)")
    except ValueError as error:
        check({"program": program, "variables": names})  # says it in the program's own lines
        raise _complaint(str(error)) from None


def _names(names: Sequence[str]) -> Sequence[str]:
    for name in names:
        if not _NAME.match(name):
            raise Refused(f"A variable can't be called {name!r}; use letters, digits and underscores.")
    return names


def _readable(program: str) -> None:
    if len(program.encode()) > limits.JQ_BYTES:
        raise Exceeded(f"A jq program may have {limits.JQ_BYTES} bytes.")
    if "\0" in program:
        raise Refused("A jq program can't hold a NUL character.")
    if _FILES.match(program):
        raise Refused("A jq program can't import or include files; write its functions inline.", 1, 1)


def _only(outputs: Any) -> Any:
    nothing = object()
    first = next(outputs, nothing)
    if first is nothing:
        raise Refused("The program gave no output; it must give exactly one.")
    if next(outputs, nothing) is not nothing:
        raise Refused("The program gave more than one output; wrap them in [ ] to give exactly one.")
    return first


def _complaint(message: str) -> Refused:
    found = _POSITION.search(message)
    if not found:
        return Refused(message.removeprefix("jq: error: ").split("\n")[0] or "The program does not compile.")
    return Refused(found[1].strip(), int(found[2]), int(found[3]) if found[3] else None)
