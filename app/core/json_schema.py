"""JSON Schema (2020-12), the keywords our own catalogs and partners' definitions use; an unknown keyword is refused when it is saved.

Checking answers with every violation, each under its JSON Pointer. A schema that somebody else wrote passes `check_schema` first.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from app.core.errors import FieldError
from app.core.patterns import complaint, matches
from app.core.unreadable import escape

MOST_VIOLATIONS = 50
_ANNOTATIONS = frozenset(("title", "description", "default", "examples", "deprecated", "$schema", "$id", "$comment"))
_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "integer": lambda v: (isinstance(v, int) and not isinstance(v, bool)) or (isinstance(v, float) and v.is_integer()),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
}

Schema = Mapping[str, Any] | bool


def violations(schema: Schema, value: Any, pointer: str = "") -> list[FieldError]:
    """What about `value` doesn't fit, at most 50 places; an empty list when all fits."""
    found: list[FieldError] = []
    for violation in _violations(schema, value, pointer):
        found.append(violation)
        if len(found) == MOST_VIOLATIONS:
            break
    return found


def check_schema(schema: Any, pointer: str = "", depth: int = 0) -> list[FieldError]:
    """What about the schema itself can't be used here."""
    if isinstance(schema, bool):
        return []
    if not isinstance(schema, Mapping) or depth > 16:
        return [FieldError(pointer, "A schema must be an object, nested at most 16 deep.", "Mend the schema.")]
    found = [_unknown(pointer, name) for name in schema if name not in _KEYWORDS and name not in _ANNOTATIONS]
    found += _bad_type(schema, pointer) + _bad_pattern(schema, pointer)
    for name, child in _children(schema):
        found += check_schema(child, f"{pointer}/{name}", depth + 1)
    return found


def _violations(schema: Schema, value: Any, pointer: str) -> Iterator[FieldError]:
    if isinstance(schema, bool):
        if not schema:
            yield FieldError(pointer, "Nothing is allowed here.", "Leave it out.")
        return
    for name, expected in schema.items():
        keyword = _KEYWORDS.get(name)
        if keyword:
            yield from keyword(expected, value, pointer, schema)


_Keyword = Callable[[Any, Any, str, Mapping[str, Any]], Iterator[FieldError]]


def _type(expected: Any, value: Any, pointer: str, _: Mapping[str, Any]) -> Iterator[FieldError]:
    names = [expected] if isinstance(expected, str) else list(expected)
    if not any(_TYPES[name](value) for name in names):
        yield FieldError(pointer, f"This must be {_alternatives(names)}.", f"Send {_alternatives(names)}.")


def _enum(expected: Any, value: Any, pointer: str, _: Mapping[str, Any]) -> Iterator[FieldError]:
    if not any(type(option) is type(value) and option == value for option in expected):
        yield FieldError(pointer, "This is not one of the allowed values.", f"Use one of {', '.join(map(str, expected[:20]))}.")


def _const(expected: Any, value: Any, pointer: str, schema: Mapping[str, Any]) -> Iterator[FieldError]:
    yield from _enum([expected], value, pointer, schema)


def _required(expected: Any, value: Any, pointer: str, _: Mapping[str, Any]) -> Iterator[FieldError]:
    for name in expected if isinstance(value, dict) else ():
        if name not in value:
            yield FieldError(f"{pointer}/{escape(name)}", f"The field {name!r} is missing.", "Add it.")


def _properties(expected: Any, value: Any, pointer: str, _: Mapping[str, Any]) -> Iterator[FieldError]:
    for name, child in expected.items() if isinstance(value, dict) else ():
        if name in value:
            yield from _violations(child, value[name], f"{pointer}/{escape(name)}")


def _additional(expected: Any, value: Any, pointer: str, schema: Mapping[str, Any]) -> Iterator[FieldError]:
    known = schema.get("properties", {})
    for name in value if isinstance(value, dict) else ():
        if name in known:
            continue
        if expected is False:
            names = f"Known fields: {', '.join(sorted(known)) or 'none'}."
            yield FieldError(f"{pointer}/{escape(name)}", f"There is no field {name[:100]!r} here.", names)
        else:
            yield from _violations(expected, value[name], f"{pointer}/{escape(name)}")


def _items(expected: Any, value: Any, pointer: str, _: Mapping[str, Any]) -> Iterator[FieldError]:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        yield from _violations(expected, item, f"{pointer}/{index}")


def _unique(expected: Any, value: Any, pointer: str, _: Mapping[str, Any]) -> Iterator[FieldError]:
    if expected and isinstance(value, list) and len({repr(item) for item in value}) < len(value):
        yield FieldError(pointer, "An item stands twice.", "Keep one of the two.")


def _size(least: bool, kind: type[str] | type[list[Any]] | type[dict[str, Any]], noun: str) -> _Keyword:
    def check(expected: Any, value: Any, pointer: str, _: Mapping[str, Any]) -> Iterator[FieldError]:
        if isinstance(value, kind) and (len(value) < expected if least else len(value) > expected):
            bound = f"{'at least' if least else 'at most'} {expected} {noun}"
            yield FieldError(pointer, f"This has {len(value)} {noun}, {bound} are needed.", f"Send {bound}.")

    return check


