"""The run's state and how a task begins, completes, faults and hands on: what every task type shares.

State is plain data (JSON): a cursor stack of frames for the main strand and one for each fork branch, the context, the
generations of effects. Nothing else is needed to go on after a crash. A frame is either a task being run (`ref`) or a task
list being walked (`list`). `path` counts the laps of the lists around a frame, so that the same task on another lap is
another effect; an attempt of a retry is the same lap.
Evaluation is asked for by yielding `Evaluate`; work that needs the world stays in a frame as `request`, `due` or `filters`.
"""

import hashlib
from collections import deque
from collections.abc import Generator, Mapping
from typing import Any, Protocol

from app.workflows.definition import Definition
from app.workflows.evaluation import Evaluation
from app.workflows.frames import MAIN, Asking, At, Begin, Complete, Deciding, Evaluate, Fault, Frame, State, Step
from app.workflows.problems import Problem, TaskFault, standard

MAX_STEPS = 10_000


class Behaviour(Protocol):
    """What a task type adds; the defaults are in `tasks/behaviour.py`."""

    def enter(self, machine: "Machine", at: At, task: Any) -> Asking: ...
    def returned(self, machine: "Machine", at: At, task: Any, output: Any) -> Asking: ...
    def joined(self, machine: "Machine", at: At, task: Any, branch: str, output: Any) -> Asking: ...
    def catches(self, machine: "Machine", at: At, task: Any, problem: Problem, branch: str | None) -> Deciding: ...
    def caught(self, machine: "Machine", at: At, task: Any, problem: Problem, branch: str | None) -> Asking: ...


