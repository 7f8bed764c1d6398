"""Forty customers of one partner: each uses its own connection and learns of no other's."""

from uuid import UUID

import pytest
from sqlalchemy import text

from app.connectors import queries
from app.connectors.commands import create_connection
from app.connectors.schemas import NewConnection
from app.core.services import Shell
from tests.integration.connectors.conftest import Customer, make_customer

pytestmark = pytest.mark.feature("M210")
COUNT = 40
TABLES = ("connection", "connection_version", "credential", "circuit_breaker")


@pytest.fixture
async def customers(shell: Shell, tenant: UUID) -> list[Customer]:
    made = [await make_customer(shell, tenant, f"customer-{index}") for index in range(COUNT)]
    async with shell.unit_of_work(tenant, actor="user:test") as uow:
        for index, customer in enumerate(made):
            wanted = NewConnection(
                name="crm", connector="sim-crm", capabilities=["crm.customer_tier"], secret=f"s{index}", customer_id=customer.id,
                config={"base_url": f"https://customer-{index}.example"},
            )  # fmt: skip
            await create_connection(uow, shell.vault, wanted)
    return made


class TestFortyCustomers:
    async def test_each_is_offered_its_own_connection_only(self, shell: Shell, tenant: UUID, customers: list[Customer]):
        async with shell.read(tenant) as uow:
            for customer in customers:
                found = await queries.candidates(uow, "crm.customer_tier", customer.id)
                assert [connection.customer_id for connection, _ in found] == [customer.id]
            assert await queries.candidates(uow, "crm.customer_tier", None) == []

    async def test_the_wall_shows_each_only_its_own_rows(self, shell: Shell, tenant: UUID, customers: list[Customer]):
        for customer in customers:
            async with shell.read(tenant, customer=customer.id) as uow:
                for table in TABLES:
                    owners = (await uow.session.execute(text(f"select customer_id from connectors.{table}"))).scalars().all()
                    assert owners == [customer.id], table

    async def test_each_has_a_data_key_of_its_own(self, shell: Shell, tenant: UUID, customers: list[Customer]):
        rows = await customers[0].rows("select substr(sealed, 2, 16) as key, customer_id from connectors.credential")
        assert len({bytes(row["key"]) for row in rows}) == COUNT
