"""Forms: what somebody typed, kept so that it can be shown again, read into a Struct, each wrong field named.

Field names are paths: `sla.first_response` is a field of a struct inside, `roles` given several times is a list. An empty
field is an absent one.
"""

import re
from collections.abc import Iterable, Mapping, Set
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec
from litestar.datastructures import UploadFile

from app.core.errors import Fault, FieldError, Invalid
from app.core.events import plain

CSRF_FIELD = "csrf"
ONCE_FIELD = "once"
_OURS = frozenset({CSRF_FIELD, ONCE_FIELD})
T = TypeVar("T", bound=msgspec.Struct)


class FormIncomplete(Invalid):
    """Some fields need another look."""

    status = 422


class Form:
    """The fields of one submission, or the empty form before it."""

    def __init__(self, given: Iterable[tuple[str, str]] = (), files: Mapping[str, UploadFile] | None = None) -> None:
        self._given: dict[str, list[str]] = {}
        for name, value in given:
            self._given.setdefault(name, []).append(value)
        self.files = dict(files or {})
        self.errors: dict[str, FieldError] = {}
        self.problem = ""
        self.fault: Fault | None = None

    @classmethod
    def of(cls, value: Any = None, **more: Any) -> "Form":
        """A form that shows what is there: a Struct or mapping, with single fields put over it."""
        named = {} if value is None else value if isinstance(value, Mapping) else msgspec.structs.asdict(value)
        return cls(_flat({**named, **more}))

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Everything given, name by name, without what the form itself brings."""
        return [(name, value) for name, values in self._given.items() if name not in _OURS for value in values]

    @property
    def once(self) -> str:
        """The key under which this submission happens once."""
        return self.value(ONCE_FIELD)

    @property
    def csrf(self) -> str:
        """The session's token as this form brought it."""
        return self.value(CSRF_FIELD)

    def value(self, name: str, default: str = "") -> str:
        """What stands in a field."""
        return self._given[name][-1] if self._given.get(name) else default

    def values(self, name: str) -> list[str]:
        """Everything given for a field that may come several times."""
        return self._given.get(name, [])

    def has(self, name: str, value: str) -> bool:
        """Whether `value` is among those given for `name`: what a checkbox or option asks."""
        return value in self._given.get(name, [])

    def error(self, name: str) -> FieldError | None:
        """What is wrong with a field."""
        return self.errors.get(name)

    @property
    def stray(self) -> list[FieldError]:
        """Errors of no field this form showed."""
        return [e for name, e in self.errors.items() if name not in self._given]

    def refused(self, fault: Fault) -> "Form":
        """The same form with what was wrong with it."""
        self.fault, self.problem = fault, fault.detail
        for error in fault.errors:
            self.errors.setdefault(_field_of(error.pointer), error)
        return self

    def read(self, kind: type[T], *, only: Iterable[str] | None = None, **known: Any) -> T:
        """Return the fields as `kind`; raises FormIncomplete with every field that can't be used, not only the first.

        `known` are fields the form doesn't bring; `only` reads no others than these, and leaves every other field that may
        be left out unset (a box that isn't on the form is not a box that was left empty).
        """
        wanted = set(only) if only is not None else None
        nested = _nested({n: v for n, v in self._given.items() if n not in _OURS and (wanted is None or n.split(".")[0] in wanted)})
        errors: list[FieldError] = []
        made = _struct(kind, {**nested, **known}, "", errors, only=None if wanted is None else wanted | known.keys())
        if errors:
            raise FormIncomplete(errors=errors)
        return msgspec.convert(made, kind, strict=False)


