"""The plain parts of a run: frames, what may happen next in a strand, and a line of the log."""

from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

import msgspec

from app.workflows.problems import Problem

Frame = dict[str, Any]
State = dict[str, Any]

MAIN = ""


class Evaluate(msgspec.Struct, frozen=True):
    """Please evaluate this jq program on this value with these variables, and resume with the one value it gives."""

    program: str
    value: Any
    variables: dict[str, Any]


class Unevaluable(Exception):
    """Thrown into the interpreter when a program failed; the text says why."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the run's log: a task that ended, and how."""

    ref: str
    name: str
    kind: str
    path: str
    attempt: int
    status: str
    began: int
    ended: int
    input: Any = None
    output: Any = None
    problem: dict[str, Any] | None = None
    key: str | None = None


class At(msgspec.Struct, frozen=True):
    """A task being run: its strand and its frame."""

    strand: str
    frame: Frame


class Begin(msgspec.Struct, frozen=True):
    """Next, in this strand: begin a task."""

    strand: str
    ref: str
    raw: Any
    path: str
    vars: dict[str, Any]


class Complete(msgspec.Struct, frozen=True):
    """Next, in this strand: the task on top is done and gave this."""

    strand: str
    output: Any
    then: str | None


class Fault(msgspec.Struct, frozen=True):
    """Next, in this strand: the task on top went wrong; `inclusive` lets that task itself catch it."""

    strand: str
    problem: Problem
    inclusive: bool = False


Asking = Generator[Evaluate, Any, None]
Deciding = Generator[Evaluate, Any, bool]


def moment(milliseconds: int) -> dict[str, Any]:
    """The specification's date-time descriptor."""
    text = datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"iso8601": text, "epoch": {"seconds": milliseconds // 1000, "milliseconds": milliseconds}}
