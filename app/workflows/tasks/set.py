"""`set`: the task's output is written in the definition."""

from typing import Any, ClassVar

from app.workflows import expressions
from app.workflows.definition import Task
from app.workflows.expressions import Template
from app.workflows.frames import Asking, At
from app.workflows.machine import Machine
from app.workflows.reader import BASE, INSIDE, Reader
from app.workflows.tasks.behaviour import Kind


class SetTask(Task, frozen=True, kw_only=True):
    """The data to set."""

    kind: ClassVar[str] = "set"
    value: Template


class Set(Kind):
    """Fills its template."""

    kind = "set"

    def read(self, reader: Reader, node: dict[str, Any], ref: str, name: str) -> Task:
        reader.mapping(node, ref, known=("set", *BASE))
        value = node["set"]
        if not expressions.is_expression(value) and not (isinstance(value, dict) and value):
            reader.wrong(f"{ref}/set", "must be an object with at least one field, or one expression ${ … }")
        return SetTask(**reader.base(node, ref, name), value=reader.template(value, f"{ref}/set", INSIDE))

    def enter(self, machine: Machine, at: At, task: SetTask) -> Asking:
        machine.complete(at, (yield from machine.fill(task.value, at.frame["input"], at)))
