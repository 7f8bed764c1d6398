"""The real services tests run on: one embedded cluster and Valkey a test run, one migrated template, a clone a worker and a fresh database on demand."""

import asyncio
import base64
import os
import shutil
import tempfile
from pathlib import Path

import asyncpg

from app.core.context import Signer
from app.core.embedded import ROLES, Postgres, Valkey
from app.core.migrate import migrate, prepare_cluster
from app.core.settings import Settings

MASTER_KEY = b"\x01" * 32
TEMPLATE = "detour_template"


class Services:
    """Started once by the controlling process; workers reach it through its plain description."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="detour-test-", dir="/var/tmp"))
        self.home.chmod(0o755)
        speed = {
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "shared_buffers": "64MB",
            "autovacuum_naptime": "5s",
        }
        self.postgres = Postgres(self.home, settings=speed)
        self.valkey = Valkey(self.home)

    def start(self) -> dict[str, str]:
        self.postgres.start()
        self.valkey.start()
        asyncio.run(self._template())
        return {"home": str(self.home), "port": str(self.postgres.port), "redis": self.valkey.url, "secret": self.postgres.secret()}

    async def _template(self) -> None:
        passwords = {r: self.postgres.password(r) for r in ROLES}
        await prepare_cluster(self.postgres.url("postgres", "postgres"), TEMPLATE, passwords)
        await migrate(self.postgres.url("detour_owner", TEMPLATE), Signer(MASTER_KEY))

    def stop(self) -> None:
        self.valkey.stop()
        self.postgres.stop()
        shutil.rmtree(self.home, ignore_errors=True)


class Database:
    """One database of this worker's own, cloned from the template."""

    def __init__(self, description: dict[str, str], name: str) -> None:
        self._description = description
        self.name = name
        self._cluster = Postgres.__new__(Postgres)
        self._cluster.home = Path(description["home"])
        self._cluster.port = int(description["port"])

    def url(self, role: str) -> str:
        return self._cluster.url(role, self.name)

    async def create(self) -> None:
        await self._admin(
            f'drop database if exists "{self.name}" with (force)',
            f'create database "{self.name}" template {TEMPLATE} owner detour_owner strategy file_copy',
        )

    async def empty(self) -> None:
        """Make it a database nobody has migrated."""
        await self.drop()
        await self._admin(f'create database "{self.name}" owner detour_owner')

    async def drop(self) -> None:
        await self._admin(f'drop database if exists "{self.name}" with (force)')

    async def _admin(self, *statements: str) -> None:
        admin = await asyncpg.connect(self._cluster.url("postgres", "postgres"))
        try:
            for statement in statements:
                await admin.execute(statement)
        finally:
            await admin.close()

    async def superuser(self) -> asyncpg.Connection:
        """A connection that passes the wall: for tampering and for looking at what really stands there."""
        return await asyncpg.connect(self.url("postgres"))

    def environment(self, **more: str) -> dict[str, str]:
        """The settings of an installation on this database, as a process's environment."""
        urls = {f"DETOUR_DATABASE_{n}URL": self.url(f"detour_{r}") for n, r in (("", "app"), ("CUSTOMER_", "customer"), ("BATCH_", "batch"), ("DISPATCH_", "dispatch"), ("OPS_", "ops"), ("OWNER_", "owner"))}  # fmt: skip
        return {
            **urls, "DETOUR_REDIS_URL": self._description["redis"], "DETOUR_MASTER_KEY": base64.b64encode(MASTER_KEY).decode(), "DETOUR_DEVELOPMENT": "true",
            "DETOUR_EGRESS_ALLOW_LOOPBACK": "true", "DETOUR_PUBLIC_SCHEME": "http", "DETOUR_LOG_LEVEL": "warning",
            "DETOUR_ANCHOR_DIR": str(Path(self._description["home"]) / "anchors" / self.name), **more,
        }  # fmt: skip

    def settings(self, **more: str) -> Settings:
        return Settings.load(self.environment(**more), dotenv=Path("/nonexistent"))


def worker_name() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")
