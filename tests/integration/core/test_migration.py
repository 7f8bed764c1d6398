"""The database comes up from nothing, and goes down again."""


async def test_core_is_there(database):
    c = await database.superuser()
    assert await c.fetchval("select count(*) from core.tenant_table_option") > 0
    await c.close()
