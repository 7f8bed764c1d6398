"""`call`: over HTTP, a function of the default catalog, or one the definition brings under `use.functions`.

The evaluated request rests in the frame, so a repetition after a crash sends the same thing under the same effect key.
"""

from typing import Any, ClassVar

from app.core.json_schema import violations
from app.workflows.definition import Task
from app.workflows.expressions import Template
from app.workflows.frames import Asking, At
from app.workflows.functions import CATALOG, check_arguments
from app.workflows.machine import Machine
from app.workflows.problems import Problem, TaskFault, standard
from app.workflows.reader import BASE, INSIDE, NOT_AVAILABLE, Reader
from app.workflows.tasks import http
from app.workflows.tasks.behaviour import Kind

PROTOCOLS = ("openapi", "asyncapi", "grpc", "a2a", "mcp")


class HttpCall(Task, frozen=True, kw_only=True):
    """An HTTP request."""

    kind: ClassVar[str] = "call"
    arguments: Template
    uri: Any
    reading: str
    redirect: bool


class FunctionCall(Task, frozen=True, kw_only=True):
    """A function of the default catalog."""

    kind: ClassVar[str] = "call"
    function: str
    arguments: Template


class LocalCall(Task, frozen=True, kw_only=True):
    """A task written once under `use.functions`."""

    kind: ClassVar[str] = "call"
    body: str
    arguments: Template


class Call(Kind):
    """Puts its request into the frame and completes with the answer, or with the event that brings it."""

    kind = "call"

    def read(self, reader: Reader, node: dict[str, Any], ref: str, name: str) -> Task | None:
        reader.mapping(node, ref, known=("call", "with", *BASE))
        target = reader.text(node["call"], f"{ref}/call")
        if target == "http":
            return _http(reader, node, ref, name)
        if target in PROTOCOLS:
            reader.wrong(f"{ref}/call", f"calling {target} {NOT_AVAILABLE}", "call a capability of a connection, or http")
            return None
        if target in CATALOG:
            return _function(reader, node, ref, name, target)
        return _local(reader, node, ref, name, target)

    def enter(self, machine: Machine, at: At, task: Task) -> Asking:
        value = at.frame["input"]
        if isinstance(task, HttpCall):
            filled = yield from machine.fill(task.arguments, value, at)
            request = {"kind": "http", **http.request(filled, task.uri, value, task.ref)}
            at.frame.update(key=machine.effect_key(at.frame), request=request)
        elif isinstance(task, FunctionCall):
            given = yield from machine.fill(task.arguments, value, at)
            _check(task, given)
            request = {"kind": "function", "function": task.function, "with": given}
            at.frame.update(key=machine.effect_key(at.frame), request=request)
        elif isinstance(task, LocalCall):
            given = yield from machine.fill(task.arguments, value, at)
            machine.begin(at, task.body, given)

    def answered(self, machine: Machine, at: At, task: Task, output: Any, problem: Problem | None, definite: bool) -> Asking:
        """The peer answered, or it is known how it failed."""
        request = at.frame.pop("request")
        if problem is not None:
            if definite:
                machine.renew(at.frame)
            raise TaskFault(problem)
        yield from ()
        if isinstance(task, HttpCall):
            output = self._http_output(machine, at, task, request, output)
        machine.complete(at, output)

    def _http_output(self, machine: Machine, at: At, task: HttpCall, request: dict[str, Any], answer: Any) -> Any:
        # A status is a definite answer: a refused request may be asked anew, a safe one always.
        if request["method"] in http.SAFE or answer["status"] >= 400:
            machine.renew(at.frame)
        return http.output(request, answer, task.reading, task.redirect, task.ref)

    def opened(self, machine: Machine, at: At, task: FunctionCall, about: dict[str, Any], key: str) -> Asking:
        """What the function makes exists now; its answer will be an event under this key."""
        at.frame.pop("request")
        types = CATALOG[task.function].wakes_on
        at.frame.update(about=about, filters=[{"attributes": {"type": each, "partitionkey": key}, "met": False} for each in types])
        yield from ()

    def heard(self, machine: Machine, at: At, task: FunctionCall, event: dict[str, Any]) -> Asking:
        """The event that answers what was opened."""
        outcome = CATALOG[task.function].outcome
        wanted = any(all(event.get(n) == v for n, v in each["attributes"].items()) for each in at.frame["filters"])
        if wanted and outcome is not None:
            machine.complete(at, outcome(at.frame["about"], event))
        yield from ()


def _http(reader: Reader, node: dict[str, Any], ref: str, name: str) -> Task:
    given = reader.mapping(node.get("with", {}), f"{ref}/with")
    arguments = http.read(reader, given, f"{ref}/with")
    return HttpCall(
        **reader.base(node, ref, name), arguments=reader.template(arguments, f"{ref}/with", INSIDE), uri=arguments["uri"],
        reading=given.get("output", "content"), redirect=given.get("redirect", False) is True,
    )  # fmt: skip


def _function(reader: Reader, node: dict[str, Any], ref: str, name: str, target: str) -> Task:
    given = reader.mapping(node.get("with", {}), f"{ref}/with")
    for each in check_arguments(CATALOG[target], given, f"{ref}/with"):
        reader.wrong(each.pointer, each.detail, each.remedy)
    reader.functions.append(target)
    arguments = reader.template(given, f"{ref}/with", INSIDE)
    return FunctionCall(**reader.base(node, ref, name), function=target, arguments=arguments)


def _local(reader: Reader, node: dict[str, Any], ref: str, name: str, target: str) -> Task | None:
    shelf = reader.use.get("functions")
    if not isinstance(shelf, dict) or target not in shelf:
        known = ", ".join(sorted(CATALOG))
        reader.wrong(f"{ref}/call", f"names {target!r}, which is no function known here", f"use http, one of {known}, or use.functions")
        return None
    arguments = reader.template(reader.mapping(node.get("with", {}), f"{ref}/with"), f"{ref}/with", INSIDE)
    return LocalCall(**reader.base(node, ref, name), body=reader.function(target), arguments=arguments)


def _check(task: FunctionCall, given: Any) -> None:
    found = violations(CATALOG[task.function].arguments, given)
    if found:
        detail = "; ".join(f"{each.pointer or '/'} {each.detail}" for each in found[:5])
        raise TaskFault(standard("validation", f"{task.function} was called with the wrong arguments: {detail}", task.ref))
