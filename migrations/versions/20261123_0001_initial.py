"""The initial tables, room by room from the lowest floor up.

Revision ID: 0001
Revises:
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROOMS = Path(__file__).parent.parent / "initial"


def upgrade() -> None:
    op.execute("set local lock_timeout = '1s'")
    op.execute("set local statement_timeout = '60s'")
    for file in sorted(ROOMS.glob("*.sql")):
        _run(file.read_text())


def downgrade() -> None:
    schemas = (
        "tenants, branding, canonical, policies, connectors, notifications, ingest, cases, workflows, portal, audit, metering, intelligence"
    )
    _run(f"drop schema {schemas} cascade")
    _run(
        """do $$ declare r record; begin
          for r in select format('drop table core.%I cascade', tablename) d from pg_tables where schemaname = 'core' and tablename <> 'alembic_version'
            and not exists (select from pg_inherits where inhrelid = format('core.%I', tablename)::regclass) loop execute r.d; end loop;
          for r in select format('drop function %s cascade', p.oid::regprocedure) d from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname = 'core' loop execute r.d; end loop;
        end $$"""
    )
    for schema in schemas.split(", "):
        _run(f"create schema {schema}")


def _run(sql: str) -> None:
    """Run a script of several statements, which the driver refuses as a prepared statement."""
    raw = op.get_bind().connection.dbapi_connection
    raw.run_async(lambda connection: connection.execute(sql))  # type: ignore[union-attr]
