"""The interpreter: pure. Definition, state and what arrived go in; new state, finished steps and ready effects come out.

`advance` is a generator: it yields `Evaluate` requests and is resumed with their values (`drive` does that with any evaluator).
It reads no clock, makes no ids and does no I/O; time and seed are arguments. Given the same arguments it gives the same result,
and a state may be stored as JSON and loaded at any point.
"""

from collections.abc import Awaitable, Callable, Generator, Iterator
from copy import deepcopy
from typing import Any

import msgspec

from app.workflows.definition import Definition
from app.workflows.frames import MAIN, Asking, At, Evaluate, Frame, State, Step, Unevaluable
from app.workflows.machine import Machine
from app.workflows.problems import Problem, from_plain, standard
from app.workflows.tasks import KINDS
from app.workflows.tasks.call import Call
from app.workflows.tasks.listen import Listen

VERSION = 1


class Arrival(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something for a run to react to, and the moment it came (milliseconds)."""

    now: int


class Start(Arrival, frozen=True, kw_only=True):
    """The run begins with this input."""

    input: Any = None


class Answered(Arrival, frozen=True, kw_only=True):
    """An effect's outcome; a `definite` problem means the peer surely did not do it."""

    key: str
    output: Any = None
    problem: dict[str, Any] | None = None
    definite: bool = False


class Opened(Arrival, frozen=True, kw_only=True):
    """An effect made something whose answer will be an event under `event_key`."""

    key: str
    about: dict[str, Any]
    event_key: str


class Heard(Arrival, frozen=True, kw_only=True):
    """An event came for the wait with this key."""

    key: str
    event: dict[str, Any]


class Due(Arrival, frozen=True, kw_only=True):
    """Time passed: whatever is due by now happens, the earliest first."""


class Redo(Arrival, frozen=True, kw_only=True):
    """A person wants this step (the one that failed, if none is named) done again, as a new effect."""

    ref: str | None = None


class Skip(Arrival, frozen=True, kw_only=True):
    """A person puts this output in place of a step's."""

    ref: str | None = None
    output: Any = None
    keep_input: bool = True


class Stop(Arrival, frozen=True, kw_only=True):
    """The run is cancelled."""


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """Work for the world: an HTTP request or a function, under its stable key."""

    key: str
    ref: str
    name: str
    path: str
    request: dict[str, Any]


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """An event a run waits for; without `event_key`, any event of that type."""

    key: str
    ref: str
    type: str
    event_key: str | None


class Advanced(msgspec.Struct, frozen=True, kw_only=True):
    """What one arrival led to."""

    state: State
    steps: list[Step]
    effects: list[Effect]
    waits: list[Wait]
    due: int | None


class NoSuchStep(Exception):
    """The run has no such step that failed or is waiting."""


def fresh(run: str, seed: str, now: int) -> State:
    """The state of a run that has not begun."""
    return {
        "v": VERSION, "run": run, "seed": seed, "status": "running", "began": now, "steps": 0, "input": None, "context": {},
        "frames": [], "branches": {}, "generations": {},
    }  # fmt: skip


def advance(definition: Definition, state: State, arrival: Arrival) -> Generator[Evaluate, Any, Advanced]:
    """React to one arrival until every strand waits for the world or the run is over; what no longer matters changes nothing."""
    machine = Machine(definition, deepcopy(state), arrival.now, KINDS)
    if isinstance(arrival, Start):
        yield from machine.start(arrival.input)
    elif isinstance(arrival, Redo | Skip):
        yield from _by_hand(machine, arrival)
    elif isinstance(arrival, Stop):
        machine.end("cancelled")
    elif machine.state["status"] == "running":
        yield from _receive(machine, arrival)
    yield from machine.run()
    return Advanced(
        state=machine.state,
        steps=machine.steps,
        effects=ready(definition, machine.state),
        waits=waits(machine.state),
        due=due(machine.state),
    )


async def drive(asking: Generator[Evaluate, Any, Advanced], evaluate: Callable[[str, Any, dict[str, Any]], Awaitable[Any]]) -> Advanced:
    """Run an advance with an evaluator, which raises Unevaluable where a program fails."""
    try:
        request = next(asking)
        while True:
            try:
                answer = await evaluate(request.program, request.value, request.variables)
            except Unevaluable as error:
                request = asking.throw(error)
            else:
                request = asking.send(answer)
    except StopIteration as done:
        result: Advanced = done.value
        return result


def ready(definition: Definition, state: State) -> list[Effect]:
    """The effects to perform now; the same list after a crash."""
    return [
        Effect(key=f["key"], ref=f["ref"], name=definition.tasks[f["ref"]].name, path=f["path"], request=f["request"])
        for _, f in _frames(state)
        if "request" in f and state["status"] == "running"
    ]


def waits(state: State) -> list[Wait]:
    """The events the run waits for now."""
    return [
        Wait(key=f["key"], ref=f["ref"], type=each["attributes"]["type"], event_key=each["attributes"].get("partitionkey"))
        for _, f in _frames(state)
        if state["status"] == "running"
        for each in f.get("filters", ())
        if not each["met"]
    ]


def due(state: State) -> int | None:
    """When time alone moves the run on, if ever."""
    if state["status"] != "running":
        return None
    return min((moment for moment, *_ in _alarms(state)), default=None)


def blocked(state: State) -> list[str]:
    """The references of the steps that failed or wait: those a person may do again or skip."""
    return [at.frame["ref"] for at in _blocked(state)]


def _receive(machine: Machine, arrival: Arrival) -> Asking:
    if isinstance(arrival, Due):
        yield from _ring(machine)
    elif isinstance(arrival, Answered | Opened | Heard):
        at = _holder(machine.state, arrival.key)
        if at is not None:
            yield from machine.act(at, _react(machine, at, arrival))


def _react(machine: Machine, at: At, arrival: Arrival) -> Asking:
    task = machine.definition.tasks[at.frame["ref"]]
    kind = KINDS[task.kind]
    if isinstance(arrival, Answered) and isinstance(kind, Call) and "request" in at.frame:
        problem = _at(arrival.problem, task.ref) if arrival.problem else None
        yield from kind.answered(machine, at, task, arrival.output, problem, arrival.definite)
    elif isinstance(arrival, Opened) and isinstance(kind, Call) and "request" in at.frame:
        yield from kind.opened(machine, at, task, arrival.about, arrival.event_key)  # type: ignore[arg-type]
    elif isinstance(arrival, Heard) and isinstance(kind, Call | Listen) and "filters" in at.frame:
        yield from kind.heard(machine, at, task, arrival.event)  # type: ignore[arg-type]


def _at(problem: dict[str, Any], ref: str) -> Problem:
    return from_plain({**problem, "instance": ref})


def _ring(machine: Machine) -> Asking:
    """Everything due by now, the earliest first; what an alarm set off may silence the next."""
    while machine.state["status"] == "running":
        ringing = sorted(_alarms(machine.state), key=lambda alarm: alarm[:3])
        if not ringing or ringing[0][0] > machine.now:
            return
        _, _, _, what, at = ringing[0]
        yield from _alarm(machine, what, at)
        yield from machine.run()


def _alarm(machine: Machine, what: str, at: At | None) -> Asking:
    if at is None:
        problem = standard("timeout", "The workflow ran longer than it may.", "/")
        machine.state.update(status="faulted", problem=problem.plain())
        del machine.state["deadline"]
        return
    task = machine.definition.tasks[at.frame["ref"]]
    del at.frame[what]
    if what == "due":
        yield from machine.act(at, KINDS[task.kind].due(machine, at, task))
        return
    machine.stop_above(at)
    detail = "The task ran longer than it may." if what == "deadline" else "The attempt ran longer than it may."
    machine.fault(at.strand, standard("timeout", detail, task.ref), inclusive=what == "attempt_deadline")


def _by_hand(machine: Machine, arrival: Redo | Skip) -> Asking:
    if machine.state["status"] not in ("running", "faulted"):
        raise NoSuchStep
    at = next((each for each in _blocked(machine.state) if arrival.ref in (None, each.frame["ref"])), None)
    if at is None:
        raise NoSuchStep
    machine.state["status"] = "running"
    machine.state.pop("problem", None)
    if isinstance(arrival, Redo):
        machine.renew(at.frame)
        machine.again(at)
        return
    output = at.frame.get("input", at.frame["raw"]) if arrival.keep_input else arrival.output
    at.frame.pop("failed", None)
    yield from machine.leave(at, output, None, "skipped")


def _blocked(state: State) -> list[At]:
    """The frames on top of their strands, the failed one first; a fork waits for its branches and can't be meant."""
    tops = [At(name, strand["frames"][-1]) for name, strand in _strands(state) if strand["frames"]]
    found = [at for at in tops if "ref" in at.frame and "branches" not in at.frame]
    return sorted(found, key=lambda at: "failed" not in at.frame)


def _holder(state: State, key: str) -> At | None:
    return next((At(strand, frame) for strand, frame in _frames(state) if frame.get("key") == key), None)


def _alarms(state: State) -> Iterator[tuple[int, int, str, str, At | None]]:
    """(moment, depth, place, what, whose) of everything that is set to happen."""
    if "deadline" in state:
        yield state["deadline"], -1, "", "deadline", None
    for strand, frame in _frames(state):
        for what in ("due", "deadline", "attempt_deadline"):
            if what in frame:
                yield frame[what], len(frame["path"]), f"{frame['ref']}|{frame['path']}|{what}", what, At(strand, frame)


def _strands(state: State) -> list[tuple[str, dict[str, Any]]]:
    return [(MAIN, state), *state["branches"].items()]


def _frames(state: State) -> Iterator[tuple[str, Frame]]:
    for name, strand in _strands(state):
        for frame in strand["frames"]:
            yield name, frame
