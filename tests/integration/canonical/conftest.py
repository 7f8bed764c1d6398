"""A customer to record for, and the way events are recorded in these tests."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest_asyncio

from app.canonical.commands import Recorded, record
from app.canonical.events import parse_event
from tenants.commands.customers import create_customer
from tenants.schemas import NewCustomer

Tell = Callable[..., Awaitable[list[Recorded]]]


async def add_customer(shell, tenant: UUID, slug: str) -> UUID:
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        sla = {"first_response": "PT30M", "resolution": "PT8H"}
        return (await create_customer(uow, NewCustomer(slug=slug, name=slug.title(), sla=sla))).id


@pytest_asyncio.fixture(loop_scope="session")
async def customer(shell, tenant) -> UUID:
    return await add_customer(shell, tenant, "acme")


@pytest_asyncio.fixture(loop_scope="session")
async def other_customer(shell, tenant) -> UUID:
    return await add_customer(shell, tenant, "boreal")


@pytest_asyncio.fixture(loop_scope="session")
async def tell(shell, tenant, customer) -> Tell:
    """Record events in one transaction, as ingest does."""

    async def told(*events: dict, customer_id: UUID = customer, tenant_id: UUID = tenant) -> list[Recorded]:
        async with shell.unit_of_work(tenant_id, actor="system:test") as uow:
            return [await record(uow, parse_event(event), signal_id=None, customer_id=customer_id) for event in events]

    return told
