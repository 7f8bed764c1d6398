"""Connections and their secrets: made, changed, rotated, switched off; nothing of a secret stands anywhere."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.connectors import manifest
from app.connectors.commands import create_connection, rotate, try_connection
from app.connectors.commands.connections import ConnectionExists, ConnectionInvalid
from app.connectors.credentials import secret_of
from app.core.errors import Invalid, NotFound
from app.core.services import Shell
from tests.integration.connectors.conftest import CONNECTIONS, Customer, World, make_customer, wanted

CANARY = "canary-4b1d-connector"


async def make(customer: Customer, world: World, connector: str = "sim-crm", **changed: Any) -> UUID:
    async with customer.shell.unit_of_work(customer.tenant, actor="user:test") as uow:
        changed = {"name": "mine", "customer_id": customer.id, **changed}
        return (await create_connection(uow, customer.shell.vault, wanted(world, connector, **changed))).id


@pytest.mark.feature("M122", "M210")
class TestCreateConnection:
    async def test_names_every_wrong_field(self, customer: Customer, world: World):
        wrong = {"capabilities": ["crm.add_note", "carrier.amend"], "config": {"base_url": "ftp://x", "colour": "red"}}
        with pytest.raises(ConnectionInvalid) as refused:
            await make(customer, world, **wrong)
        assert {e.pointer for e in refused.value.errors} == {"/capabilities/1", "/config/base_url", "/config/colour"}
        with pytest.raises(ConnectionInvalid) as refused:
            await make(customer, world, connector="sim-erp", config={"base_url": "https://x.example"})
        assert [e.pointer for e in refused.value.errors] == ["/config/username"]

    async def test_a_name_is_taken_once_by_each_owner(self, customer: Customer, world: World):
        await make(customer, world)
        await make(customer, world, customer_id=None)
        with pytest.raises(ConnectionExists):
            await make(customer, world)
        with pytest.raises(NotFound):
            await make(customer, world, customer_id=UUID(int=1))

    async def test_the_secret_stands_nowhere(self, customer: Customer, world: World, superuser: asyncpg.Connection, capfd):
        connection = await make(customer, world, secret=CANARY)
        await customer.ask("crm.customer_tier", {"account": "ACME-01"})
        async with customer.shell.unit_of_work(customer.tenant, actor="user:test") as uow:
            await rotate(uow, customer.shell.vault, connection, CANARY + "-2")
            assert await secret_of(uow, customer.shell.vault, connection) == CANARY + "-2"
        tables = await superuser.fetch(
            "select format('%I.%I', schemaname, tablename) t from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        )
        for table in tables:
            found = await superuser.fetchval(f"select count(*) from {table['t']} x where x::text like '%{CANARY}%'")
            encoded = await superuser.fetchval(f"select count(*) from {table['t']} x where x::text like '%{CANARY.encode().hex()}%'")
            assert (table["t"], found, encoded) == (table["t"], 0, 0)
        said = capfd.readouterr()
        assert CANARY not in said.out + said.err

    async def test_try_says_whether_the_system_knows_the_credential(self, customer: Customer, world: World):
        for connector in CONNECTIONS:
            good = await make(customer, world, connector, name=f"good-{connector}")
            bad = await make(customer, world, connector, name=f"bad-{connector}", secret="wrong")
            ask = {"tenant": customer.tenant, "actor": "user:test"}
            assert (await try_connection(customer.shell, connection_id=good, **ask)).ok, connector
            assert not (await try_connection(customer.shell, connection_id=bad, **ask)).ok, connector
        assert len(await customer.events("connection.tested")) == 2 * len(CONNECTIONS)


@pytest.mark.feature("M210", "M122")
class TestManifest:
    async def apply(self, shell: Shell, tenant: UUID, entries: list[dict[str, Any]], customer_id: UUID | None, prune: bool = False):
        async with shell.unit_of_work(tenant, actor="key:test") as uow:
            changes = await manifest.reconcile(uow, shell, entries, customer_id=customer_id, prune=prune)
            return [(c.name, c.action, sorted(c.fields)) for c in changes]

    async def test_is_idempotent_says_what_changes_and_keeps_versions(self, shell: Shell, tenant: UUID, world: World):
        customer = await make_customer(shell, tenant)
        entry = {
            "name": "crm", "connector": "sim-crm", "capabilities": ["crm.customer_tier"], "secret": {"secret": "one"},
            "config": {"base_url": "https://crm.example"},
        }  # fmt: skip
        assert await self.apply(shell, tenant, [entry], customer.id) == [("crm", "create", [])]
        assert await self.apply(shell, tenant, [entry], customer.id) == [("crm", "unchanged", [])]
        assert await self.apply(shell, tenant, [{**entry, "secret": "two"}], customer.id) == [("crm", "update", ["secret"])]
        more = {**entry, "secret": "two", "capabilities": ["crm.customer_tier", "crm.add_note"]}
        assert await self.apply(shell, tenant, [more], customer.id) == [("crm", "update", ["capabilities"])]
        versions = await customer.rows("select version, capabilities from connectors.connection_version order by version")
        assert [v["version"] for v in versions] == [1, 2]
        assert await self.apply(shell, tenant, [], customer.id) == []
        assert await self.apply(shell, tenant, [], customer.id, prune=True) == [("crm", "delete", [])]
        assert await self.apply(shell, tenant, [more], customer.id) == [("crm", "update", [])]
        [row] = await customer.rows("select status from connectors.connection")
        assert row["status"] == "published"

    async def test_names_the_entry_and_field_that_is_wrong(self, shell: Shell, tenant: UUID):
        good = {"name": "crm", "connector": "sim-crm", "capabilities": ["crm.add_note"], "config": {"base_url": "https://crm.example"}}
        for entry, pointer in (
            ({**good, "name": "Not A Name"}, "/1/name"),
            ({**good, "name": "b", "capabilities": ["wms.order_status"]}, "/1/capabilities/0"),
            ({**good, "name": "b", "rate": 5}, "/1"),
            ({**good, "name": "b", "customer_id": "x"}, "/1/customer_id"),
        ):
            with pytest.raises(Invalid) as refused:
                await self.apply(shell, tenant, [good, entry], None)
            assert [e.pointer for e in refused.value.errors] == [pointer]
