"""A workflow definition as typed data: what `dsl.py` makes of the YAML and the interpreter walks.

Tasks and task lists are found by reference: the JSON Pointer of the specification (`/do/0/askErp`, `/do/0/askErp/try`),
so a snapshot of a run holds positions as plain text. Each task type is a subclass beside its behaviour in `tasks/`.
"""

from typing import Any, ClassVar

import msgspec

from app.workflows.expressions import Expression, Template

Duration = int | Template
"""Whole milliseconds, or an expression that yields an ISO 8601 duration."""

DIRECTIVES = ("continue", "exit", "end")


class Shape(msgspec.Struct, frozen=True):
    """How data is checked and turned where it enters or leaves: a JSON Schema and a transformation, either may be absent."""

    schema: dict[str, Any] | None = None
    turn: Template | None = None


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What every task may say, whatever it does."""

    kind: ClassVar[str] = ""

    ref: str
    name: str
    raw: dict[str, Any]
    condition: Expression | None = None
    input: Shape = Shape()
    output: Shape = Shape()
    export: Shape = Shape()
    timeout: Duration | None = None
    then: str | None = None


class Sequence(msgspec.Struct, frozen=True):
    """Tasks in the order they are written; `then` may name any of them, and none elsewhere."""

    ref: str
    tasks: tuple[str, ...]
    names: tuple[str, ...]


class Trigger(msgspec.Struct, frozen=True):
    """One kind of event that starts a run, with the equalities its data must hold."""

    type: str
    equal: tuple[tuple[str, Any], ...] = ()


class Program(msgspec.Struct, frozen=True):
    """An expression with its place in the document and the variables it may use there: checked by jq before a save."""

    pointer: str
    text: str
    variables: tuple[str, ...]


class Endpoint(msgspec.Struct, frozen=True):
    """Where an HTTP call goes: the host, or None when only the run will know."""

    pointer: str
    host: str | None


class Definition(msgspec.Struct, frozen=True):
    """A whole definition; immutable, shared by all its runs."""

    namespace: str
    name: str
    version: str
    title: str
    document: dict[str, Any]
    tasks: dict[str, Task]
    sequences: dict[str, Sequence]
    input: Shape = Shape()
    output: Shape = Shape()
    timeout: Duration | None = None
    triggers: tuple[Trigger, ...] = ()
    programs: tuple[Program, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    functions: tuple[str, ...] = ()
