"""The ground a benchmark stands on: a cluster with durable settings, Valkey, our processes, many tenants with keys."""

import asyncio
import base64
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from uuid import UUID

import asyncpg

from app.core.clock import SystemClock
from app.core.context import Signer
from app.core.embedded import ROLES, Postgres, Valkey, _die_with_parent, free_port
from app.core.ids import new_id
from app.core.migrate import migrate, prepare_cluster
from app.core.services import Shell
from app.core.settings import Settings
from app.ingest.commands.sources import create_source
from app.ingest.schemas import NewSource
from app.main.assembly import build_shell
from tenants.commands.keys import create_key
from tenants.principal import Principal
from tenants.roles import BUILT_IN
from tenants.schemas import NewKey

_URLS = {"": "app", "CUSTOMER_": "customer", "BATCH_": "batch", "DISPATCH_": "dispatch", "OPS_": "ops", "OWNER_": "owner"}
MASTER = b"\x07" * 32


@dataclass
class Ground:
    """Everything running; `environment` starts more processes on it."""

    postgres: Postgres
    valkey: Valkey
    environment: dict[str, str]
    settings: Settings
    shell: Shell
    port: int

    async def count(self, query: str) -> int:
        """Count rows as superuser."""
        connection = await asyncpg.connect(self.postgres.url("postgres"))
        try:
            return int(await connection.fetchval(query))
        finally:
            await connection.close()

    async def tenants(self, number: int) -> list[tuple[UUID, str]]:
        """Make `number` environments, each with a key that may do everything a partner admin may; returns ids and key texts."""
        made = []
        for _ in range(number):
            partner, tenant = new_id(), new_id()
            async with self.shell.boundary.platform(actor="system:bench", reason="benchmark tenant") as c:
                slug = f"p{partner.hex[-12:]}"
                await c.execute(
                    "insert into core.partner (id, slug, name, type, event_namespace) values ($1, $2, $2, 'msp', $2)", partner, slug
                )
                await c.execute("insert into core.tenant (id, partner_id, environment) values ($1, $2, 'live')", tenant, partner)
            made.append((tenant, await self._furnish(tenant)))
        return made

    async def _furnish(self, tenant: UUID) -> str:
        """A CloudEvents source and a key of the tenant's."""
        maker = Principal(tenant, "system:bench", "partner", BUILT_IN["partner_admin"].permissions | BUILT_IN["source_key"].permissions)
        async with self.shell.unit_of_work(tenant, actor="system:bench") as uow:
            await create_source(uow, self.shell, NewSource(name="events", kind="cloudevents"))
            _, key = await create_key(uow, NewKey(name="bench", scope="source", roles=["source_key"], source="events"), maker=maker)
        return key.text


@asynccontextmanager
async def ground(*, worker: bool = False, server: bool = True) -> AsyncIterator[Ground]:
    """Start it all, stop it all."""
    home = Path(tempfile.mkdtemp(prefix="bench-", dir="/var/tmp"))
    home.chmod(0o755)
    postgres, valkey, processes = Postgres(home), Valkey(home), []
    try:
        postgres.start()
        valkey.start()
        await prepare_cluster(postgres.url("postgres", "postgres"), "detour", {r: postgres.password(r) for r in ROLES})
        await migrate(postgres.url("detour_owner"), Signer(MASTER))
        port = free_port()
        environment = {
            **{f"DETOUR_DATABASE_{n}URL": postgres.url(f"detour_{r}") for n, r in _URLS.items()}, "DETOUR_REDIS_URL": valkey.url,
            "DETOUR_MASTER_KEY": base64.b64encode(MASTER).decode(), "DETOUR_DEVELOPMENT": "true", "DETOUR_EGRESS_ALLOW_LOOPBACK": "true", "DETOUR_PUBLIC_SCHEME": "http",
            "DETOUR_LISTEN_PORT": str(port), "DETOUR_RATE_LIMIT_KEY": "100000000", "DETOUR_RATE_LIMIT_TENANT": "100000000", "DETOUR_LOG_LEVEL": "error",
            "DETOUR_ANCHOR_DIR": str(home / "anchors"),
        }  # fmt: skip
        settings = Settings.load(environment, dotenv=home / "none")
        shell = await build_shell(settings, SystemClock())
        full = {**{k: v for k, v in os.environ.items() if not k.startswith("DETOUR_")}, **environment}
        if server:
            processes.append(Popen([sys.executable, "-W", "ignore", "-m", "benchmarks.server"], env=full, preexec_fn=_die_with_parent))
            await _answers(port)
        if worker:
            processes.append(Popen([sys.executable, "-W", "ignore", "-m", "app.cli", "worker"], env=full, preexec_fn=_die_with_parent))
        yield Ground(postgres, valkey, full, settings, shell, port)
        await shell.extras["close"]()
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
        valkey.stop()
        postgres.stop()
        shutil.rmtree(home, ignore_errors=True)


async def _answers(port: int) -> None:
    for _ in range(1200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            await asyncio.sleep(0.1)
    raise RuntimeError("the benchmark's server did not start")
