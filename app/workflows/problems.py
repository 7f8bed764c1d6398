"""The errors of a running workflow: RFC 7807 problems with the specification's type URIs.

Source: Open Workflow Specification 1.0.3, DSL reference, "Standard Error Types". `instance` is a JSON Pointer to the task.
"""

import re
from typing import Any

import msgspec

BASE = "https://open-workflow-specification.org/spec/1.0.0/errors/"

STATUS = {
    "configuration": 400,
    "validation": 400,
    "expression": 400,
    "authentication": 401,
    "authorization": 403,
    "timeout": 408,
    "communication": 500,
    "runtime": 500,
}

TITLES = {
    "configuration": "Invalid configuration",
    "validation": "Invalid data",
    "expression": "Expression failed",
    "authentication": "Not authenticated",
    "authorization": "Not allowed",
    "timeout": "Timed out",
    "communication": "Communication failed",
    "runtime": "Could not run",
}

# The specification changed its host in 2026 and its text and its conformance kit use two paths: all four name one error.
_STANDARD = re.compile(
    r"https://(?:open-workflow-specification\.org|serverlessworkflow\.io)/(?:spec/1\.0\.0/errors|dsl/errors/types)/([a-z]+)"
)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong in one task; `instance` is the task's reference."""

    type: str
    status: int
    title: str = ""
    detail: str = ""
    instance: str = ""

    def plain(self) -> dict[str, Any]:
        """As plain data, the way expressions and events see it."""
        return {name: getattr(self, name) for name in self.__struct_fields__ if getattr(self, name) != ""}


class TaskFault(Exception):
    """A task ended with a problem; the nearest `try` that catches it goes on, else the run faults."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail or problem.title)
        self.problem = problem


def standard(kind: str, detail: str, instance: str, *, status: int | None = None, title: str | None = None) -> Problem:
    """One of the specification's own errors, with its default status unless a better one is known."""
    return Problem(type=BASE + kind, status=status or STATUS[kind], title=title or TITLES[kind], detail=detail, instance=instance)


def from_plain(value: dict[str, Any]) -> Problem:
    """The problem a snapshot or an event carries."""
    return msgspec.convert(value, Problem)


def same_type(one: str, other: str) -> bool:
    """Whether two type URIs name the same error, under whichever host and path the specification has used."""
    return _canonical(one) == _canonical(other)


def _canonical(uri: str) -> str:
    match = _STANDARD.fullmatch(uri)
    return BASE + match.group(1) if match else uri
