"""A third partner that is the first one over again, row by row, with every text that people can read replaced by a payload."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg

from simulator.story.cast import Cast
from simulator.story.client import Api
from tests.browser.payloads import PAYLOADS

COPY = "quarry"
# Rows that belong to the environment itself, or that name a person's open door.
_LEFT_OUT = {
    "branding.domain", "core.idempotency", "core.data_key", "tenants.session", "tenants.session_use", "tenants.sign_in_link", "tenants.pending_sign_in", "audit.chain_head",
    "audit.audit_entry", "connectors.access_token", "core.work", "ingest.receipt", "canonical.document_content", "metering.usage_record",
}  # fmt: skip
# Columns that hold what somebody wrote, and members of documents that do.
_WORDS = {
    "name", "title", "text", "note", "reason", "number", "file_name", "subject", "sender", "carrier", "label", "message", "remark", "body", "description", "summary", "topic",
    "contact", "spoken", "city", "sku", "site", "reference", "value", "comment", "error", "detail", "goods", "phone", "said", "with_whom", "handed", "watch", "legal", "hint",
}  # fmt: skip
# Definitions steer the product by their words; only what is written for people is replaced in them.
_STEERING = {
    "workflows.workflow_definition",
    "policies.policy",
    "ingest.mapping",
    "ingest.source",
    "notifications.template",
    "connectors.connection_version",
    "connectors.connection",
}
_FOR_PEOPLE = {"title", "summary", "description"}
_KEPT = {("tenants.role", "name"), ("canonical.search_entry", "value")}
_COLUMNS = """select c.table_schema || '.' || c.table_name as "table", c.column_name as "column", c.data_type as kind
    from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
    where t.table_type = 'BASE TABLE' and c.table_schema not in ('pg_catalog', 'information_schema', 'public') and c.data_type in ('text', 'jsonb')
    and not exists (select from pg_inherits where inhrelid = format('%I.%I', c.table_schema, c.table_name)::regclass)
    and not exists (select from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
        where k.conrelid = format('%I.%I', c.table_schema, c.table_name)::regclass and a.attname = c.column_name and k.contype in ('c', 'u', 'p', 'f')
        and pg_get_constraintdef(k.oid) not like 'CHECK ((length(%')"""
_TABLES = """select c.table_schema || '.' || c.table_name as "table" from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
    where c.column_name = 'tenant_id' and t.table_type = 'BASE TABLE' and c.table_schema not in ('pg_catalog', 'information_schema', 'public')
    and not exists (select from pg_inherits where inhrelid = format('%I.%I', c.table_schema, c.table_name)::regclass)
    and exists (select from information_schema.columns i where i.table_schema = c.table_schema and i.table_name = c.table_name and i.column_name = 'id')"""


def cast_of(source: Cast) -> Cast:
    """Its people: the source's, each with an address of their own."""
    people = ("admin", "analyst", "operator", "approver", "second_approver", "contact", "colleague", "bystander_contact")
    return replace(source, partner=COPY, **{who: f"q-{getattr(source, who)}" for who in people})


def provision(platform: Api) -> None:
    """The partner and its environment, with nothing in it."""
    brand = {
        "name": "Quarry",
        "primary": "#5B2E91",
        "mail_from": "desk@quarry.example",
        "domain": "care.quarry.example",
        "locale": "en",
        "zone": "Europe/Berlin",
    }
    partner = {"slug": COPY, "name": "Quarry", "type": "msp", "event_namespace": COPY}
    platform.put("/v1/provisioning/manifest", {"version": 1, "partner": partner, "environment": "live", "brand": brand})


async def fill(superuser: asyncpg.Connection, source: str) -> None:
    """Copy every row of the source's environment, then write the payloads over its words."""
    tenants = {slug: await _tenant(superuser, slug) for slug in (source, COPY)}
    async with superuser.transaction():
        await superuser.execute("set local session_replication_role = replica")
        tables = [each["table"] for each in await superuser.fetch(_TABLES)]
        for table in tables:
            if table not in _LEFT_OUT and not table.startswith("core.") and table not in ("branding.brand", "branding.logo"):
                await _copy(superuser, table, tenants[source], tenants[COPY])
        await _copy(superuser, "core.event", tenants[source], tenants[COPY])
        await superuser.execute("""update tenants."user" set email = 'q-' || email where tenant_id = $1""", tenants[COPY])
        numbers = count()
        for each in await superuser.fetch(_COLUMNS):
            table, column = each["table"], each["column"]
            if (
                table not in tables
                or table.startswith("branding.")
                or (table, column) in _KEPT
                or (each["kind"] == "text" and column not in _WORDS)
            ):
                continue
            await _write_over(superuser, table, column, each["kind"], tenants[COPY], numbers)


async def _tenant(superuser: asyncpg.Connection, slug: str) -> UUID:
    query = "select t.id from core.tenant t join core.partner p on p.id = t.partner_id where p.slug = $1"
    found: UUID = await superuser.fetchval(query, slug)
    return found


async def _copy(superuser: asyncpg.Connection, table: str, source: UUID, target: UUID) -> None:
    await superuser.execute(
        f"insert into {_quoted(table)} select (jsonb_populate_record(null::{_quoted(table)}, to_jsonb(t) || jsonb_build_object('tenant_id', $2::uuid))).* "
        f"from {_quoted(table)} t where t.tenant_id = $1 on conflict do nothing",
        source,
        target,
    )


async def _write_over(superuser: asyncpg.Connection, table: str, column: str, kind: str, tenant: UUID, numbers: Iterator[int]) -> None:
    for row in await superuser.fetch(
        f'select id, "{column}" as held from {_quoted(table)} where tenant_id = $1 and "{column}" is not null', tenant
    ):
        held = (
            row["held"]
            if kind == "text"
            else json.dumps(replaced(json.loads(row["held"]), numbers, words=_FOR_PEOPLE if table in _STEERING else _WORDS))
        )
        fresh = next_payload(numbers) if kind == "text" and held else held
        await superuser.execute(f'update {_quoted(table)} set "{column}" = $3 where tenant_id = $1 and id = $2', tenant, row["id"], fresh)


def replaced(value: Any, numbers: Iterator[int], name: str = "", *, words: set[str]) -> Any:
    """A document with payloads for its words; what steers the product stays."""
    if isinstance(value, dict):
        return {key: replaced(inner, numbers, key, words=words) for key, inner in value.items()}
    if isinstance(value, list):
        return [replaced(inner, numbers, name, words=words) for inner in value]
    return next_payload(numbers) if isinstance(value, str) and value and name in words else value


def next_payload(numbers: Iterator[int]) -> str:
    """The next of the hundred."""
    return PAYLOADS[next(numbers) % len(PAYLOADS)]


def _quoted(table: str) -> str:
    return ".".join(f'"{part}"' for part in table.split("."))
