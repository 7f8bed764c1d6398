"""The wall: one signed context, policies per role under FORCE RLS, loud when anything about it is wrong."""

import asyncpg
import pytest

from app.core.context import Context, Signer
from app.core.errors import Fault
from app.core.ids import new_id
from tests.conftest import make_tenant
from tests.services import MASTER_KEY

pytestmark = pytest.mark.feature("M178", "M179", "M190")

WRITE = "insert into core.event (id, customer_id, type, envelope) values ($1, $2, 'test.written', '{}')"


async def _say(shell, tenant, text, customer=None):
    async with shell.unit_of_work(tenant, actor="system:test", customer=customer) as uow:
        uow.publish("test.said", data={"text": text})


async def _texts(shell, tenant, customer=None):
    from sqlalchemy import text as sql

    async with shell.read(tenant, customer=customer) as uow:
        rows = (await uow.execute(sql("select envelope from core.event where type = 'test.said' order by id"))).all()
    return [r.envelope["data"]["text"] for r in rows]


@pytest.fixture
async def app_connection(database):
    connection = await asyncpg.connect(database.url("detour_app"))
    yield connection
    await connection.close()


class TestContext:
    async def test_a_tenant_sees_its_own_rows_only(self, shell, tenant, other_tenant):
        await _say(shell, tenant, "ours")
        await _say(shell, other_tenant, "theirs")
        assert await _texts(shell, tenant) == ["ours"]
        assert await _texts(shell, other_tenant) == ["theirs"]

    async def test_a_customer_sees_its_own_rows_and_none_without_a_customer(self, shell, tenant):
        mine, yours = new_id(), new_id()
        await _say(shell, tenant, "partner's")
        await _say(shell, tenant, "mine", mine)
        await _say(shell, tenant, "yours", yours)
        assert await _texts(shell, tenant, mine) == ["mine"]
        assert sorted(await _texts(shell, tenant)) == ["mine", "partner's", "yours"]

    async def test_stays_right_over_alternating_tenants_on_pooled_connections(self, shell):
        tenants = [await make_tenant(shell) for _ in range(6)]
        for i in range(24):
            await _say(shell, tenants[i % 6], f"{i % 6}")
        for i, t in enumerate(tenants):
            assert await _texts(shell, t) == [f"{i}"] * 4

    async def test_is_forgotten_with_its_transaction(self, database, shell, tenant):
        await _say(shell, tenant, "x")
        engine = shell.boundary._engine("app")
        from sqlalchemy import text as sql

        async with engine.connect() as raw:
            with pytest.raises(Exception, match="no tenant context"):
                await raw.execute(sql("select count(*) from core.event"))


class TestWrongContexts:
    async def _refused(self, connection, context, what="select * from core.event"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError) as refusal:
            async with connection.transaction():
                await connection.execute("select set_config('app.context', $1, true)", context)
                await connection.fetch(what)
        return str(refusal.value)

    async def test_none_is_loud(self, app_connection):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="no tenant context"):
            await app_connection.fetch("select * from core.event")

    async def test_an_altered_one_is_refused(self, app_connection, shell, tenant, other_tenant):
        signed = shell.boundary.sign(Context.one(tenant, actor="system:test"))
        assert "forged" in await self._refused(app_connection, signed.replace(str(tenant), str(other_tenant)))

    async def test_an_unsigned_one_is_refused(self, app_connection, tenant):
        assert "forged" in await self._refused(app_connection, f"v1|1|one|{tenant}|||system:test|9999999999|{'0' * 64}")
        assert "forged" in await self._refused(app_connection, str(tenant))

    async def test_one_signed_with_another_key_is_refused(self, app_connection, tenant):
        foreign = Signer(b"\x02" * 32).sign(Context.one(tenant, actor="system:test"), 9_999_999_999)
        assert "forged" in await self._refused(app_connection, foreign)

    async def test_an_expired_one_is_refused(self, app_connection, tenant):
        old = Signer(MASTER_KEY).sign(Context.one(tenant, actor="system:test"), 1_000_000_000)
        assert "expired" in await self._refused(app_connection, old)

    async def test_a_set_of_tenants_is_refused_where_one_is_needed(self, app_connection, shell, tenant, other_tenant):
        many = shell.boundary.sign(Context.many([tenant, other_tenant], actor="system:test"))
        assert "kind set" in await self._refused(app_connection, many)

    def test_an_actor_can_not_smuggle_fields(self, tenant):
        with pytest.raises(ValueError, match="actor"):
            Context.one(tenant, actor="key:1|set|everyone")


