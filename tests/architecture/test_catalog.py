"""Every table keeps every rule, and a migration that breaks one is caught by it."""

import asyncpg
import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from app.core.ids import new_id
from app.core.tables import TenantRow, metadata
from migrations.filters import include_name, load_models
from tests.architecture import catalog
from tests.services import Database, worker_name

pytestmark = pytest.mark.feature("M179", "M191")

BAD = {
    "an unwalled table": ("create table cases.leak (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id))", "every_table_is_of_a_class"),
    "a table without force": ('alter table cases."case" no force row level security', "row_security_is_forced"),
    "a policy dropped": ('drop policy tenant on cases."case"', "every_role_is_walled"),
    "a policy evaluated a row": (
        'drop policy tenant on cases."case"; create policy tenant on cases."case" as restrictive to detour_app, detour_customer using (tenant_id = core.ctx_tenant()) with check (tenant_id = core.ctx_tenant())',
        "every_role_is_walled",
    ),
    "a policy that checks less than it shows": (
        'drop policy tenant on cases."case"; create policy tenant on cases."case" as restrictive to detour_app, detour_customer using (tenant_id = (select core.ctx_tenant())) with check (true)',
        "every_role_is_walled",
    ),
    "a customer's policy dropped": ('drop policy customer on cases."case"', "customers_are_walled"),
    "an index without the tenant": ('create index on cases."case" (status)', "keys_lead_with_the_tenant"),
    "a global unique constraint": ("alter table tenants.customer add constraint oracle unique (slug)", "keys_lead_with_the_tenant"),
    "a grant on a partition": ("grant select on core.event_p0 to detour_app", "no_grant_is_too_wide"),
    "truncate": ("grant truncate on core.event to detour_app", "no_grant_is_too_wide"),
    "an update of what is append-only": ("grant update on core.event to detour_app", "no_grant_is_too_wide"),
    "a look at signing keys": ("grant select on core.signing_key to detour_app", "no_grant_is_too_wide"),
    "a function of PUBLIC": ("grant execute on function core.ctx_tenant() to public", "functions_are_closed"),
    "a definer with a free search_path": ("alter function core.find_key(text) reset search_path", "functions_are_closed"),
    "a look-up owned by the owner": ("alter function core.find_key(text) owner to detour_owner", "functions_are_closed"),
    "an inverted index without the tenant": ("create index on canonical.search_entry using gin (names)", "keys_lead_with_the_tenant"),
    "a search owned by the owner": ("alter function canonical.find_whole(text, text[]) owner to detour_owner", "functions_are_closed"),
    "a look-up of what isn't on the list": ('grant select (id) on cases."case" to detour_lookup', "look_ups_see_little"),
    "a look-up that writes": ("grant update (label) on canonical.search_entry to detour_lookup", "look_ups_see_little"),
    "a look-up that passes another wall": ('create policy seen on cases."case" for select to detour_lookup using (true)', "look_ups_see_little"),
    "a look-up for batches": ("grant execute on function canonical.find_whole(text, text[]) to detour_batch", "look_ups_see_little"),
    "a float": ('alter table cases."case" add column risk double precision', "types_suit_the_wall"),
    "an enum": ("create type cases.mood as enum ('good'); alter table cases.\"case\" add column mood cases.mood", "types_suit_the_wall"),
    "a last partition without an end": ("create table core.event_rest partition of core.event default", "append_only_tables_are_partitioned"),
    "a materialised view": ('create materialized view cases.mv as select 1 as one', "nothing_materialised"),
    "a view with its owner's rights": ('create view cases.v as select * from cases."case"', "nothing_materialised"),
}  # fmt: skip


@pytest.fixture
async def superuser(database):
    connection = await database.superuser()
    yield connection
    await connection.close()


@pytest_asyncio.fixture(scope="class", loop_scope="session")
async def disposable(services):
    """A database without rows that these tests may break: other tests' rows would make some of the statements fail by themselves."""
    own = Database(services, f"detour_{worker_name()}_{new_id().hex[-12:]}")
    await own.create()
    connection = await own.superuser()
    yield connection
    await connection.close()
    await own.drop()


class TestEveryTable:
    @pytest.mark.parametrize("rule", catalog.RULES, ids=lambda r: r.__name__)
    async def test_keeps_the_rule(self, superuser, rule):
        assert await rule(superuser) == []


class TestABadMigration:
    @pytest.mark.parametrize("name", sorted(BAD))
    async def test_is_caught(self, disposable, name):
        statement, rule = BAD[name]
        transaction = disposable.transaction()
        await transaction.start()
        try:
            await disposable.execute(statement)
            broken = [r.__name__ for r in catalog.RULES if await r(disposable)]
        finally:
            await transaction.rollback()
        assert rule in broken

    async def test_an_id_only_foreign_key_can_not_even_be_made(self, disposable):
        with pytest.raises(asyncpg.InvalidForeignKeyError):
            await disposable.execute('alter table cases.case_comment add constraint bad foreign key (case_id) references cases."case" (id)')


class TestModels:
    async def test_mirror_the_database(self, database):
        engine = create_async_engine(database.url("postgres").replace("postgresql://", "postgresql+asyncpg://", 1))
        load_models()

        def compare(connection):
            context = MigrationContext.configure(
                connection,
                opts={"include_schemas": True, "include_name": include_name, "version_table_schema": "core", "compare_type": True},
            )
            return [d for d in compare_metadata(context, metadata) if not _is_index(d)]

        async with engine.connect() as connection:
            differences = await connection.run_sync(compare)
        await engine.dispose()
        assert differences == []

    def test_declare_what_they_hold_and_how_long(self):
        load_models()
        missing = []
        for mapper in TenantRow.registry.mappers:
            if issubclass(mapper.class_, TenantRow):
                info = mapper.local_table.info
                missing += [f"{mapper.local_table.fullname}: {k}" for k in ("data_class", "retention", "erasure") if k not in info]
        assert missing == []


def _is_index(difference):
    """Indexes and foreign keys live in the SQL alone: models need not repeat them."""
    kind = difference[0] if isinstance(difference[0], str) else difference[0][0]
    return kind in ("add_index", "remove_index", "add_fk", "remove_fk", "add_constraint", "remove_constraint")
