"""The filter language of RFC 7644 (3.4.2.2): text in, a tree out; nothing is run here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from app.core.errors import Invalid

MOST_TERMS = 50
LONGEST = 2000
_TOKEN = re.compile(r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<mark>[()\[\]])|(?P<word>[^\s()\[\]"]+))')
_OPERATORS = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})

Operator = Literal["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"]


class FilterUnreadable(Invalid):
    """The filter can't be read."""


@dataclass(frozen=True)
class Term:
    """One comparison: an attribute's path, the operator, and the value (None for `pr`)."""

    path: str
    operator: Operator
    value: Any = None


@dataclass(frozen=True)
class Not:
    """What must not hold."""

    inner: "Filter"


@dataclass(frozen=True)
class Both:
    """What must hold together."""

    left: "Filter"
    right: "Filter"


@dataclass(frozen=True)
class Either:
    """Of which one must hold."""

    left: "Filter"
    right: "Filter"


Filter = Term | Not | Both | Either


def parse(text: str) -> Filter:
    """Return the tree of a filter; raises FilterUnreadable saying where reading stopped."""
    if len(text) > LONGEST:
        raise FilterUnreadable(f"The filter is longer than {LONGEST} characters.")
    tokens = list(_tokens(text))
    if len(tokens) > 4 * MOST_TERMS:
        raise FilterUnreadable(f"The filter has more than {MOST_TERMS} terms.")
    reader = _Reader(tokens)
    found = reader.either("")
    reader.expect_end()
    return found


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._at, self._depth = tokens, 0, 0

    def either(self, prefix: str) -> Filter:
        found = self.both(prefix)
        while self._is("or"):
            self._at += 1
            found = Either(found, self.both(prefix))
        return found

    def both(self, prefix: str) -> Filter:
        found = self.one(prefix)
        while self._is("and"):
            self._at += 1
            found = Both(found, self.one(prefix))
        return found

    def one(self, prefix: str) -> Filter:
        if self._is("not") and self._peek(1) == "(":
            self._at += 1
            return Not(self._within("(", ")", prefix))
        if self._peek() == "(":
            return self._within("(", ")", prefix)
        path = self._word()
        if self._peek() == "[":
            return self._within("[", "]", f"{path}.")
        return self._term(prefix + path)

    def expect_end(self) -> None:
        if self._at < len(self._tokens):
            raise FilterUnreadable(f"The filter can't be read from {self._tokens[self._at]!r} on.")

    def _term(self, path: str) -> Term:
        operator = self._word().lower()
        if operator == "pr":
            return Term(path, "pr")
        if operator not in _OPERATORS:
            raise FilterUnreadable(f"{operator!r} is no operator; use one of {', '.join(sorted(_OPERATORS))}, pr.")
        return Term(path, operator, self._value())  # type: ignore[arg-type]

    def _value(self) -> Any:
        raw = self._word()
        try:
            return orjson.loads(raw.lower() if raw.lower() in ("true", "false", "null") else raw)
        except orjson.JSONDecodeError:
            raise FilterUnreadable(f"{raw!r} is no value; write text in double quotes.") from None

    def _within(self, opens: str, closes: str, prefix: str) -> Filter:
        self._depth += 1
        if self._depth > 10:
            raise FilterUnreadable("The filter is nested deeper than ten levels.")
        self._at += 1
        found = self.either(prefix)
        if self._peek() != closes:
            raise FilterUnreadable(f"A {opens!r} of the filter is not closed.")
        self._at += 1
        self._depth -= 1
        return found

    def _is(self, word: str) -> bool:
        return self._peek().lower() == word

    def _peek(self, ahead: int = 0) -> str:
        return self._tokens[self._at + ahead] if self._at + ahead < len(self._tokens) else ""

    def _word(self) -> str:
        token = self._peek()
        if not token or token in "()[]":
            raise FilterUnreadable("The filter ends too early." if not token else f"The filter can't be read at {token!r}.")
        self._at += 1
        return token


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise FilterUnreadable(f"The filter can't be read from {text[at : at + 20]!r} on.")
        yield found.group().strip()
        at = found.end()