class TestWriting:
    async def test_into_another_tenant_is_refused(self, app_connection, shell, tenant, other_tenant):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            async with app_connection.transaction():
                await app_connection.execute(
                    "select set_config('app.context', $1, true)", shell.boundary.sign(Context.one(tenant, actor="system:test"))
                )
                await app_connection.execute(
                    "insert into core.event (tenant_id, id, type, envelope) values ($1, $2, 'x.y', '{}')", other_tenant, new_id()
                )

    async def test_an_append_only_table_takes_no_update(self, app_connection, shell, tenant):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            async with app_connection.transaction():
                await app_connection.execute(
                    "select set_config('app.context', $1, true)", shell.boundary.sign(Context.one(tenant, actor="system:test"))
                )
                await app_connection.execute("update core.event set type = 'x.z'")

    async def test_work_outside_the_context_is_refused_to_a_batch(self, database, shell, tenant, other_tenant):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="outside the context"):
            connection = await asyncpg.connect(database.url("detour_batch"))
            try:
                async with connection.transaction():
                    await connection.execute(
                        "select set_config('app.context', $1, true)", shell.boundary.sign(Context.many([tenant], actor="system:test"))
                    )
                    await connection.execute("select core.add_works($1, $2, 'run', $3, 1)", [other_tenant], [new_id()], [new_id()])
            finally:
                await connection.close()


class TestRoles:
    @pytest.mark.parametrize("role", ["detour_app", "detour_customer", "detour_batch", "detour_dispatch", "detour_ops", "detour_owner"])
    async def test_none_but_the_owner_reads_signing_keys_and_none_becomes_another(self, database, role):
        connection = await asyncpg.connect(database.url(role))
        try:
            if role != "detour_owner":
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.fetch("select * from core.signing_key")
            for other in ("detour_backup", "postgres", "detour_app" if role != "detour_app" else "detour_batch"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(f"set role {other}")
        finally:
            await connection.close()

    async def test_the_owner_is_loud_instead_of_seeing_nothing(self, database):
        connection = await asyncpg.connect(database.url("detour_owner"))
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="no tenant context"):
                await connection.fetch("select * from core.event")
        finally:
            await connection.close()

    async def test_a_partition_can_not_be_read_around_its_table(self, database, app_connection, shell, tenant):
        names = [
            r[0]
            for r in await (await database.superuser()).fetch(
                "select inhrelid::regclass::text from pg_inherits where inhparent = 'core.event'::regclass"
            )
        ]
        assert len(names) >= 4
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await app_connection.fetch(f"select * from {names[0]}")


class TestPlatform:
    async def test_crossing_the_wall_needs_a_reason_and_is_logged(self, database, shell):
        with pytest.raises(ValueError, match="reason"):
            async with shell.boundary.platform(actor="system:test", reason=""):
                pass
        async with shell.boundary.platform(actor="system:test", reason="counting partners") as connection:
            await connection.fetch("select count(*) from core.partner")
        superuser = await database.superuser()
        assert await superuser.fetchval("select count(*) from core.platform_log where reason = 'counting partners'") == 1
        await superuser.close()

    async def test_a_lost_database_is_unavailable_not_a_crash(self, shell, tenant):
        from tenants.boundary import DatabaseAway, DatabaseBoundary

        away = DatabaseBoundary(
            shell.settings.__class__(**{**_fields(shell.settings), "database_url": "postgresql://detour_app:x@127.0.0.1:9/none"}),
            shell.extras["listeners"],
            shell.clock,
        )
        with pytest.raises(Fault) as refusal:
            async with away.unit_of_work(Context.one(tenant, actor="system:test")):
                pass
        assert isinstance(refusal.value, DatabaseAway)
        assert refusal.value.status == 503


def _fields(settings):
    from dataclasses import fields

    return {f.name: getattr(settings, f.name) for f in fields(settings)}
