"""What a strand may ask of expressions: values, filled templates, conditions, durations and schemas, with the right variables."""

from collections.abc import Generator
from typing import Any

from app.core.json_schema import violations
from app.workflows import durations
from app.workflows.definition import Definition, Duration, Shape
from app.workflows.expressions import Expression, Template
from app.workflows.frames import MAIN, At, Deciding, Evaluate, State, Unevaluable, moment
from app.workflows.problems import TaskFault, standard

RUNTIME = {"name": "open-workflow", "version": "1.0.3", "metadata": {}}


class Evaluation:
    """The part of a machine that evaluates; what fails is a fault of the task it was for."""

    definition: Definition
    state: State

    def strand(self, strand: str) -> dict[str, Any]:
        """A strand's frames, context and bound names."""
        found: dict[str, Any] = self.state if strand == MAIN else self.state["branches"][strand]
        return found

    def evaluate(self, made: Expression, value: Any, at: At | None, **more: Any) -> Generator[Evaluate, Any, Any]:
        """One expression's value; an expression that fails is the specification's `expression` error of the task."""
        try:
            answer = yield Evaluate(made.text, value, self._variables(made, at, more))
        except Unevaluable as error:
            raise TaskFault(standard("expression", str(error), at.frame["ref"] if at else "/")) from None
        return answer

    def fill(self, template: Template | None, value: Any, at: At | None, **more: Any) -> Generator[Evaluate, Any, Any]:
        """A template with its expressions evaluated on `value`; `value` itself when there is no template."""
        if template is None:
            return value
        program = template.program
        if program is None:
            return template.shape
        answer = yield from self.evaluate(program, value, at, **more)
        return template.fill(answer)

    def holds(self, made: Expression, value: Any, at: At, **more: Any) -> Deciding:
        """Whether a condition holds; null and false do not, as in jq."""
        answer = yield from self.evaluate(made, value, at, **more)
        return answer is not None and answer is not False

    def length(self, duration: Duration, value: Any, at: At | None, **more: Any) -> Generator[Evaluate, Any, int]:
        """A duration in milliseconds, evaluated if it is an expression."""
        if isinstance(duration, int):
            return duration
        answer = yield from self.fill(duration, value, at, **more)
        try:
            return durations.milliseconds(answer)
        except ValueError as error:
            raise TaskFault(standard("expression", f"{answer!r} {error}", at.frame["ref"] if at else "/")) from None

    def check(self, shape: Shape, value: Any, ref: str, what: str) -> None:
        """Raise the specification's `validation` error when the data does not fit its schema."""
        found = violations(shape.schema, value) if shape.schema is not None else []
        if found:
            detail = "; ".join(f"{each.pointer or '/'} {each.detail}" for each in found[:5])
            raise TaskFault(standard("validation", f"The {what} does not fit its schema: {detail}", ref))

    def names(self, strand: str) -> dict[str, Any]:
        """The variables bound around a strand's top: $error in a catch, and what its fork knew."""
        bound = dict(self.strand(strand).get("vars", {}))
        for frame in self.strand(strand)["frames"]:
            bound.update(frame.get("vars", {}))
        return bound

    def _variables(self, made: Expression, at: At | None, more: dict[str, Any]) -> dict[str, Any]:
        known = {**self.names(at.strand), **more} if at else dict(more)
        if at is not None:
            known.setdefault("context", self.strand(at.strand)["context"])
            known.setdefault("input", at.frame.get("input"))
            if "task" in made.names:
                known["task"] = self._task_descriptor(at, more.get("raw_output"))
        if "workflow" in made.names:
            known["workflow"] = self._workflow_descriptor("definition" in made.text or "$workflow." not in made.text)
        known["runtime"] = RUNTIME
        return {name: known[name] for name in made.names if name in known}

    def _workflow_descriptor(self, whole: bool) -> dict[str, Any]:
        described = {"id": self.state["run"], "input": self.state["input"], "startedAt": moment(self.state["began"])}
        return {**described, "definition": self.definition.document} if whole else described

    def _task_descriptor(self, at: At, output: Any) -> dict[str, Any]:
        task = self.definition.tasks[at.frame["ref"]]
        described = {"name": task.name, "reference": task.ref, "definition": task.raw, "input": at.frame["raw"]}
        return {**described, "output": output, "startedAt": moment(at.frame["began"])}
