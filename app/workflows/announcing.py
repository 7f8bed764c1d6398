"""What a turn tells the world: the run's own changes of status, and the ends of its tasks that mattered to somebody outside it."""

from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from app.core.events import Event
from app.core.ids import new_id
from app.workflows.definition import Definition
from app.workflows.engine import Advanced
from app.workflows.frames import State, Step

# Tasks that only move data inside the run end too often to tell; their lines stand in its log.
TOLD_KINDS = ("call", "listen", "wait")
TOLD_ALWAYS = ("faulted", "retried", "skipped")


class _Who(Protocol):
    @property
    def tenant_id(self) -> UUID: ...
    @property
    def run_id(self) -> UUID: ...
    @property
    def customer_id(self) -> UUID | None: ...
    @property
    def case_id(self) -> UUID | None: ...
    @property
    def trace(self) -> str | None: ...
    @property
    def actor(self) -> str: ...


def announcements(definition: Definition, who: _Who, before: State | None, advanced: Advanced, now: datetime) -> list[Event]:
    """The events of one turn, in the order things happened."""
    told = [("task." + step.status, _task(step)) for step in advanced.steps if _is_told(step)]
    status = advanced.state["status"]
    if status != "running" and (before is None or before["status"] != status):
        told.append(("run." + status, {"problem": advanced.state["problem"]} if status == "faulted" else {}))
    return [_event(definition, who, kind, data, now) for kind, data in told]


def about(who: _Who, workflow: str) -> dict[str, Any]:
    """What every event of a run says."""
    return {"run_id": str(who.run_id), "case_id": str(who.case_id) if who.case_id else None, "workflow": workflow}


def _is_told(step: Step) -> bool:
    return step.status in TOLD_ALWAYS or (step.status == "completed" and step.kind in TOLD_KINDS)


def _task(step: Step) -> dict[str, Any]:
    told = {
        "task": step.ref,
        "name": step.name,
        "kind": step.kind,
        "attempt": step.attempt,
        "effect_key": step.key,
        "problem": step.problem,
    }
    return {name: value for name, value in told.items() if value is not None}


def _event(definition: Definition, who: _Who, kind: str, data: dict[str, Any], now: datetime) -> Event:
    key = f"run:{who.run_id}"
    return Event(
        id=new_id(), type=kind, tenant_id=who.tenant_id, customer_id=who.customer_id, subject=key, occurred_at=now, recorded_at=now,
        actor=who.actor, cause=None, trace=who.trace, data={**about(who, definition.name), **data}, key=key,
    )  # fmt: skip
