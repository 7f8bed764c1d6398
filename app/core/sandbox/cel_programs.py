"""CEL in the child: typed dotted variables (`order.value_minor`), checked when saved, evaluated in batches.

Types are written `bool int double string bytes timestamp duration dyn list<T> map<K,V>`. The list `given` names the
variables that have a value; a variable without one is left out, so that reading it is an error and never 1970 or 0.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from app.core.sandbox import limits
from app.core.sandbox.verdicts import Exceeded, Refused

_POSITION = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): ([^\n]*)")
_HAS = re.compile(r"(?<![.\w])has\s*\(\s*([\w.]*)")
_LITERAL = re.compile(r"""[rRbB]*(?:"{3}.*?"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|//[^\n]*""", re.DOTALL)
_PARAMETRIC = re.compile(r"^(list|map)<(.+)>$")
_NO_VALUE = re.compile(r'No value with name "([^"]+)" found')
_ODD_VALUE = re.compile(r"Unexpected value type for '([^']+)': \w+\. \(Expected (\w+)\)")
_ISO_DURATION = re.compile(r"^(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")
_PLAIN = {
    name: getattr(cel.Type, name.upper()) for name in ("bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration", "dyn")
}


def check(item: dict[str, Any]) -> None:
    """Refuses `{"expr", "types", "want"}` that doesn't compile to the wanted type; positions are 1-based characters."""
    expression = _compiled(item["expr"], _key(item["types"]))
    want = item.get("want") or "dyn"
    if want != "dyn" and expression.return_type() != cel_type(want):
        raise Refused(f"This must give a {want}, it gives a {expression.return_type().name().lower()}.", 1, 1)


def run(item: dict[str, Any]) -> Any:
    """The value of `{"expr", "types", "given"}` as plain data."""
    types = item["types"]
    expression = _compiled(item["expr"], _key(types))
    present = {name: value for name, value in item["given"].items() if value is not None}
    data = {name: _typed(types[name], value) for name, value in present.items() if name in types}
    try:
        value = expression.eval(data={**data, "given": list(data)})
    except RuntimeError as error:
        raise _complaint(str(error)) from None
    if value.type() == cel.Type.ERROR:
        raise Refused(_in_words(str(value.plain_value())))
    return _plain(value.plain_value())


def warm() -> None:
    """Load what the library loads lazily, and every time zone: its data can't be opened later."""
    from zoneinfo import available_timezones

    types = {"at": "timestamp", "zone": "string"}
    for zone in ("UTC", *available_timezones()):
        run({"expr": "at.getHours(zone)", "types": types, "given": {"at": "2026-01-01T00:00:00Z", "zone": zone}})
    run({"expr": "'x'.matches('^x$') && 'zone' in given", "types": types, "given": {"zone": ""}})


@lru_cache(maxsize=64)
def cel_type(name: str) -> Any:
    """The library's type for our notation."""
    name = name.strip()
    if name in _PLAIN:
        return _PLAIN[name]
    found = _PARAMETRIC.match(name)
    if found and found[1] == "list":
        return cel.Type.List(cel_type(found[2]))
    if found and "," in found[2]:
        key, value = found[2].split(",", 1)
        return cel.Type.Map(cel_type(key), cel_type(value))
    raise Refused(f"There is no CEL type {name!r}.")


def _key(types: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(types.items()))


@lru_cache(maxsize=64)
def _environment(types: tuple[tuple[str, str], ...]) -> Any:
    variables = {name: cel_type(kind) for name, kind in types}
    return cel.NewEnv(variables={**variables, "given": cel.Type.List(cel.Type.STRING)})


@lru_cache(maxsize=4096)
def _compiled(expr: str, types: tuple[tuple[str, str], ...]) -> Any:
    if len(expr.encode()) > limits.CEL_BYTES:
        raise Exceeded(f"A CEL expression may have {limits.CEL_BYTES} bytes.")
    _refuse_has(expr)
    try:
        return _environment(types).compile(expr)
    except RuntimeError as error:
        raise _complaint(str(error)) from None


def _refuse_has(expr: str) -> None:
    found = _HAS.search(_LITERAL.sub(lambda literal: " " * len(literal[0]), expr))
    if found:
        line = expr.count("\n", 0, found.start()) + 1
        name = found[1] or "order.value_minor"
        message = f"has() doesn't work on these variables; write '{name}' in given."
        raise Refused(message, line, found.start() - (expr.rfind("\n", 0, found.start()) + 1) + 1)


def _complaint(message: str) -> Refused:
    found = _POSITION.search(message)
    if not found:
        return Refused(_in_words(message))
    if int(found[1]) < 1:
        return Refused("This expression is nested too deeply; split it.", 1, 1)
    return Refused(found[3].removesuffix(" (in container '')"), int(found[1]), int(found[2]))


def _in_words(message: str) -> str:
    absent, odd = _NO_VALUE.search(message), _ODD_VALUE.search(message)
    if absent:
        return f"{absent[1]} has no value here; ask '{absent[1]}' in given first."
    if odd:
        return f"The value of {odd[1]} is not a {odd[2].lower()}."
    if "Iteration budget" in message:
        return "This expression loops over too many items (the budget is 10,000)."
    return message.split("\n")[0].split(": ", 1)[-1][:500]


def _typed(kind: str, value: Any) -> Any:
    """JSON to CEL; what can't be converted is passed on as it is, so only the expression that reads it fails."""
    convert = _CONVERT.get(kind)
    try:
        return convert(value) if convert else value
    except (ValueError, TypeError):
        return value


def _timestamp(value: Any) -> Any:
    at = datetime.fromisoformat(value)
    return at if at.tzinfo else value


def _duration(value: Any) -> timedelta:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return timedelta(seconds=value)
    found = _ISO_DURATION.match(value)
    if not found:
        raise ValueError(value)
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups()[1:])
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds) * (-1 if found[1] else 1)


def _double(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _int(value: Any) -> Any:
    return int(value) if isinstance(value, str) else value


_CONVERT: dict[str, Callable[[Any], Any]] = {"timestamp": _timestamp, "duration": _duration, "double": _double, "int": _int}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise Refused(f"A {type(value).__name__} can't be a result.")