class Machine(Evaluation):
    """One advance of one run: changes the state it was given, collects the steps, stops when all strands wait."""

    def __init__(self, definition: Definition, state: State, now: int, kinds: Mapping[str, Behaviour]) -> None:
        self.definition = definition
        self.state = state
        self.now = now
        self.kinds = kinds
        self.steps: list[Step] = []
        self._todo: deque[Begin | Complete | Fault] = deque()

    # -- what task types call -----------------------------------------------------------------------------------------
    def complete(self, at: At, output: Any, then: str | None = None) -> None:
        """The task is done; `then` overrides what the task says about going on."""
        self._todo.append(Complete(at.strand, output, then))

    def begin(self, at: At, ref: str, raw: Any, **names: Any) -> None:
        """Run one task on top of this one (a function's body)."""
        self._todo.append(Begin(at.strand, ref, raw, f"{at.frame['path']}@{at.frame['ref']}", names))

    def walk(self, at: At, ref: str, raw: Any, **names: Any) -> None:
        """Run a task list on top of this task; its last output comes back through `returned`."""
        self._walk(at.strand, ref, raw, at.frame["path"], names)

    def branch(self, at: At, ref: str, raw: Any) -> str:
        """Run one task in a strand of its own, with its own copy of the context; it comes back through `joined`."""
        strand = f"{ref}|{at.frame['path']}"
        context = self.strand(at.strand)["context"]
        self.state["branches"][strand] = {"owner": at.strand, "frames": [], "context": context, "vars": self.names(at.strand)}
        self._todo.append(Begin(strand, ref, raw, at.frame["path"], {}))
        return strand

    def cancel(self, strand: str) -> None:
        """Forget a branch and everything it was doing."""
        for frame in reversed(self.state["branches"].pop(strand)["frames"]):
            self._drop(strand, frame, "cancelled")

    def effect_key(self, frame: Frame) -> str:
        """The stable name of one intended effect: the same after a crash, another after a definite refusal."""
        place = f"{frame['ref']}|{frame['path']}"
        parts = (self.state["run"], frame["ref"], frame["path"], str(self.state["generations"].get(place, 0)))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def renew(self, frame: Frame) -> None:
        """From now on this task's effect is a new one: it was definitely refused, or a person wants it done again."""
        place = f"{frame['ref']}|{frame['path']}"
        self.state["generations"][place] = self.state["generations"].get(place, 0) + 1

    def fraction(self, *parts: object) -> float:
        """A number in [0, 1) that the run's seed and the place fix: jitter that a replay repeats."""
        digest = hashlib.sha256("\n".join(map(str, (self.state["seed"], *parts))).encode()).digest()
        return int.from_bytes(digest[:6], "big") / 2**48

    # -- the loop -----------------------------------------------------------------------------------------------------
    def start(self, raw: Any) -> Asking:
        """Check and turn the workflow's input and walk its first list."""
        state, definition = self.state, self.definition
        state["input"] = raw
        try:
            self.check(definition.input, raw, "/", "workflow's input")
            value = yield from self.fill(definition.input.turn, raw, None)
            if definition.timeout is not None:
                state["deadline"] = self.now + (yield from self.length(definition.timeout, value, None))
        except TaskFault as fault:
            self._run_faults(fault.problem)
            return
        self._walk(MAIN, "/do", value, "", {})

    def run(self) -> Asking:
        """Go on until every strand waits for the world or the run is over."""
        while self._todo and self.state["status"] == "running":
            action = self._todo.popleft()
            if action.strand != MAIN and action.strand not in self.state["branches"]:
                continue
            try:
                yield from self._act(action)
            except TaskFault as fault:
                self._todo.append(Fault(action.strand, fault.problem))

    def act(self, at: At, ask: Asking) -> Asking:
        """Let a task type react to what arrived; what it raises is its task's fault."""
        try:
            yield from ask
        except TaskFault as fault:
            self._todo.append(Fault(at.strand, fault.problem))

    def fault(self, strand: str, problem: Problem, *, inclusive: bool = False) -> None:
        """The task on top of this strand went wrong from outside: it timed out."""
        self._todo.append(Fault(strand, problem, inclusive))

    def again(self, at: At) -> None:
        """Begin the task on top of its strand anew, with the input it had."""
        frame = self.strand(at.strand)["frames"].pop()
        self._todo.append(Begin(at.strand, frame["ref"], frame["raw"], frame["path"], frame.get("vars", {})))

    def _act(self, action: Begin | Complete | Fault) -> Asking:
        if isinstance(action, Begin):
            yield from self._begin(action)
        elif isinstance(action, Complete):
            yield from self._complete(action)
        else:
            yield from self._fault(action)

    def _walk(self, strand: str, ref: str, raw: Any, path: str, names: dict[str, Any]) -> None:
        frame: Frame = {"list": ref, "index": 0, "lap": 0, "path": path}
        self.strand(strand)["frames"].append({**frame, "vars": names} if names else frame)
        self._todo.append(Begin(strand, self.definition.sequences[ref].tasks[0], raw, f"{path}.0", {}))

    def _begin(self, action: Begin) -> Asking:
        task = self.definition.tasks[action.ref]
        frame: Frame = {"ref": action.ref, "path": action.path, "raw": action.raw, "began": self.now}
        if action.vars:
            frame["vars"] = action.vars
        at = At(action.strand, frame)
        self.strand(action.strand)["frames"].append(frame)
        if self._too_long(at):
            return
        if task.condition is not None and not (yield from self.holds(task.condition, action.raw, at)):
            yield from self.leave(at, action.raw, None, "skipped")
            return
        self.check(task.input, action.raw, task.ref, "task's input")
        frame["input"] = yield from self.fill(task.input.turn, action.raw, at)
        if task.timeout is not None:
            frame["deadline"] = self.now + (yield from self.length(task.timeout, action.raw, at))
        yield from self.kinds[task.kind].enter(self, at, task)

    def _too_long(self, at: At) -> bool:
        """Past the bound the run faults for good: no `try` may catch it, or a retry without end would go on for ever."""
        self.state["steps"] += 1
        if self.state["steps"] <= MAX_STEPS:
            return False
        problem = standard("runtime", f"A run has at most {MAX_STEPS} steps.", at.frame["ref"])
        at.frame["failed"] = problem.plain()
        self.log(at, "faulted", problem=problem)
        self._run_faults(problem)
        return True

    def _complete(self, action: Complete) -> Asking:
        strand = self.strand(action.strand)
        at = At(action.strand, strand["frames"][-1])
        task = self.definition.tasks[at.frame["ref"]]
        more = {"raw_output": action.output}
        output = yield from self.fill(task.output.turn, action.output, at, **more)
        self.check(task.output, output, task.ref, "task's output")
        if task.export.turn is not None:
            context = yield from self.fill(task.export.turn, output, at, output=output, **more)
            self.check(task.export, context, task.ref, "exported context")
            strand["context"] = context
        yield from self.leave(at, output, action.then or task.then, "completed")

    def leave(self, at: At, output: Any, then: str | None, status: str) -> Asking:
        """Take the task off its strand, log it and go on from what it gave."""
        self.strand(at.strand)["frames"].pop()
        self.log(at, status, output=output)
        if then == "end":
            yield from self._finish(output)
            return
        yield from self._hand_on(at.strand, output, then)

    def _hand_on(self, strand: str, output: Any, then: str | None) -> Asking:
        frames = self.strand(strand)["frames"]
        if frames and "list" in frames[-1]:
            yield from self._next(strand, frames[-1], output, then)
        elif frames:
            at = At(strand, frames[-1])
            task = self.definition.tasks[at.frame["ref"]]
            yield from self.kinds[task.kind].returned(self, at, task, output)
        else:
            at = self._fork_of(strand)
            task = self.definition.tasks[at.frame["ref"]]
            yield from self.kinds[task.kind].joined(self, at, task, strand, output)

    def _next(self, strand: str, frame: Frame, output: Any, then: str | None) -> Asking:
        sequence = self.definition.sequences[frame["list"]]
        index = frame["index"] + 1
        if then == "exit":
            index = len(sequence.tasks)
        elif then not in (None, "continue"):
            index = sequence.names.index(str(then))
            frame["lap"] += index <= frame["index"]
        if index < len(sequence.tasks):
            frame["index"] = index
            self._todo.append(Begin(strand, sequence.tasks[index], output, f"{frame['path']}.{frame['lap']}", {}))
            return
        self.strand(strand)["frames"].pop()
        if self.strand(strand)["frames"]:
            yield from self._hand_on(strand, output, None)
        else:
            yield from self._finish(output)

    def _finish(self, output: Any) -> Asking:
        try:
            value = yield from self.fill(self.definition.output.turn, output, None, context=self.state["context"])
            self.check(self.definition.output, value, "/", "workflow's output")
        except TaskFault as fault:
            self._run_faults(fault.problem)
            return
        self.state["output"] = value
        self.end("completed")

    def end(self, status: str) -> None:
        """The run is over: whatever still ran in its strands is cancelled."""
        for strand in list(self.state["branches"]):
            self.cancel(strand)
        for frame in reversed(self.state["frames"]):
            self._drop(MAIN, frame, "cancelled")
        self.state["frames"] = []
        self.state["status"] = status
        self._todo.clear()

    # -- faults -------------------------------------------------------------------------------------------------------
    def _fault(self, action: Fault) -> Asking:
        top = At(action.strand, self.strand(action.strand)["frames"][-1])
        if not action.inclusive:
            self.log(top, "faulted", problem=action.problem)
            top.frame["failed"] = action.problem.plain()
        found = yield from self._catcher(action)
        if found is None:
            top.frame["failed"] = action.problem.plain()
            self._run_faults(action.problem)
            return
        at, branch = found
        self.unwind(at, action.problem)
        task = self.definition.tasks[at.frame["ref"]]
        yield from self.kinds[task.kind].caught(self, at, task, action.problem, branch)

    def _catcher(self, action: Fault) -> Generator[Evaluate, Any, tuple[At, str | None] | None]:
        strand, branch, skip = action.strand, None, not action.inclusive
        while True:
            for frame in reversed(self.strand(strand)["frames"]):
                at = At(strand, frame)
                if not skip and "ref" in frame and (yield from self._catches(at, action.problem, branch)):
                    return at, branch
                skip, branch = False, None
            if strand == MAIN:
                return None
            branch, strand = strand, self.state["branches"][strand]["owner"]

    def _catches(self, at: At, problem: Problem, branch: str | None) -> Deciding:
        task = self.definition.tasks[at.frame["ref"]]
        try:
            return (yield from self.kinds[task.kind].catches(self, at, task, problem, branch))
        except TaskFault:
            # A condition that can't be evaluated catches nothing: the first problem is the one to tell.
            return False

    def unwind(self, at: At, problem: Problem | None = None) -> None:
        """Take everything above a task off its strand; what lies between a fault and its catch faulted too."""
        frames = self.strand(at.strand)["frames"]
        while frames[-1] is not at.frame:
            self._drop(at.strand, frames.pop(), "faulted" if problem else "cancelled", problem)

    def stop_above(self, at: At) -> None:
        """Cancel all that this task has going: it is the one that counts now."""
        self.unwind(at)
        self._cancel_branches(at.frame)
        at.frame.pop("branches", None)

    def _drop(self, strand: str, frame: Frame, status: str, problem: Problem | None = None) -> None:
        self._cancel_branches(frame)
        if "ref" in frame and "failed" not in frame:
            self.log(At(strand, frame), status, problem=problem)

    def _cancel_branches(self, frame: Frame) -> None:
        for branch in frame.get("branches", ()):
            if branch in self.state["branches"]:
                self.cancel(branch)

    def _run_faults(self, problem: Problem) -> None:
        self.state["status"] = "faulted"
        self.state["problem"] = problem.plain()
        self._todo.clear()

    def _fork_of(self, branch: str) -> At:
        owner = self.state["branches"][branch]["owner"]
        return At(owner, next(f for f in self.strand(owner)["frames"] if branch in f.get("branches", ())))

    # -- the log ------------------------------------------------------------------------------------------------------
    def log(self, at: At, status: str, *, output: Any = None, problem: Problem | None = None) -> None:
        """Note that a task ended, or is tried again."""
        frame = at.frame
        task = self.definition.tasks[frame["ref"]]
        self.steps.append(
            Step(
                ref=task.ref, name=task.name, kind=task.kind, path=frame["path"], attempt=frame.get("attempt") or self._attempt(at.strand), status=status,
                began=frame["began"], ended=self.now, input=frame.get("input", frame["raw"]), output=output,
                problem=problem.plain() if problem else None, key=frame.get("key"),
            )
        )  # fmt: skip

    def _attempt(self, strand: str) -> int:
        frames = self.state["branches"].get(strand, {}).get("frames", []) if strand != MAIN else self.state["frames"]
        return next((f["attempt"] for f in reversed(frames) if "attempt" in f), 1)
