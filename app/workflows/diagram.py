"""A run as a picture: its definition's steps in the order they are written, each with how far it got, how often it was tried and what it waits for.

Pure. What comes in is the definition, the run's state as it is stored, the lines of its log and its open waits; what comes out is a tree of
steps. A list of steps stands in a lane; a step that holds others (`do`, `try`, `fork`) has one lane or several.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from app.workflows.definition import Definition, Task
from app.workflows.frames import State
from app.workflows.tasks.call import FunctionCall, HttpCall, LocalCall
from app.workflows.tasks.do import DoTask
from app.workflows.tasks.fork import ForkTask
from app.workflows.tasks.listen import ListenTask
from app.workflows.tasks.switch import SwitchTask
from app.workflows.tasks.try_ import TryTask
from app.workflows.tasks.wait import WaitTask

Standing = Literal["todo", "running", "waiting", "done", "failed", "skipped", "cancelled"]
DEEPEST: Final = 12


class Line(msgspec.Struct, frozen=True):
    """One line of the log without what it carried."""

    seq: int
    ref: str
    attempt: int
    status: str
    started_at: datetime
    ended_at: datetime


class Awaited(msgspec.Struct, frozen=True):
    """An event a step waits for: its type, the key it must have (None: any), and since when."""

    type: str
    key: str | None
    since: datetime


class StepMark(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the picture. `took_ms` is that of its last attempt; `due` is when time alone moves it on."""

    ref: str
    name: str
    kind: str
    says: str
    standing: Standing
    attempts: int = 0
    laps: int = 0
    took_ms: int | None = None
    since: datetime | None = None
    due: datetime | None = None
    awaits: list[Awaited] = []
    lanes: list["Lane"] = []


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """Steps one after the other; `title` says what the lane is for, where there are several."""

    title: str = ""
    steps: list[StepMark]


def draw(
    definition: Definition,
    *,
    status: str,
    state: State | None,
    log: Sequence[Line],
    waits: Mapping[str, list[Awaited]],
    summaries: Mapping[str, str],
) -> list[StepMark]:
    """The picture of a run. `waits` by the reference of the step; `summaries` say what a capability does, by its name."""
    lines: dict[str, list[Line]] = {}
    for line in log:
        lines.setdefault(line.ref, []).append(line)
    drawing = _Drawing(definition, lines, _open(state), waits, summaries, status in ("running", "suspended"))
    return drawing.sequence("/do", 0)


class _Drawing(msgspec.Struct):
    definition: Definition
    lines: dict[str, list[Line]]
    frames: dict[str, dict[str, Any]]
    waits: Mapping[str, list[Awaited]]
    summaries: Mapping[str, str]
    is_live: bool

    def sequence(self, ref: str, depth: int) -> list[StepMark]:
        found = self.definition.sequences.get(ref)
        return [self.step(task, depth + 1) for task in found.tasks] if found and depth < DEEPEST else []

    def step(self, ref: str, depth: int) -> StepMark:
        task, told, frame = self.definition.tasks[ref], self.lines.get(ref, []), self.frames.get(ref)
        tries = max([line.attempt for line in told] + [int(frame.get("attempt") or 1) if frame else 0, 0])
        last = told[-1] if told else None
        return StepMark(
            ref=ref, name=task.name, kind=task.kind, says=says(task, self.summaries), standing=self._standing(frame, last), attempts=tries,
            laps=sum(line.status == "completed" for line in told), took_ms=_took(last), since=_moment(frame.get("began")) if frame else None,
            due=_moment(_due(frame)) if frame else None, awaits=list(self.waits.get(ref, [])) if frame else [], lanes=self._lanes(task, depth),
        )  # fmt: skip

    def _lanes(self, task: Task, depth: int) -> list[Lane]:
        if isinstance(task, ForkTask):
            return [Lane(title=self.definition.tasks[ref].name, steps=[self.step(ref, depth + 1)]) for ref in task.branches]
        if isinstance(task, TryTask):
            body = [Lane(steps=self.sequence(task.body, depth))]
            return body + ([Lane(title="If it is refused or fails", steps=self.sequence(task.handler, depth))] if task.handler else [])
        return [Lane(steps=self.sequence(task.body, depth))] if isinstance(task, DoTask) else []

    def _standing(self, frame: Mapping[str, Any] | None, last: Line | None) -> Standing:
        if frame is not None and "failed" in frame:
            return "failed"
        if frame is not None and self.is_live:
            return "waiting" if "filters" in frame or "due" in frame else "running"
        return _ENDED.get(last.status, "todo") if last else "todo"


