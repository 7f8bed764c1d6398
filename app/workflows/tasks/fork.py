"""`fork`: several tasks at once, all awaited, or racing for one winner.

Each branch works on its own copy of the context. When all are awaited their outputs come in the order they are written, and
what they changed in the context is laid over it in that order: so the end does not depend on who was faster. In a race the
first to complete wins with its context; a branch that faults leaves the race, and the last one left to fault fails the fork.
"""

from typing import Any, ClassVar

from app.workflows.definition import Task
from app.workflows.frames import Asking, At, Deciding
from app.workflows.machine import Machine
from app.workflows.problems import Problem
from app.workflows.reader import BASE, Reader
from app.workflows.tasks.behaviour import Kind


class ForkTask(Task, frozen=True, kw_only=True):
    """The branches' tasks in order."""

    kind: ClassVar[str] = "fork"
    branches: tuple[str, ...]
    compete: bool


class Fork(Kind):
    """Opens a strand for each branch."""

    kind = "fork"

    def read(self, reader: Reader, node: dict[str, Any], ref: str, name: str) -> Task:
        reader.mapping(node, ref, known=("fork", *BASE))
        fields = reader.mapping(node["fork"], f"{ref}/fork", known=("branches", "compete"), need=("branches",))
        compete = fields.get("compete", False)
        if not isinstance(compete, bool):
            reader.wrong(f"{ref}/fork/compete", "must be true or false")
        _, refs = reader.task_list(fields.get("branches", []), f"{ref}/fork/branches")
        for branch in refs:
            _check_ends(reader, reader.tasks[branch])
        return ForkTask(**reader.base(node, ref, name), branches=refs, compete=compete is True)

    def enter(self, machine: Machine, at: At, task: ForkTask) -> Asking:
        at.frame["context"] = machine.strand(at.strand)["context"]
        at.frame["branches"] = [machine.branch(at, branch, at.frame["input"]) for branch in task.branches]
        yield from ()

    def joined(self, machine: Machine, at: At, task: ForkTask, branch: str, output: Any) -> Asking:
        strand = machine.strand(branch)
        strand["done"] = True
        strand["output"] = output
        if task.compete:
            machine.strand(at.strand)["context"] = strand["context"]
            self._leave(machine, at, output)
        elif all(machine.strand(each).get("done") for each in at.frame["branches"]):
            strands = [machine.strand(each) for each in at.frame["branches"]]
            machine.strand(at.strand)["context"] = _merged(at.frame["context"], [each["context"] for each in strands])
            self._leave(machine, at, [each["output"] for each in strands])
        yield from ()

    def catches(self, machine: Machine, at: At, task: ForkTask, problem: Problem, branch: str | None) -> Deciding:
        yield from ()
        return task.compete and branch is not None and len(at.frame["branches"]) > 1

    def caught(self, machine: Machine, at: At, task: ForkTask, problem: Problem, branch: str | None) -> Asking:
        at.frame["branches"].remove(branch)
        machine.cancel(str(branch))
        yield from ()

    def _leave(self, machine: Machine, at: At, output: Any) -> None:
        for branch in at.frame.pop("branches"):
            machine.cancel(branch)
        machine.complete(at, output)


def _merged(base: Any, contexts: list[Any]) -> Any:
    """What each branch changed, laid over the fork's context in the order the branches are written."""
    merged = base
    for context in contexts:
        if isinstance(merged, dict) and isinstance(context, dict) and isinstance(base, dict):
            changed = {key: value for key, value in context.items() if key not in base or base[key] != value}
            merged = {key: value for key, value in merged.items() if key in context or key not in base} | changed
        elif context != base:
            merged = context
    return merged


def _check_ends(reader: Reader, task: Task) -> None:
    for pointer, target in [(f"{task.ref}/then", task.then), *getattr(task, "directives", list)()]:
        if target not in (None, "continue", "exit", "end"):
            reader.wrong(pointer, f"names {target!r}; a branch has no next task", "put the tasks into a do within the branch")
