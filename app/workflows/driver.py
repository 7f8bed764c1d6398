"""Driving a run: claim, advance, perform what is ready, a turn for each completion, until the run rests or is over."""

import asyncio
import contextlib
from collections import deque
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from app.core import faults, telemetry
from app.core.delivery import listeners_of
from app.core.errors import Fault
from app.core.sandbox import SandboxLimit, SandboxRefused
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.workflows import commands, definitions, engine, inputs, snapshot, store
from app.workflows.announcing import announcements
from app.workflows.cloud_events import seen
from app.workflows.definition import Definition
from app.workflows.effects import Outcome, Performer, Write, perform, refusal
from app.workflows.engine import Advanced, Answered, Arrival, Due, Effect, Heard, Opened, Redo, Skip, Start, Stop
from app.workflows.frames import State, Unevaluable
from app.workflows.problems import from_plain, standard
from app.workflows.snapshot import StateTooLarge
from app.workflows.store import LEASE_SECONDS, Claimed, Turn, Written

AT_ONCE = 8
RENEW_SECONDS = LEASE_SECONDS / 3
ACTOR = "system:workflows"


class LeaseLost(Exception):
    """Somebody else holds this run by now; what was not written is dropped."""


class Done(msgspec.Struct, frozen=True):
    """An effect came back: its outcome, or what is to be written with the turn."""

    key: str
    result: Outcome | Write


async def drive(shell: Shell, tenant_id: UUID, run_id: UUID) -> bool:
    """Work on a run until it rests; False when it wasn't to be had. A run that keeps killing its worker is left to a person."""
    claimed = await store.claim(shell, tenant_id, run_id, ACTOR)
    if claimed is None:
        return False
    if claimed.executions > store.MOST_EXECUTIONS:
        await commands.park(shell, tenant_id, run_id)
        return True
    definition = await definitions.load(shell, tenant_id, claimed.definition_id)
    driver = Driver(shell, tenant_id, claimed, definition)
    tracing = telemetry.trace_id.set(claimed.trace)
    try:
        with contextlib.suppress(LeaseLost):
            await driver.go()
    finally:
        telemetry.trace_id.reset(tracing)
    return True