_ENDED: Final[dict[str, Standing]] = {
    "completed": "done", "skipped": "skipped", "faulted": "failed", "cancelled": "cancelled", "retried": "failed",
}  # fmt: skip


def _open(state: State | None) -> dict[str, dict[str, Any]]:
    """The frames of tasks that are under way, by reference; of two laps the later."""
    strands = [state, *state.get("branches", {}).values()] if state else []
    return {frame["ref"]: frame for strand in strands for frame in strand.get("frames", ()) if "ref" in frame}


def _due(frame: Mapping[str, Any]) -> int | None:
    return min((frame[name] for name in ("due", "deadline", "attempt_deadline") if name in frame), default=None)


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


def _took(line: Line | None) -> int | None:
    return None if line is None else max(0, round((line.ended_at - line.started_at).total_seconds() * 1000))


def says(task: Task, summaries: Mapping[str, str]) -> str:
    """What a step does, in one plain sentence."""
    if isinstance(task, FunctionCall):
        return _function(task, summaries)
    if isinstance(task, HttpCall):
        given = task.raw.get("with") or {}
        return f"Sends {str(given.get('method', 'get')).upper()} to another system."
    if isinstance(task, ListenTask):
        return f"Waits for {_either(_types(task))}."
    if isinstance(task, SwitchTask):
        return "Decides how to go on."
    if isinstance(task, WaitTask):
        return "Lets time pass."
    return _PLAIN.get(task.kind, "Calls a function of this workflow." if isinstance(task, LocalCall) else "")


_PLAIN: Final = {
    "do": "Several steps as one.",
    "fork": "Several things at once.",
    "set": "Works out values.",
    "raise": "Ends with an error.",
}
_FUNCTIONS: Final = {
    "policy": "Asks the policy again with what is known now.",
    "notify": "Sends a message.",
    "approval": "Asks for an approval and waits for it.",
    "offer": "Offers options and waits for the answer.",
    "document": "Asks for a document and waits until it is verified.",
}
_ON_CASE: Final = {"comment": "Writes on the case.", "escalate": "Escalates the case.", "resolve": "Resolves the case."}


def _function(task: FunctionCall, summaries: Mapping[str, str]) -> str:
    name, given = task.function.split(":")[0], task.raw.get("with") or {}
    if name == "capability":
        return summaries.get(str(given.get("name")), f"Asks a system: {given.get('name')}.")
    return _ON_CASE.get(str(given.get("action")), "Works on the case.") if name == "case" else _FUNCTIONS.get(name, "")


def _types(task: ListenTask) -> list[str]:
    filters = task.raw.get("listen", {}).get("to", {})
    given = [each for way in ("one", "any", "all") if way in filters for each in _listed(filters[way])]
    return [event_words(str(each.get("with", {}).get("type", "an event"))) for each in given if isinstance(each, dict)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _either(words: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(words)) or "an event"


_EVENTS: Final = {
    "case.proposed": "somebody to propose an option", "approval.decided": "the approval to be decided", "approval.expired": "the approval to expire",
    "offer.answered": "the offer to be answered", "offer.expired": "the offer to expire", "document.verified": "the document to be verified",
    "document.uploaded": "the document to arrive", "case.commented": "a comment", "run.completed": "another workflow to end",
    "shipment.milestone_recorded": "the carrier's next report", "case.resolved": "the case to be resolved", "case.grouped": "another signal",
}  # fmt: skip


def event_words(type: str) -> str:
    """What it means to wait for an event of this type."""
    return _EVENTS.get(type, type)
