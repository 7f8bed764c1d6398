"""`raise`: the run goes wrong on purpose, with an error of the definition's own."""

from typing import Any, ClassVar

from app.workflows.definition import Task
from app.workflows.expressions import Template
from app.workflows.frames import Asking, At
from app.workflows.machine import Machine
from app.workflows.problems import Problem, TaskFault, standard
from app.workflows.reader import BASE, INSIDE, Reader
from app.workflows.tasks.behaviour import Kind

FIELDS = ("type", "status", "title", "detail", "instance")


class RaiseTask(Task, frozen=True, kw_only=True):
    """The error's fields, some of them expressions."""

    kind: ClassVar[str] = "raise"
    error: Template


class Raise(Kind):
    """Faults its task; `instance` is the task, unless the definition names another."""

    kind = "raise"

    def read(self, reader: Reader, node: dict[str, Any], ref: str, name: str) -> Task:
        reader.mapping(node, ref, known=("raise", *BASE))
        fields = reader.mapping(node["raise"], f"{ref}/raise", known=("error",), need=("error",))
        return RaiseTask(**reader.base(node, ref, name), error=read_error(reader, fields.get("error"), f"{ref}/raise/error"))

    def enter(self, machine: Machine, at: At, task: RaiseTask) -> Asking:
        raised = yield from machine.fill(task.error, at.frame["input"], at)
        for field in ("type", "title", "detail", "instance"):
            if not isinstance(raised.get(field, ""), str):
                raise TaskFault(standard("expression", f"The error's {field} must be a text.", task.ref))
        raise TaskFault(Problem(**{"instance": task.ref, **raised}))


def read_error(reader: Reader, value: Any, at: str) -> Template:
    """An error in place or by its name under `use.errors`."""
    value, at = reader.reusable(value, at, "errors")
    error = reader.mapping(value, at, known=FIELDS, need=("type", "status"))
    status = error.get("status", 0)
    if isinstance(status, bool) or not isinstance(status, int):
        reader.wrong(f"{at}/status", "must be a whole number")
    for field in ("type", "instance", "title", "detail"):
        if field in error:
            reader.text(error[field], f"{at}/{field}")
    return reader.template(error, at, INSIDE)
