"""`switch`: the first case that holds says where to go on."""

from typing import Any, ClassVar

import msgspec

from app.workflows.definition import Task
from app.workflows.expressions import Expression
from app.workflows.frames import Asking, At
from app.workflows.machine import Machine
from app.workflows.reader import BASE, INSIDE, Reader, escape
from app.workflows.tasks.behaviour import Kind


class Case(msgspec.Struct, frozen=True):
    """One way to go on; without a condition it is the default."""

    pointer: str
    when: Expression | None
    then: str


class SwitchTask(Task, frozen=True, kw_only=True):
    """The cases in order."""

    kind: ClassVar[str] = "switch"
    cases: tuple[Case, ...]

    def directives(self) -> list[tuple[str, str]]:
        """Every case's directive, with its pointer."""
        return [(f"{case.pointer}/then", case.then) for case in self.cases]


class Switch(Kind):
    """Passes its input on; without a matching case it goes on as its own `then` says."""

    kind = "switch"

    def read(self, reader: Reader, node: dict[str, Any], ref: str, name: str) -> Task:
        reader.mapping(node, ref, known=("switch", *BASE))
        entries = reader.items(node["switch"], f"{ref}/switch")
        cases = tuple(case for index, entry in enumerate(entries) if (case := _case(reader, entry, f"{ref}/switch/{index}")))
        if not entries:
            reader.wrong(f"{ref}/switch", "needs at least one case")
        if sum(case.when is None for case in cases) > 1:
            reader.wrong(f"{ref}/switch", "has more than one default case", "give all but one a `when`")
        return SwitchTask(**reader.base(node, ref, name), cases=cases)

    def enter(self, machine: Machine, at: At, task: SwitchTask) -> Asking:
        value = at.frame["input"]
        for case in task.cases:
            if case.when is not None and (yield from machine.holds(case.when, value, at)):
                machine.complete(at, value, case.then)
                return
        machine.complete(at, value, next((case.then for case in task.cases if case.when is None), None))


def _case(reader: Reader, entry: Any, at: str) -> Case | None:
    name, content = reader.single(entry, at)
    if not name:
        return None
    at = f"{at}/{escape(name)}"
    fields = reader.mapping(content, at, known=("when", "then"), need=("then",))
    when = reader.expression(fields["when"], f"{at}/when", INSIDE) if "when" in fields else None
    return Case(at, when, reader.text(fields["then"], f"{at}/then") if "then" in fields else "continue")
