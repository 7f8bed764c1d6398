"""Driving the pure interpreter in tests: a real jq, no sandbox process, every state through JSON between two arrivals."""

from collections.abc import Callable
from typing import Any

import jq
import orjson

from app.workflows import engine
from app.workflows.definition import Definition
from app.workflows.dsl import read_definition
from app.workflows.engine import Advanced, Answered, Due, Start
from app.workflows.frames import Unevaluable

RUN = "0190f000-0000-7000-8000-000000000001"
HEAD = "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"


def evaluate(program: str, value: Any, variables: dict[str, Any]) -> Any:
    """What the sandbox does, in process: variables travel in the input, exactly one output."""
    binding = "".join(f".variables.{name} as ${name} | " for name in variables)
    try:
        found = jq.compile(f"{binding}.value | ({program}\n)").input_value({"value": value, "variables": variables}).all()
    except ValueError as error:
        raise Unevaluable(str(error)) from None
    if len(found) != 1:
        raise Unevaluable(f"gives {len(found)} values, not one")
    return found[0]


def define(body: str) -> Definition:
    """A definition from the part after its head."""
    return read_definition(body if body.lstrip().startswith("document") else HEAD + body)


class Run:
    """One run: its newest state, everything it logged, and the effects it is waiting for."""

    def __init__(self, definition: Definition | str, *, stored: bool = True) -> None:
        self.definition = define(definition) if isinstance(definition, str) else definition
        self.state = engine.fresh(RUN, "seed", 1_000)
        self.steps: list[engine.Step] = []
        self.now = 1_000
        self.stored = stored
        self.last: Advanced | None = None

    def feed(self, make: Callable[[int], engine.Arrival]) -> "Run":
        """Let something arrive now."""
        if self.stored:
            self.state = orjson.loads(orjson.dumps(self.state))
        asking = engine.advance(self.definition, self.state, make(self.now))
        try:
            request = next(asking)
            while True:
                try:
                    answer = evaluate(request.program, request.value, request.variables)
                except Unevaluable as error:
                    request = asking.throw(error)
                else:
                    request = asking.send(answer)
        except StopIteration as done:
            self.last = done.value
        self.state = self.last.state
        self.steps += self.last.steps
        return self

    def start(self, value: Any = None) -> "Run":
        return self.feed(lambda now: Start(now=now, input=value))

    def answer(self, name: str, output: Any = None, *, problem: dict[str, Any] | None = None, definite: bool = False) -> "Run":
        """Answer the effect of the task with this name."""
        key = self.effect(name).key
        return self.feed(lambda now: Answered(now=now, key=key, output=output, problem=problem, definite=definite))

    def http(self, name: str, status: int = 200, content: Any = None) -> "Run":
        return self.answer(name, {"status": status, "headers": {}, "content": content, "raw": ""})

    def after(self, milliseconds: int) -> "Run":
        """Let time pass."""
        self.now += milliseconds
        return self.feed(lambda now: Due(now=now))

    def hear(self, type: str, key: str | None = None, **data: Any) -> "Run":
        """Let an event come to every wait that it could matter to."""
        event = {"specversion": "1.0", "id": "e", "type": type, "subject": key, "partitionkey": key, "data": data}
        for wait in list(self.last.waits):
            if wait.type == type and wait.event_key in (None, key):
                self.feed(lambda now, wait=wait: engine.Heard(now=now, key=wait.key, event=event))
        return self

    def effect(self, name: str) -> engine.Effect:
        return next(each for each in self.effects if each.name == name)

    @property
    def effects(self) -> list[engine.Effect]:
        return engine.ready(self.definition, self.state)

    @property
    def status(self) -> str:
        return self.state["status"]

    @property
    def output(self) -> Any:
        return self.state["output"]

    @property
    def problem(self) -> dict[str, Any]:
        return self.state["problem"]

    def log(self, *statuses: str) -> list[str]:
        """The names of the logged steps, of some statuses or all."""
        return [each.name for each in self.steps if not statuses or each.status in statuses]