def _bound(fits: Callable[[Any, Any], bool], words: str) -> _Keyword:
    def check(expected: Any, value: Any, pointer: str, _: Mapping[str, Any]) -> Iterator[FieldError]:
        if _TYPES["number"](value) and not fits(value, expected):
            yield FieldError(pointer, f"This must be {words} {expected}.", f"Send a number {words} {expected}.")

    return check


def _pattern(expected: Any, value: Any, pointer: str, _: Mapping[str, Any]) -> Iterator[FieldError]:
    if isinstance(value, str) and not matches(expected, value):
        yield FieldError(pointer, "This doesn't have the expected form.", f"Write it as {expected}.")


def _format(expected: Any, value: Any, pointer: str, _: Mapping[str, Any]) -> Iterator[FieldError]:
    reads = _FORMATS.get(expected)
    if isinstance(value, str) and reads and not _reads(reads, value):
        yield FieldError(pointer, f"This is not a {expected}.", _FORMAT_REMEDIES[expected])


def _any_of(expected: Any, value: Any, pointer: str, _: Mapping[str, Any]) -> Iterator[FieldError]:
    if not any(next(_violations(option, value, pointer), None) is None for option in expected):
        yield FieldError(pointer, "This fits none of the allowed forms.", "Send one of them.")


def _one_of(expected: Any, value: Any, pointer: str, _: Mapping[str, Any]) -> Iterator[FieldError]:
    if sum(next(_violations(option, value, pointer), None) is None for option in expected) != 1:
        yield FieldError(pointer, "This must fit exactly one of the allowed forms.", "Send one of them.")


def _all_of(expected: Any, value: Any, pointer: str, _: Mapping[str, Any]) -> Iterator[FieldError]:
    for option in expected:
        yield from _violations(option, value, pointer)


def _not(expected: Any, value: Any, pointer: str, _: Mapping[str, Any]) -> Iterator[FieldError]:
    if next(_violations(expected, value, pointer), None) is None:
        yield FieldError(pointer, "This form is not allowed.", "Send another.")


_KEYWORDS: dict[str, _Keyword] = {
    "type": _type, "enum": _enum, "const": _const, "required": _required, "properties": _properties, "additionalProperties": _additional,
    "items": _items, "uniqueItems": _unique, "pattern": _pattern, "format": _format,
    "minLength": _size(True, str, "characters"), "maxLength": _size(False, str, "characters"),
    "minItems": _size(True, list, "items"), "maxItems": _size(False, list, "items"),
    "minProperties": _size(True, dict, "fields"), "maxProperties": _size(False, dict, "fields"),
    "minimum": _bound(lambda v, e: v >= e, "at least"), "maximum": _bound(lambda v, e: v <= e, "at most"),
    "exclusiveMinimum": _bound(lambda v, e: v > e, "more than"), "exclusiveMaximum": _bound(lambda v, e: v < e, "less than"),
    "anyOf": _any_of, "oneOf": _one_of, "allOf": _all_of, "not": _not,
}  # fmt: skip


def _zoned(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at


_FORMATS: dict[str, Callable[[str], Any]] = {"date": date.fromisoformat, "date-time": _zoned, "uuid": UUID}
_FORMAT_REMEDIES = {
    "date": "Write it like 2026-11-23.",
    "date-time": "Write it with date, time and zone, like 2026-11-23T17:05:00+01:00.",
    "uuid": "Write it like 01935b8e-7f00-7000-8000-000000000000.",
}


def _reads(read: Callable[[str], Any], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _alternatives(names: list[str]) -> str:
    words = [f"{'an' if name[0] in 'aio' else 'a'} {name}" if name != "null" else "null" for name in names]
    return " or ".join(words)


def _unknown(pointer: str, name: str) -> FieldError:
    return FieldError(f"{pointer}/{escape(str(name))}", f"The schema keyword {str(name)[:60]!r} isn't known here.", "Leave it out.")


def _bad_type(schema: Mapping[str, Any], pointer: str) -> list[FieldError]:
    kinds = schema.get("type", [])
    wrong = [k for k in (kinds if isinstance(kinds, list) else [kinds]) if not (isinstance(k, str) and k in _TYPES)]
    return [FieldError(f"{pointer}/type", f"There is no type {wrong[0]!r}.", f"Use one of {', '.join(_TYPES)}.")] if wrong else []


def _bad_pattern(schema: Mapping[str, Any], pointer: str) -> list[FieldError]:
    pattern = schema.get("pattern")
    wrong = None if pattern is None else complaint(pattern) if isinstance(pattern, str) else "A pattern is text."
    return [FieldError(f"{pointer}/pattern", wrong, "Write it more simply, or leave it out.")] if wrong else []


def _children(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in ("items", "additionalProperties", "not"):
        if name in schema:
            yield name, schema[name]
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        yield from ((f"properties/{escape(str(name))}", child) for name, child in properties.items())
    for name in ("anyOf", "oneOf", "allOf"):
        options = schema.get(name)
        if isinstance(options, list):
            yield from ((f"{name}/{index}", child) for index, child in enumerate(options))
