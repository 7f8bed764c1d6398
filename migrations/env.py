"""Alembic's entry: runs as the owner over asyncpg, one migrator at a time, version table in core."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.core.tables import metadata
from migrations.filters import include_name, load_models

MIGRATION_LOCK = 7300002


def run(connection: Connection) -> None:
    connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
    connection.commit()
    context.configure(
        connection=connection, target_metadata=metadata, version_table_schema="core", include_schemas=True, include_name=include_name,
        transaction_per_migration=True,
    )  # fmt: skip
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    url = context.config.attributes["url"].replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


load_models()
asyncio.run(main())
