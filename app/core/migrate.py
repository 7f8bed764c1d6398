"""Bringing a database to the present: roles (as superuser, embedded only), schemas, migrations, the context's signing key."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from alembic import command
from alembic.config import Config

import migrations
from app.core.context import Signer

OLDEST_SERVER = 170000
SCHEMAS = (
    "core", "tenants", "branding", "canonical", "policies", "connectors", "notifications", "ingest", "cases", "workflows", "portal", "audit", "metering", "intelligence",
)  # fmt: skip
_FOLDER = Path(migrations.__file__).parent


class WrongDatabase(Exception):
    """The database can't be used; the message says why and what to do."""


def alembic_config(owner_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(rev)s_%%(slug)s")
    config.attributes["url"] = owner_url
    return config


async def prepare_cluster(superuser_url: str, database: str, passwords: dict[str, str]) -> None:
    """Make the roles with their passwords and an empty database that belongs to the owner; harmless when they are there."""
    admin = await asyncpg.connect(superuser_url)
    try:
        await admin.execute((_FOLDER / "roles.sql").read_text())
        for role, password in passwords.items():
            await admin.execute(f"alter role {role} password '{_plain(password)}'")
        if not await admin.fetchval("select 1 from pg_database where datname = $1", database):
            await admin.execute(f'create database "{_plain(database)}" owner detour_owner')
            await admin.execute(f'revoke all on database "{_plain(database)}" from public')
        await admin.execute(f'grant connect on database "{_plain(database)}" to {", ".join(passwords)}')
    finally:
        await admin.close()


def _plain(text: str) -> str:
    if not text.replace("_", "").replace("-", "").isalnum():
        raise ValueError("only letters, digits, _ and - may stand in a role's password or a database's name here")
    return text


async def check_server(url: str, *, runtime: bool) -> None:
    """Refuse a server that is too old and, for a runtime role, one that would see through the wall."""
    connection = await asyncpg.connect(url)
    try:
        version = int(await connection.fetchval("show server_version_num"))
        if version < OLDEST_SERVER:
            raise WrongDatabase(f"PostgreSQL {version // 10000} is too old; use 17 or newer.")
        role = await connection.fetchrow("select rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user")
        if runtime and (role["rolsuper"] or role["rolbypassrls"] or role["rolname"] == "detour_owner"):
            raise WrongDatabase(
                f"Role {role['rolname']} passes row-level security; give the server its own unprivileged role (see docs/operations.md)."
            )
    finally:
        await connection.close()


async def migrate(owner_url: str, signer: Signer) -> None:
    """Apply every pending migration under a cluster-wide lock, then store the context's signing key."""
    await check_server(owner_url, runtime=False)
    connection = await asyncpg.connect(owner_url)
    try:
        for schema in SCHEMAS:
            await connection.execute(f"create schema if not exists {schema}")
    finally:
        await connection.close()
    await asyncio.to_thread(command.upgrade, alembic_config(owner_url), "head")
    await store_signing_key(owner_url, signer)


async def store_signing_key(owner_url: str, signer: Signer) -> None:
    """Let the database check what `signer` signs; the key before stays valid, so that processes can be exchanged one by one."""
    ipad, opad = signer.pads()
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute(
            "insert into core.signing_key (kid, ipad, opad) values ($1, $2, $3) on conflict (kid) do update set created_at = clock_timestamp()",
            signer.kid, ipad, opad,
        )  # fmt: skip
        await connection.execute(
            "delete from core.signing_key where kid not in (select kid from core.signing_key order by created_at desc, kid limit 2)"
        )
    finally:
        await connection.close()


def database_name(url: str) -> str:
    return urlsplit(url).path.lstrip("/")