def _struct(
    kind: type[msgspec.Struct], given: Mapping[str, Any], path: str, errors: list[FieldError], *, only: Set[str] | None = None
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if only is not None and field.encode_name not in only and not field.required:
            continue
        where, value = f"{path}/{field.encode_name}", given.get(field.encode_name)
        inner = _inner_struct(field.type)
        if inner is not None and isinstance(value, Mapping):
            made[field.encode_name] = _struct(inner, value, where, errors)
            continue
        ready = _ready(field.type, value)
        if ready is None:
            if field.required and not _takes_none(field.type):
                errors.append(FieldError(where, "is needed", "Fill it in."))
            elif field.required:
                made[field.encode_name] = None
            continue
        try:
            made[field.encode_name] = msgspec.to_builtins(msgspec.convert(ready, field.type, strict=False))
        except msgspec.ValidationError as error:
            errors.append(FieldError(where, _plain_words(str(error))))
    return made


def _ready(kind: Any, value: Any) -> Any:
    """A field's text as what its type is made from; None when nothing was given."""
    if _is_list(kind):
        texts = value if isinstance(value, list) else [] if value is None else [value]
        return [t for t in texts if not isinstance(t, str) or t.strip()]
    if isinstance(value, list):
        value = value[-1] if value else None
    if _is_bool(kind):
        return value in ("on", "true", "1", "yes", True)
    if isinstance(value, str):
        value = value.strip() if "\n" not in value else value
        return value or None
    return value


def _plain_words(message: str) -> str:
    """msgspec's message as a person would say it."""
    said = message.split(" - at `$")[0]
    for pattern, words in _SAYINGS:
        if found := re.search(pattern, said):
            return words.format(*found.groups())
    return said[:1].lower() + said[1:]


_SAYINGS = (
    (r"`str` of length >= (\d+)", "needs at least {0} characters"),
    (r"`str` of length <= (\d+)", "is longer than {0} characters"),
    (r"`int` >= (-?\d+)", "must be a whole number, at least {0}"),
    (r"`int` <= (-?\d+)", "must be a whole number, at most {0}"),
    (r"Expected `int", "must be a whole number"),
    (r"Expected `(?:float|decimal)", "must be a number"),
    (r"matching regex '(.+)'", "isn't in the form this field takes"),
    (r"Expected `uuid`|Invalid UUID", "isn't one of the choices"),
    (r"Invalid enum value '?(.*?)'?$", "isn't one of the choices"),
    (r"Invalid RFC3339|`datetime`", "isn't a date and time"),
    (r"of length >= (\d+)", "needs at least {0}"),
    (r"of length <= (\d+)", "takes at most {0}"),
)


def _nested(given: Mapping[str, list[str]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, values in given.items():
        *path, last = name.split(".")
        here = made
        for part in path:
            here = here.setdefault(part, {})
            if not isinstance(here, dict):
                raise FormIncomplete(f"The field {name} can't be read.")
        here[last] = values
    return made


def _flat(value: Mapping[str, Any], path: str = "") -> Iterable[tuple[str, str]]:
    for name, each in value.items():
        where = f"{path}{name}"
        if isinstance(each, msgspec.Struct):
            yield from _flat(msgspec.structs.asdict(each), where + ".")
        elif isinstance(each, Mapping):
            yield from _flat(each, where + ".")
        elif isinstance(each, list | tuple | set | frozenset):
            yield from ((where, str(plain(one))) for one in each)
        elif isinstance(each, bool):
            yield from [(where, "true")] if each else []
        elif each is not None:
            yield where, str(plain(each))


def _field_of(pointer: str) -> str:
    return pointer.lstrip("/").replace("/", ".")


def _inner_struct(kind: Any) -> type[msgspec.Struct] | None:
    return next((k for k in _arms(kind) if isinstance(k, type) and issubclass(k, msgspec.Struct)), None)


def _takes_none(kind: Any) -> bool:
    return type(None) in _arms(kind)


def _is_bool(kind: Any) -> bool:
    return bool in _arms(kind)


def _is_list(kind: Any) -> bool:
    return any((get_origin(k) or k) in (list, tuple, set, frozenset) for k in _arms(kind))


def _arms(kind: Any) -> list[Any]:
    """The kinds a union is made of, annotations taken off."""
    if hasattr(kind, "__metadata__"):
        return _arms(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [arm for each in get_args(kind) for arm in _arms(each)]
    return [kind]
