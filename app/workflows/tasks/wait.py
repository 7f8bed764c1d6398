"""`wait`: nothing happens for a while."""

from typing import Any, ClassVar

from app.workflows.definition import Duration, Task
from app.workflows.frames import Asking, At
from app.workflows.machine import Machine
from app.workflows.reader import BASE, Reader
from app.workflows.tasks.behaviour import Kind


class WaitTask(Task, frozen=True, kw_only=True):
    """How long."""

    kind: ClassVar[str] = "wait"
    duration: Duration


class Wait(Kind):
    """Puts the moment into its frame; its input passes through."""

    kind = "wait"

    def read(self, reader: Reader, node: dict[str, Any], ref: str, name: str) -> Task:
        reader.mapping(node, ref, known=("wait", *BASE))
        duration = reader.duration(node["wait"], f"{ref}/wait")
        return WaitTask(**reader.base(node, ref, name), duration=0 if duration is None else duration)

    def enter(self, machine: Machine, at: At, task: WaitTask) -> Asking:
        at.frame["due"] = machine.now + (yield from machine.length(task.duration, at.frame["input"], at))

    def due(self, machine: Machine, at: At, task: WaitTask) -> Asking:
        machine.complete(at, at.frame["input"])
        yield from ()
