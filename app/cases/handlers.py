"""What cases do when something happens: a policy decided, a clock is due, an approval or offer runs out, a rest is over, and the timeline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from app.cases import approvals, commands, inbox, log, offers, ordering, queries, routing, snoozing
from app.core.events import Event
from app.core.services import Shell, WorkItem
from app.core.uow import UnitOfWork


async def on_decision(uow: UnitOfWork, event: Event) -> None:
    """NOW, decision.made: a first decision opens or joins a case, a later one updates the case it is about."""
    if not event.data.get("exception"):
        return
    case_id = await queries.case_of_decision(uow, event)
    if case_id is not None:
        await commands.update_priority(uow, case_id, event)
    else:
        await commands.open_case(uow, decision_event=event)


async def keep_timeline(uow: UnitOfWork, events: list[Event]) -> None:
    """LATER, every event: notes on which cases' timelines it stands. An event noted before changes nothing."""
    await log.note(uow, events)


async def attend(uow: UnitOfWork, events: list[Event]) -> None:
    """LATER, every event: wakes cases that rest until it, lets cases follow their shipments, and fills the inboxes of whom it concerns."""
    await snoozing.heard(uow, events)
    await routing.follow(uow, events)
    await inbox.fill(uow, events)


async def ring_clocks(shell: Shell, items: list[WorkItem]) -> None:
    """WORK clock: warns and breaches."""
    await _each(shell, items, "system:clock", commands.ring)


async def wake_cases(shell: Shell, items: list[WorkItem]) -> None:
    """WORK snooze: takes cases up again whose time has come."""
    await _each(shell, items, "system:clock", commands.wake)


async def place_cases(shell: Shell, items: list[WorkItem]) -> None:
    """WORK urgency: puts cases in their places that a customer's own command changed."""
    await _each(shell, items, "system:queue", ordering.one)


async def reorder_queue(shell: Shell, items: list[WorkItem]) -> None:
    """WORK queue_order: puts unfinished cases in their places by new weights, some batches at a time, so that others have their turn."""
    for item in items:
        has_more, batches = True, 1
        while has_more and batches < ordering.BATCHES:
            async with shell.unit_of_work(item.tenant_id, actor="system:queue") as uow:
                has_more = await ordering.advance(uow, item.subject)
            batches += 1
        async with shell.unit_of_work(item.tenant_id, actor="system:queue") as uow:
            await uow.finish(item)
            if has_more and await ordering.advance(uow, item.subject):
                uow.work(item.kind, subject=item.subject, cls="bulk")


async def expire_approvals(shell: Shell, items: list[WorkItem]) -> None:
    """WORK approval: ends those nobody decided."""
    await _each(shell, items, "system:approval", approvals.expire)


async def expire_offers(shell: Shell, items: list[WorkItem]) -> None:
    """WORK offer: ends those nobody answered."""
    await _each(shell, items, "system:offer", offers.expire)


async def _each(shell: Shell, items: list[WorkItem], actor: str, do: Callable[[UnitOfWork, UUID], Awaitable[object]]) -> None:
    # A transaction each: one that fails is tried again without the others.
    for item in items:
        async with shell.unit_of_work(item.tenant_id, actor=actor) as uow:
            await do(uow, item.subject)
            await uow.finish(item)
