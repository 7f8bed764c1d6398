"""Runtime expressions: jq between `${` and `}`, strict mode; a template of many becomes one program.

A position that is always an expression (`if`, `when`, `output.as` …) may leave the braces out. Everywhere else a string is
an expression only when the braces enclose all of it. Only the expressions of a template pass through jq, gathered into one
object program; the literals around them never do, so a long number stays what was written.
Evaluation happens outside: the engine asks with (program, value, variables) and goes on with the answer.
"""

import re
from typing import Any

import msgspec

_WHOLE = re.compile(r"\s*\$\{(.+)\}\s*", re.DOTALL)
_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
# They would put credentials within an expression's reach, and from there into snapshots and logs.
FORBIDDEN = ("secrets", "authorization")


class BadExpression(ValueError):
    """This text can't be a runtime expression."""


class Expression(msgspec.Struct, frozen=True):
    """One jq program and the names of the variables it mentions (some may be bound inside it)."""

    text: str
    names: frozenset[str]


class Slot(msgspec.Struct, frozen=True):
    """The place of the n-th expression's answer in a template."""

    index: int


class Template(msgspec.Struct, frozen=True):
    """Literals with slots, and the one program that fills them; no program when all of it is literal."""

    shape: Any
    expressions: tuple[Expression, ...]

    @property
    def program(self) -> Expression | None:
        """One program for all slots; an object's fields, so that an expression giving two values is an error."""
        if len(self.expressions) < 2:
            return self.expressions[0] if self.expressions else None
        fields = ", ".join(f'"{n}": ({each.text}\n)' for n, each in enumerate(self.expressions))
        return Expression("{" + fields + "}", frozenset().union(*(each.names for each in self.expressions)))

    def fill(self, answer: Any) -> Any:
        """The template with its slots filled from the program's answer."""
        answers = [answer] if len(self.expressions) == 1 else [answer[str(n)] for n in range(len(self.expressions))]
        return _fill(self.shape, answers)


def expression(text: str) -> Expression:
    """The program of a position that is always an expression; the braces are optional there."""
    match = _WHOLE.fullmatch(text)
    return _program(match.group(1) if match else text)


def template(value: Any) -> Template:
    """Compile plain data with `${ }` strings in it."""
    found: list[Expression] = []
    shape = _collect(value, found)
    return Template(shape, tuple(found))


def constant(text: str) -> Template:
    """A template of one expression, for positions that take either a template or a bare expression."""
    return Template(Slot(0), (expression(text),))


def is_expression(value: Any) -> bool:
    """Whether this string, in a template, is an expression as a whole."""
    return isinstance(value, str) and _WHOLE.fullmatch(value) is not None


def _program(text: str) -> Expression:
    if not text.strip():
        raise BadExpression("is an empty expression")
    names = frozenset(_VARIABLE.findall(text))
    for name in FORBIDDEN:
        if name in names:
            raise BadExpression(f"may not use ${name}; credentials belong to connections and never enter an expression")
    return Expression(text.strip(), names)


def _collect(value: Any, found: list[Expression]) -> Any:
    if isinstance(value, dict):
        return {key: _collect(item, found) for key, item in value.items()}
    if isinstance(value, list):
        return [_collect(item, found) for item in value]
    return _text(value, found) if isinstance(value, str) else value


def _text(text: str, found: list[Expression]) -> Any:
    match = _WHOLE.fullmatch(text)
    if match is None:
        if "${" in text:
            raise BadExpression('has an expression inside a text; write it as a whole: ${ "Hello \\(.name)" }')
        return text
    found.append(_program(match.group(1)))
    return Slot(len(found) - 1)


def _fill(shape: Any, answers: list[Any]) -> Any:
    if isinstance(shape, Slot):
        return answers[shape.index]
    if isinstance(shape, dict):
        return {key: _fill(item, answers) for key, item in shape.items()}
    if isinstance(shape, list):
        return [_fill(item, answers) for item in shape]
    return shape
