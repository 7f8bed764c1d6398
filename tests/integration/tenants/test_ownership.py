"""Ownership inside a tenant: forty customers share nothing by accident."""

from uuid import UUID

import pytest
from sqlalchemy import select

from app.core.ids import new_id
from app.core.services import Shell
from tenants.models import ApiKey
from tenants.ownership import owned_first, usable_by
from tests.integration.tenants.conftest import make_customer

pytestmark = pytest.mark.feature("M210")
CUSTOMERS = 40


async def keep(shell: Shell, tenant: UUID, name: str, customer: UUID | None) -> None:
    """A row of configuration; keys stand for every table that a customer or the partner may own rows of."""
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        row = ApiKey(
            customer_id=customer, public_id=new_id().hex[-12:], shown="x", secret_hash=b"x", name=name, scope="customer" if customer else "partner",
            roles=[], source=None, addresses=[], created_at=uow.now, created_by="system:test",
        )  # fmt: skip
        uow.add(row)
        uow.publish("key.created", of=row)


async def usable(shell: Shell, tenant: UUID, customer: UUID | None) -> list[str]:
    async with shell.read(tenant) as uow:
        rows = await uow.execute(select(ApiKey.name).where(usable_by(ApiKey, customer)).order_by(owned_first(ApiKey), ApiKey.id))
        return list(rows.scalars())


class TestUsableBy:
    async def test_gives_each_of_forty_customers_its_own_and_the_shared(self, shell: Shell, tenant: UUID) -> None:
        customers = {f"c{n}": await make_customer(shell, tenant, f"c{n}") for n in range(CUSTOMERS)}
        await keep(shell, tenant, "shared", None)
        for name, customer in customers.items():
            await keep(shell, tenant, name, customer)
        for name, customer in customers.items():
            assert await usable(shell, tenant, customer) == [name, "shared"]

    async def test_gives_whoever_serves_no_customer_only_the_shared(self, shell: Shell, tenant: UUID) -> None:
        await keep(shell, tenant, "shared", None)
        await keep(shell, tenant, "theirs", await make_customer(shell, tenant))
        assert await usable(shell, tenant, None) == ["shared"]

    async def test_never_reaches_into_another_tenant(self, shell: Shell, tenant: UUID, other_tenant: UUID) -> None:
        await keep(shell, other_tenant, "shared", None)
        assert await usable(shell, tenant, None) == []

    async def test_inside_a_customers_own_transaction_shows_its_own_only(self, shell: Shell, tenant: UUID) -> None:
        mine = await make_customer(shell, tenant, "mine")
        await keep(shell, tenant, "shared", None)
        await keep(shell, tenant, "mine", mine)
        async with shell.read(tenant, customer=mine) as uow:
            assert list((await uow.execute(select(ApiKey.name).where(usable_by(ApiKey, mine)))).scalars()) == ["mine"]
