"""The simulated systems as real processes, and a customer connected to them."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from app.connectors.commands import create_connection, invoke
from app.connectors.outcomes import Outcome
from app.connectors.schemas import NewConnection
from app.core.ids import new_id
from app.core.services import Shell
from tenants.commands.customers import create_customer
from tenants.schemas import NewCustomer

CONNECTIONS = {
    "sim-carrier": (["carrier.expedite_options", "carrier.amend"], {"client_id": "acme-pharma"}),
    "sim-erp": (["erp.inventory_alternatives", "erp.amend_order"], {"username": "acme-pharma"}),
    "sim-crm": (["crm.customer_tier", "crm.add_note"], {}),
    "sim-desk": (["desk.open_case"], {}),
    "sim-wms": (["wms.order_status"], {}),
}


@dataclass
class World:
    """The running simulator: its control API."""

    url: str
    http: httpx.AsyncClient

    async def order(self, number: str) -> None:
        at = datetime.now(UTC).isoformat()
        names = {"partner": "northwind", "customer": "acme-pharma", "order": number, "shipment": f"S-{number}", "sku": "SKU-1"}
        (await self.http.post("/control/orders", json={**names, "promised_at": at})).raise_for_status()

    async def fault(self, kind: str, system: str, **more: Any) -> None:
        (await self.http.post("/control/faults", json={"kind": kind, "system": system, **more})).raise_for_status()

    async def heal(self) -> None:
        await self.http.delete("/control/faults")

    async def ledger(self, **narrowed: str) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = (await self.http.get("/control/ledger", params=narrowed)).json()["calls"]
        return calls

    async def effects(self, key: str) -> int:
        return sum(line["effect"] for line in await self.ledger(key=key))


@pytest.fixture(scope="package")
async def simulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("world")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator", "--port", "0", "--smtp-port", "0", "--data", str(folder), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    url = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))["http"]
    async with httpx.AsyncClient(base_url=url) as http:
        yield World(url, http)
    process.terminate()
    await process.wait()


@pytest.fixture
async def world(simulator: World) -> AsyncIterator[World]:
    await simulator.heal()
    yield simulator
    await simulator.heal()


@pytest.fixture
async def superuser(database) -> AsyncIterator[asyncpg.Connection]:
    """Passes the wall, to make time pass and to play a crash."""
    connection = await database.superuser()
    yield connection
    await connection.close()


@dataclass
class Customer:
    """A customer with its connections, and a short way to ask."""

    shell: Shell
    tenant: UUID
    id: UUID

    async def ask(self, capability: str, params: dict[str, Any], key: str | None = None, **more: Any) -> Outcome:
        given = {"tenant": self.tenant, "actor": "run:test", "customer_id": self.id, "case_id": None, **more}
        shell = given.pop("shell", self.shell)
        return await invoke(shell, capability=capability, params=params, effect_key=key or new_id().hex, **given)

    async def rows(self, query: str, *values: object) -> list[Any]:
        async with self.shell.read(self.tenant) as uow:
            return list((await uow.execute(text(query), {f"v{index}": value for index, value in enumerate(values)})).mappings())

    async def events(self, *types: str) -> list[dict[str, Any]]:
        rows = await self.rows("select type, envelope from core.event order by recorded_at, id")
        return [row["envelope"] for row in rows if row["type"] in types]


def wanted(world: World, connector: str, **changed: Any) -> NewConnection:
    capabilities, config = CONNECTIONS[connector]
    system = connector.removeprefix("sim-")
    full = {
        "name": f"our-{system}", "connector": connector, "capabilities": capabilities, "secret": f"{system}-acme-pharma-secret",
        "config": {"base_url": f"{world.url}/northwind/{system}", **config}, **changed,
    }  # fmt: skip
    return NewConnection(**full)


async def make_customer(shell: Shell, tenant: UUID, slug: str = "acme-pharma") -> Customer:
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        made = await create_customer(uow, NewCustomer(slug=slug, name=slug))
        return Customer(shell, tenant, made.id)


@pytest.fixture
async def customer(shell: Shell, tenant: UUID, world: World) -> Customer:
    made = await make_customer(shell, tenant)
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        for connector in CONNECTIONS:
            await create_connection(uow, shell.vault, wanted(world, connector, customer_id=made.id))
    return made