class Driver:
    """One process's hold on one run."""

    def __init__(self, shell: Shell, tenant_id: UUID, claimed: Claimed, definition: Definition) -> None:
        self._shell = shell
        self._claimed = claimed
        self._definition = definition
        self._who = Performer(tenant_id, claimed.run_id, claimed.customer_id, claimed.case_id, claimed.trace)
        self._state: State = claimed.state or engine.fresh(str(claimed.run_id), str(claimed.run_id), _milliseconds(claimed.started_at))
        self._saved: State | None = claimed.state
        self._news: asyncio.Queue[Written] = asyncio.Queue()
        self._running: dict[str, asyncio.Task[Done]] = {}
        self._waiting: deque[Effect] = deque()
        self._taken: set[str] = set()
        self._lost = asyncio.Event()

    async def go(self) -> None:
        """Everything from the first arrival to rest; raises LeaseLost when another process took over."""
        keeping = asyncio.create_task(self._keep())
        try:
            await self._begin()
            while self._running or self._waiting:
                await self._one_more()
        finally:
            keeping.cancel()
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(keeping, *self._running.values(), return_exceptions=True)

    # -- what arrives -------------------------------------------------------------------------------------------------
    async def _begin(self) -> None:
        arrivals = await self._first()
        ready = engine.ready(self._definition, self._state)
        if arrivals or not ready:
            await self._turn(arrivals or [Due(now=self._now())], taken=self._claimed.unread, heeded=True)
            return
        # After a crash: straight on with what was begun. No turn before, it would forget how often this was tried.
        known = await store.known_outcomes(self._shell, self._who.tenant_id, self._claimed.run_id, [each.key for each in ready], ACTOR)
        self._start(ready, known)

    async def _first(self) -> list[Arrival]:
        claimed, now = self._claimed, self._now()
        if claimed.cancel_requested:
            return [Stop(now=now)]
        if claimed.state is None:
            return [Start(now=now, input=await self._input())]
        made: list[Arrival] = [_by_hand(request, now) for request in claimed.requests]
        made += [self._heard(each, now) for each in claimed.unread]
        due = engine.due(self._state)
        return [*made, Due(now=now)] if due is not None and due <= now else made

    async def _input(self) -> Any:
        if self._claimed.case_id is None or not isinstance(self._claimed.input, dict):
            return self._claimed.input
        async with self._shell.read(self._who.tenant_id, actor=ACTOR) as uow:
            return {**await inputs.of_case(uow, self._claimed.case_id), **self._claimed.input}

    def _heard(self, came: dict[str, Any], now: int) -> Heard:
        return Heard(now=now, key=came["wait"], event=seen(self._who.tenant_id, came["event"]))

    async def _one_more(self) -> None:
        """Wait for the next effect to come back, for time, or for news; then take the turn that follows."""
        due = engine.due(self._state)
        pause = None if due is None else max(due - self._now(), 0) / 1000
        news = asyncio.create_task(self._news.get())
        lost = asyncio.create_task(self._lost.wait())
        try:
            done, _ = await asyncio.wait([*self._running.values(), news, lost], timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
            news.cancel()
        if self._lost.is_set():
            raise LeaseLost
        if news in done:
            await self._hear(news.result())
        finished = [task for task in self._running.values() if task.done()]
        for task in finished:
            await self._complete(task.result())
        if not finished and news not in done:
            await self._turn([Due(now=self._now())])

    async def _hear(self, written: Written) -> None:
        now = self._now()
        # The same news may come twice, with a turn and with a renewal.
        unread = [each for each in written.unread if each["id"] not in self._taken]
        if written.cancel_requested:
            await self._turn([Stop(now=now)])
        elif unread:
            await self._turn([self._heard(each, now) for each in unread], taken=unread)

    async def _complete(self, done: Done) -> None:
        self._running.pop(done.key, None)
        if all(each.key != done.key for each in engine.ready(self._definition, self._state)):
            return  # its branch lost a race meanwhile
        if isinstance(done.result, Outcome):
            faults.point("after-effect-before-turn")
            await self._turn([self._answer(done.key, done.result)], settled=[_settled(done.key, done.result)])
            return
        try:
            await self._turn_with(done.key, done.result)
        except Fault as fault:
            if fault.status == 503:
                raise
            outcome = refusal(fault)
            await self._turn([self._answer(done.key, outcome)], settled=[_settled(done.key, outcome)])

    def _answer(self, key: str, outcome: Outcome) -> Arrival:
        if outcome.event_key is not None:
            return Opened(now=self._now(), key=key, about=outcome.about or {}, event_key=outcome.event_key)
        problem = outcome.problem.plain() if outcome.problem else None
        return Answered(now=self._now(), key=key, output=outcome.output, problem=problem, definite=outcome.definite)

    # -- turns --------------------------------------------------------------------------------------------------------
    async def _turn(
        self,
        arrivals: list[Arrival],
        *,
        settled: list[dict[str, Any]] | None = None,
        taken: list[dict[str, Any]] | None = None,
        heeded: bool = False,
    ) -> None:
        """Advance by these arrivals and write what follows in one commit; then start what became ready."""
        turn = await self._advance(arrivals, settled or [], taken or [], heeded)
        now_heard = any(listeners_of(self._shell).hearing(event.type) for event in turn.events)
        if now_heard:
            async with self._shell.unit_of_work(self._who.tenant_id, actor=self._who.actor) as uow:
                written = await self._write_inside(uow, turn)
        else:
            found = await store.write(self._shell, self._who.tenant_id, self._claimed, turn, self._who.actor)
            written = _held(found)
            if turn.events or written.unread:
                self._shell.doorbell.ring()
        await self._follow(turn, written)

    async def _turn_with(self, key: str, write: Write) -> None:
        """The same, with what the effect has to write in the same commit."""
        async with self._shell.unit_of_work(self._who.tenant_id, actor=self._who.actor) as uow:
            outcome = await write(uow)
            turn = await self._advance([self._answer(key, outcome)], [_settled(key, outcome)], [], False)
            faults.point("after-effect-before-turn")
            written = await self._write_inside(uow, turn)
        await self._follow(turn, written)

    async def _write_inside(self, uow: UnitOfWork, turn: Turn) -> Written:
        for event in turn.events:
            uow.publish(event.type, key=event.key, data=event.data, customer_id=event.customer_id)
        turn.events = []
        uow.rings = True
        return _held(await store.write_inside(uow, self._claimed, turn))

    async def _advance(self, arrivals: list[Arrival], settled: list[dict[str, Any]], taken: list[dict[str, Any]], heeded: bool) -> Turn:
        state, steps, advanced = self._state, [], None
        for arrival in arrivals:
            advanced = await self._react(state, arrival)
            state = advanced.state
            steps += advanced.steps
        assert advanced is not None
        advanced = msgspec.structs.replace(advanced, steps=steps)
        self._taken.update(each["id"] for each in taken)
        try:
            folded, kept = snapshot.fold(advanced.state)
        except StateTooLarge:
            advanced = self._outgrown(advanced)
            folded, kept = snapshot.fold(advanced.state)
        events = announcements(self._definition, self._who, self._saved, advanced, self._shell.clock.now())
        return Turn(
            advanced=advanced, before=self._saved, folded=folded, kept=kept, settled=settled, taken=[each["id"] for each in taken], events=events,
            heeded=heeded,
        )  # fmt: skip

    def _outgrown(self, advanced: Advanced) -> Advanced:
        """A run that has to remember too much ends; nothing of its place could be kept."""
        problem = standard("runtime", f"What this run has to remember outgrew {snapshot.MAX_INLINE} bytes.", "/")
        state = {
            **engine.fresh(self._state["run"], self._state["seed"], self._state["began"]),
            "status": "faulted",
            "problem": problem.plain(),
        }
        return msgspec.structs.replace(advanced, state=state, effects=[], waits=[], due=None)

    async def _react(self, state: State, arrival: Arrival) -> Advanced:
        try:
            return await engine.drive(engine.advance(self._definition, state, arrival), self._evaluate)
        except engine.NoSuchStep:
            return await engine.drive(engine.advance(self._definition, state, Due(now=arrival.now)), self._evaluate)

    async def _evaluate(self, program: str, value: Any, variables: dict[str, Any]) -> Any:
        try:
            return await self._shell.sandbox.jq(program, value, variables)
        except (SandboxRefused, SandboxLimit) as error:
            raise Unevaluable(error.detail) from None

    async def _follow(self, turn: Turn, written: Written) -> None:
        self._state = self._saved = turn.advanced.state
        if written.status != "running":
            self._waiting.clear()
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            self._running.clear()
            return
        if written.unread or written.cancel_requested:
            self._news.put_nowait(written)
        self._start(turn.advanced.effects, written.known)

    # -- effects ------------------------------------------------------------------------------------------------------
    def _start(self, ready: list[Effect], known: dict[str, Any]) -> None:
        wanted = {effect.key: effect for effect in ready}
        for key in [key for key in self._running if key not in wanted]:
            self._running.pop(key).cancel()
        self._waiting = deque(effect for effect in ready if effect.key not in self._running)
        while self._waiting and len(self._running) < AT_ONCE:
            effect = self._waiting.popleft()
            self._running[effect.key] = asyncio.create_task(self._perform(effect, known.get(effect.key)))

    async def _perform(self, effect: Effect, known: dict[str, Any] | None) -> Done:
        if known is not None:
            return Done(effect.key, _remembered(known))
        return Done(effect.key, await perform(self._shell, self._who, effect))

    async def _keep(self) -> None:
        """Renew the lease every two seconds; what a person or an event wants meanwhile comes back with it."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                written = await store.renew(self._shell, self._who.tenant_id, self._claimed, ACTOR)
            except Fault:
                continue  # the database is away: the lease runs out by itself if it stays away
            if written is None:
                self._lost.set()
                return
            if written.cancel_requested or written.unread:
                self._news.put_nowait(written)

    def _now(self) -> int:
        return _milliseconds(self._shell.clock.now())


def _held(written: Written | None) -> Written:
    if written is None:
        raise LeaseLost
    return written


def _by_hand(request: dict[str, Any], now: int) -> Arrival:
    if request["how"] == "retry":
        return Redo(now=now, ref=request["task"])
    return Skip(now=now, ref=request["task"], output=request.get("output"), keep_input="output" not in request)


def _settled(key: str, outcome: Outcome) -> dict[str, Any]:
    kept = {
        "output": outcome.output,
        "problem": outcome.problem.plain() if outcome.problem else None,
        "about": outcome.about,
        "event_key": outcome.event_key,
    }
    return {"key": key, "status": outcome.status, "outcome": kept}


def _remembered(known: dict[str, Any]) -> Outcome:
    kept = known["outcome"]
    problem = from_plain(kept["problem"]) if kept["problem"] else None
    return Outcome(
        output=kept["output"], problem=problem, definite=known["status"] == "refused", about=kept["about"], event_key=kept["event_key"]
    )


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
