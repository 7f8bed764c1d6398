"""`do`: tasks one after the other, as one task."""

from typing import Any, ClassVar

from app.workflows.definition import Task
from app.workflows.frames import Asking, At
from app.workflows.machine import Machine
from app.workflows.reader import BASE, Reader
from app.workflows.tasks.behaviour import Kind


class DoTask(Task, frozen=True, kw_only=True):
    """The list at `body`."""

    kind: ClassVar[str] = "do"
    body: str


class Do(Kind):
    """Walks its list; the last task's output is its own."""

    kind = "do"

    def read(self, reader: Reader, node: dict[str, Any], ref: str, name: str) -> Task:
        reader.mapping(node, ref, known=("do", *BASE))
        return DoTask(**reader.base(node, ref, name), body=reader.sequence(node["do"], f"{ref}/do"))

    def enter(self, machine: Machine, at: At, task: DoTask) -> Asking:
        machine.walk(at, task.body, at.frame["input"])
        yield from ()
