"""YAML as configuration needs it: one document of what JSON can hold, read with the YAML 1.2 core schema.

PyYAML's own loader reads the key `on` as True, follows aliases and honours tags. This one builds plain data from the parser's
events: names stay text, only `true` and `false` are booleans, there are no aliases, anchors, tags or duplicate names.
"""

import re
from typing import Any

import yaml

from app.core.unreadable import Limits, TooLarge, Unreadable, check_scalar, escape, refuse

DEPTH = 64
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"^[-+]?[0-9]+$")
_OTHER_INT = re.compile(r"^0o([0-7]+)$|^0x([0-9a-fA-F]+)$")
_FLOAT = re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_NOT_FINITE = re.compile(r"^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$")


def read_yaml(text: str) -> Any:
    """The document's value; Unreadable names the line and, where there is one, the JSON Pointer."""
    try:
        return _Builder(Limits(depth=DEPTH)).build(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise refuse(place, f"This is not YAML: {error.problem or error.context}.", "Mend the line.") from None
    except yaml.YAMLError:
        raise refuse("", "This is not YAML: it holds a character that isn't allowed.", "Leave control characters out.") from None


class _Open:
    """A mapping or sequence that is being filled."""

    def __init__(self, value: dict[str, Any] | list[Any], pointer: str) -> None:
        self.value = value
        self.pointer = pointer
        self.key: str | None = None


class _Builder:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._stack: list[_Open] = []
        self._nodes = 0
        self._documents = 0
        self._root: Any = None

    def build(self, text: str) -> Any:
        for event in yaml.parse(text, Loader=_Loader):
            self._take(event)
        return self._root

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise self._refuse(event, "There is more than one document.", "Send one document at a time.")
            case yaml.AliasEvent():
                raise self._refuse(event, f"The alias *{event.anchor} isn't taken.", "Write the value out.")
            case yaml.NodeEvent():
                self._check(event)
                self._open_or_add(event)
            case yaml.CollectionEndEvent():
                self._stack.pop()

    def _check(self, event: yaml.NodeEvent) -> None:
        self._nodes += 1
        if self._nodes > self._limits.nodes:
            raise TooLarge(f"This has more than {self._limits.nodes} values; split it.")
        if event.anchor:
            raise self._refuse(event, f"The anchor &{event.anchor} isn't taken.", "Write the value out where it is needed.")
        tag = getattr(event, "tag", None)
        if tag:
            raise self._refuse(event, f"The tag {tag[:100]} isn't taken.", "Leave tags out.")

    def _open_or_add(self, event: yaml.NodeEvent) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._add(event, self._key(event) if self._expects_key() else self._scalar(event))
            return
        if self._expects_key():
            raise self._refuse(event, "A name must be text.", "Write the name as plain text.")
        if len(self._stack) >= self._limits.depth:
            raise self._refuse(event, "The values are nested too deeply.", f"Nest at most {self._limits.depth} levels.")
        made: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        pointer = self._pointer()
        self._add(event, made)
        self._stack.append(_Open(made, pointer))

    def _expects_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None

    def _add(self, event: yaml.NodeEvent, value: Any) -> None:
        if not self._stack:
            self._root = value
            return
        parent = self._stack[-1]
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is None:
            parent.key = value
            if value in parent.value:
                raise self._refuse(event, f"The name {value[:100]!r} stands twice.", "Keep one of the two.")
        else:
            parent.value[parent.key] = value
            parent.key = None

    def _key(self, event: yaml.ScalarEvent) -> str:
        text = str(event.value)
        check_scalar(text, (self._place(event),))
        return text

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        value = resolve(event.value) if not event.style and event.implicit[0] else event.value
        if value is _REFUSED:
            raise self._refuse(event, "Infinity and not-a-number aren't taken.", "Write a number.")
        check_scalar(value, (self._place(event),))
        return value

    def _pointer(self) -> str:
        if not self._stack:
            return ""
        parent = self._stack[-1]
        last = escape(parent.key or "") if isinstance(parent.value, dict) else str(len(parent.value))
        return f"{parent.pointer}/{last}"

    def _place(self, event: yaml.Event) -> str:
        mark = event.start_mark
        return f"{self._pointer()} line {mark.line + 1}".strip() if mark else self._pointer()

    def _refuse(self, event: yaml.Event, detail: str, remedy: str) -> Unreadable:
        return refuse(self._place(event), detail, remedy)


_REFUSED = object()


def resolve(text: str) -> Any:
    """A plain scalar's value by the YAML 1.2 core schema; everything else is text, dates and `on` included."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.match(text) and len(text) < 25:
        return int(text)
    other = _OTHER_INT.match(text)
    if other:
        return int(other[1], 8) if other[1] else int(other[2], 16)
    if _NOT_FINITE.match(text):
        return _REFUSED
    return float(text) if _FLOAT.match(text) else text
