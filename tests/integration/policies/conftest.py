"""A customer with the ready policies published, and the whole way from an event to its decision."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest_asyncio

from app.canonical.commands import record
from app.canonical.events import parse_event
from app.core.ids import new_id
from app.policies.commands import Incoming, check_fresh, evaluate, publish, publish_decision, save
from app.policies.schemas import Decision
from tests.integration.canonical.conftest import customer, other_customer  # noqa: F401 -- fixtures
from tests.unit.policies.examples import library

Decide = Callable[..., Awaitable[list[Decision | None]]]


async def put_in_force(shell, tenant: UUID, *texts: str, customer_id: UUID | None = None) -> list[UUID]:
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        rows = [await publish(uow, await save(uow, shell.sandbox, text, customer_id=customer_id)) for text in texts]
        return [row.id for row in rows]


async def ask(shell, tenant: UUID, customer_id: UUID, *events: dict):
    incoming = [Incoming(parse_event(event), new_id(), customer_id) for event in events]
    async with shell.read(tenant) as reader:
        return incoming, await evaluate(shell, reader, incoming)


async def write(shell, tenant: UUID, incoming, evaluation) -> list[Decision | None]:
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        await check_fresh(uow, evaluation)
        for one, decision in zip(incoming, evaluation.decisions, strict=True):
            recorded = await record(uow, one.event, signal_id=one.signal_id, customer_id=one.customer_id)
            if decision is not None:
                await publish_decision(uow, decision, recorded)
    return evaluation.decisions


@pytest_asyncio.fixture(loop_scope="session")
async def decide(shell, tenant, customer) -> Decide:  # noqa: F811
    """Evaluate a batch and write it in one transaction, as ingest does."""

    async def told(*events: dict, customer_id: UUID = customer) -> list[Decision | None]:
        return await write(shell, tenant, *await ask(shell, tenant, customer_id, *events))

    return told


@pytest_asyncio.fixture(loop_scope="session")
async def policies(shell, tenant) -> list[UUID]:
    return await put_in_force(shell, tenant, library("cutoff-missed"), library("carrier-status"))
