"""The history goes up, down and up again, under a lock time-out, one migrator at a time."""

import asyncio
import os
import re
import sys
from pathlib import Path

import asyncpg
import pytest
from alembic import command

import migrations
from app.core.context import Signer
from app.core.migrate import WrongDatabase, alembic_config, check_server, migrate
from tests.services import MASTER_KEY

pytestmark = pytest.mark.feature("M191")
VERSIONS = sorted((Path(migrations.__file__).parent / "versions").glob("*.py"))


async def _tables(database):
    connection = await database.superuser()
    try:
        return {
            r[0]
            for r in await connection.fetch(
                "select schemaname || '.' || tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
            )
        }
    finally:
        await connection.close()


class TestHistory:
    async def test_goes_down_to_nothing_and_up_to_the_same(self, fresh_database):
        before = await _tables(fresh_database)
        config = alembic_config(fresh_database.url("detour_owner"))
        await asyncio.to_thread(command.downgrade, config, "base")
        assert await _tables(fresh_database) == {"core.alembic_version"}
        await migrate(fresh_database.url("detour_owner"), Signer(MASTER_KEY))
        assert await _tables(fresh_database) == before

    async def test_takes_two_migrators_at_once(self, fresh_database):
        config = alembic_config(fresh_database.url("detour_owner"))
        await asyncio.to_thread(command.downgrade, config, "base")
        environment = {**os.environ, **fresh_database.environment()}
        both = [await asyncio.create_subprocess_exec(sys.executable, "-m", "app.cli", "migrate", env=environment) for _ in range(2)]
        assert [await asyncio.wait_for(p.wait(), 60) for p in both] == [0, 0]
        assert "core.event" in await _tables(fresh_database)

    def test_waits_for_no_lock_longer_than_a_second(self):
        for version in VERSIONS:
            assert re.search(r"set local lock_timeout = '1s'", version.read_text()), version.name


class TestTheServer:
    async def test_with_a_role_that_sees_through_the_wall_is_refused(self, database):
        for role in ("postgres", "detour_owner", "detour_backup"):
            with pytest.raises(WrongDatabase, match=role):
                await check_server(database.url(role), runtime=True)

    async def test_with_the_application_role_is_taken(self, database):
        await check_server(database.url("detour_app"), runtime=True)

    async def test_that_is_too_old_is_refused(self, database, monkeypatch):
        monkeypatch.setattr("app.core.migrate.OLDEST_SERVER", 990000)
        with pytest.raises(WrongDatabase, match="too old"):
            await check_server(database.url("detour_app"), runtime=True)


class TestRotation:
    async def test_of_the_context_key_keeps_the_one_before_valid_and_none_older(self, fresh_database):
        from app.core.context import Context
        from app.core.ids import new_id
        from app.core.migrate import store_signing_key

        second = Signer(b"\x05" * 32)
        await store_signing_key(fresh_database.url("detour_owner"), second)
        connection = await asyncpg.connect(fresh_database.url("detour_app"))
        try:
            for signer in (Signer(MASTER_KEY), second):  # the one before and the present one
                signed = signer.sign(Context.one(new_id(), actor="system:test"), 9_999_999_000)
                async with connection.transaction():
                    await connection.execute("select set_config('app.context', $1, true)", signed)
                    assert await connection.fetchval("select count(*) from core.event") == 0
            await store_signing_key(fresh_database.url("detour_owner"), Signer(b"\x06" * 32))
            signed = Signer(MASTER_KEY).sign(Context.one(new_id(), actor="system:test"), 9_999_999_000)
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="forged"):
                async with connection.transaction():
                    await connection.execute("select set_config('app.context', $1, true)", signed)
                    await connection.fetchval("select count(*) from core.event")
        finally:
            await connection.close()
