"""What workflows do when something happened, and when a run is due."""

import asyncio
from uuid import UUID

from sqlalchemy import text as sql

from app.core.events import Event
from app.core.services import Shell, WorkItem
from app.core.uow import UnitOfWork
from app.workflows import queries
from app.workflows.cloud_events import seen
from app.workflows.commands import start_run
from app.workflows.driver import drive
from app.workflows.dsl import read_document
from app.workflows.models import WorkflowDefinition, WorkflowRun

_ARRIVE = sql(
    "select workflows.arrive(cast(:ids as uuid[]), cast(:customers as uuid[]), cast(:types as text[]), cast(:keys as text[]), cast(:subjects as text[]))"
)

# How many runs may lead to one another before the next is not started.
MOST_DEEP = 8


async def start_for_case(uow: UnitOfWork, event: Event) -> None:
    """NOW, case.opened: the run that the case's decision names begins with the case."""
    wanted = event.data.get("workflow")
    if not wanted:
        return
    name = wanted["name"] if isinstance(wanted, dict) else str(wanted)
    case_id = _case(event)
    definition = await queries.published_for(uow, name, event.customer_id)
    if definition is None:
        uow.publish("workflow.missed", key=event.key, customer_id=event.customer_id, data={"name": name, "case_id": case_id})
        return
    await start_run(uow, definition=definition, input={}, case_id=case_id, customer_id=event.customer_id, key=f"{event.key}:{name}")


async def start_on_events(uow: UnitOfWork, events: list[Event]) -> None:
    """LATER, every event: runs whose definition is scheduled on it. Each event starts each definition once."""
    for definition in await queries.starting_on(uow, {event.type for event in events}):
        for event in events:
            if event.type in definition.starts_on and _concerns(definition, event):
                await _start_on(uow, definition, event)


async def wake_waits(uow: UnitOfWork, events: list[Event]) -> None:
    """LATER, every event: wakes the runs that the event's own transaction could not see or did not look for.

    A customer's transaction does not see the partner's runs, one over several tenants looks at none. Waking twice changes nothing.
    """
    arguments = {
        "ids": [e.id for e in events], "customers": [e.customer_id for e in events], "types": [e.type for e in events],
        "keys": [e.key for e in events], "subjects": [e.subject for e in events],
    }  # fmt: skip
    await uow.session.execute(_ARRIVE, arguments)


async def advance_runs(shell: Shell, items: list[WorkItem]) -> None:
    """WORK, run: take what is due and work on it until it rests; one run's failure is its own."""
    results = await asyncio.gather(*(drive(shell, item.tenant_id, item.subject) for item in items), return_exceptions=True)
    failed = [each for each in results if isinstance(each, BaseException)]
    if failed:
        raise failed[0]


async def _start_on(uow: UnitOfWork, definition: WorkflowDefinition, event: Event) -> None:
    """One run for one event, unless runs that start each other have gone too deep: two definitions could feed each other for ever."""
    depth = await _depth_after(uow, event)
    if depth > MOST_DEEP:
        uow.publish("workflow.missed", key=event.key, customer_id=event.customer_id, data={"name": definition.name, "depth": depth})
        return
    await start_run(
        uow, definition=definition, input=[seen(event.tenant_id, event.envelope())], case_id=_case(event), customer_id=event.customer_id,
        key=f"event:{event.id}:{definition.name}", depth=depth,
    )  # fmt: skip


async def _depth_after(uow: UnitOfWork, event: Event) -> int:
    if not event.actor.startswith("run:"):
        return 0
    parent = await uow.find(WorkflowRun, UUID(event.actor.removeprefix("run:")))
    return 1 if parent is None else parent.depth + 1


def _case(event: Event) -> UUID | None:
    named = event.data.get("case_id")
    return UUID(str(named)) if named else None


def _concerns(definition: WorkflowDefinition, event: Event) -> bool:
    if definition.customer_id not in (None, event.customer_id):
        return False
    triggers = read_document(definition.document).triggers
    return any(each.type == event.type and all(event.data.get(k) == v for k, v in each.equal) for each in triggers)
