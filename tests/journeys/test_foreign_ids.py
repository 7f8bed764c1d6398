"""Every route × role × foreign id: what belongs to another tenant, or another customer of one's own, is answered as if it were not there.

The matrix is made from the interface itself, so a new route is in it from its first day. It runs after the story, when every
noun has rows; the owner's own look at each is the proof that the id really exists.
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from app.canonical.commands import record
from app.canonical.events import parse_event
from app.core.clock import SystemClock
from app.core.ids import new_id
from app.core.settings import Settings
from app.main.application import create_litestar
from app.main.assembly import build_shell
from simulator.story.book import Book
from tenants.commands.keys import create_key
from tenants.permissions import PERMISSIONS
from tenants.principal import Principal
from tenants.schemas import NewKey
from tests.installation import Running

pytestmark = pytest.mark.feature("M178", "M179", "M210")

OWNER, OTHER = "northwind", "harborline"
PARTNER_ROLES = ("partner_admin", "operator", "approver", "analyst")
CUSTOMER_ROLES = ("customer_admin", "customer_user")

# Where the rows of each noun stand. A path parameter that is missing here fails the test below: no route escapes.
TABLES = {
    "case_id": 'cases."case"', "approval_id": "cases.approval", "offer_id": "cases.offer", "run_id": "workflows.workflow_run", "policy_id": "policies.policy",
    "decision_id": "policies.decision", "user_id": "tenants.user", "key_id": "tenants.api_key", "customer_id": "tenants.customer", "connection_id": "connectors.connection",
    "call_id": "connectors.call", "domain_id": "branding.domain", "document_id": "canonical.document", "shipment_id": "canonical.shipment", "order_id": "canonical.order",
    "position_id": "canonical.inventory_position", "party_id": "canonical.party", "location_id": "canonical.location", "promise_id": "canonical.promise",
    "template_id": "notifications.template", "notice_id": "notifications.notice", "signal_id": "ingest.signal", "source_id": "ingest.source", "mapping_id": "ingest.mapping",
}  # fmt: skip
# What a customer may own beside its partner.
OWNED = ("policies.policy", "notifications.template", "ingest.source", "ingest.mapping", "ingest.signal")
# Names are not secrets of anybody: the same name may exist in every tenant, and is looked up inside one's own.
NAMES = {
    "version",
    "workflow_name",
    "role_name",
    "type_name",
    "schema_name",
    "capability_name",
    "source_name",
    "token",
    "link_token",
    "path",
}


@dataclass
class World:
    """Keys by (partner, customer or "", role), ids of the owner's rows by parameter, an HTTP client."""

    http: httpx.Client
    keys: dict[tuple[str, str, str], str] = field(default_factory=dict)
    ids: dict[str, list[str]] = field(default_factory=dict)
    of_customer: dict[str, list[str]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def world(told: Book, installation: Running) -> World:
    del told
    http = httpx.Client(base_url=installation.installation.base_url, timeout=30)
    built = World(http)
    asyncio.run(_furnish(built, installation))
    return built


async def _furnish(world: World, installation: Running) -> None:
    settings = Settings.load(installation.installation.environment())
    shell = await build_shell(settings, SystemClock())
    superuser = await asyncpg.connect(installation.installation.postgres.url("postgres"))
    try:
        tenants = {
            r["slug"]: r["id"]
            for r in await superuser.fetch("select p.slug, t.id from core.partner p join core.tenant t on t.partner_id = p.id")
        }
        customers = {
            r["slug"]: r["id"] for r in await superuser.fetch("select slug, id from tenants.customer where tenant_id = $1", tenants[OWNER])
        }
        foreign = await superuser.fetchval("select id from tenants.customer where tenant_id = $1 order by slug limit 1", tenants[OTHER])
        for partner in (OWNER, OTHER):
            for role in PARTNER_ROLES:
                world.keys[(partner, "", role)] = await _key(shell, tenants[partner], role, None)
        for role in CUSTOMER_ROLES:
            world.keys[(OWNER, "acme-pharma", role)] = await _key(shell, tenants[OWNER], role, customers["acme-pharma"])
            world.keys[(OWNER, "boreal-foods", role)] = await _key(shell, tenants[OWNER], role, customers["boreal-foods"])
            world.keys[(OTHER, "a customer", role)] = await _key(shell, tenants[OTHER], role, foreign)
        await _tell_the_rest(shell, tenants[OWNER], customers["acme-pharma"])
        for table in OWNED:
            await _copy_for(superuser, table, tenants[OWNER], customers["acme-pharma"])
        for name, table in TABLES.items():
            rows = await superuser.fetch(f"select id from {table} where tenant_id = $1 order by id limit 3", tenants[OWNER])
            world.ids[name] = [str(r["id"]) for r in rows]
            has_customer = await superuser.fetchval(
                "select exists (select from information_schema.columns where table_schema || '.' || table_name = $1 and column_name = 'customer_id')",
                table.replace('"', ""),
            )
            if has_customer:
                mine = await superuser.fetch(
                    f"select id from {table} where tenant_id = $1 and customer_id = $2 order by id limit 3",
                    tenants[OWNER],
                    customers["acme-pharma"],
                )
                world.of_customer[name] = [str(r["id"]) for r in mine]
    finally:
        await superuser.close()
        await shell.extras["close"]()


async def _tell_the_rest(shell: Any, tenant: UUID, customer: UUID) -> None:
    """Nouns the story has no use for: a stock position, a party, a location."""
    place = {"name": "Dock 4", "city": "Bremen", "country": "DE"}
    told = (
        {"type": "inventory.recorded", "refs": {"sku": "SKU-1"}, "data": {"site": "BRE-1", "on_hand": 7}},
        {
            "type": "shipment.recorded",
            "refs": {"shipment": "SHP-MATRIX"},
            "data": {"origin": place, "parties": [{"role": "consignee", "name": "A hospital", "location": place}]},
        },
    )
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        for event in told:
            await record(uow, parse_event({**event, "occurred_at": "2026-11-23T12:00:00Z"}), signal_id=uuid4(), customer_id=customer)


async def _copy_for(superuser: asyncpg.Connection, table: str, tenant: UUID, customer: UUID) -> None:
    """A customer's own one of what the partner has: the same row under another id and owner."""
    row = await superuser.fetchrow(f"select to_jsonb(t) as row from {table} t where tenant_id = $1 order by id limit 1", tenant)
    mine = {
        "id": str(new_id()),
        "customer_id": str(customer),
        **({"token": uuid4().hex, "name": "acme-own"} if table == "ingest.source" else {}),
    }
    fresh = await superuser.fetchval("select $1::jsonb || $2::jsonb", row["row"], json.dumps(mine))
    await superuser.execute(f"insert into {table} select * from jsonb_populate_record(null::{table}, $1::jsonb)", fresh)


async def _key(shell: Any, tenant: UUID, role: str, customer: UUID | None) -> str:
    maker = Principal(tenant, "system:test", "partner", frozenset(PERMISSIONS))
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        new = NewKey(name=f"matrix {role}", scope="customer" if customer else "partner", roles=[role], customer_id=customer)
        _, key = await create_key(uow, new, maker=maker)
    return key.text


def _routes() -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation of every route of the interface."""
    schema = create_litestar(None).openapi_schema.to_schema()
    return [
        (m.upper(), p, {**o, "_schemas": schema.get("components", {}).get("schemas", {})})
        for p, item in schema["paths"].items()
        for m, o in item.items()
        if m in ("get", "post", "put", "patch", "delete")
    ]


ROUTES = _routes()
WITH_IDS = [(m, p, o) for m, p, o in ROUTES if any(f"{{{n}}}" in p for n in TABLES)]


class TestTheInterface:
    def test_has_no_parameter_the_matrix_does_not_know(self) -> None:
        names = {part[1:-1] for _, path, _ in ROUTES for part in path.split("/") if part.startswith("{")}
        assert names - set(TABLES) - NAMES == set()

    def test_is_whole(self) -> None:
        assert len(WITH_IDS) >= 60


@pytest.mark.parametrize(("method", "path", "operation"), WITH_IDS, ids=lambda v: v if isinstance(v, str) else "")
class TestAForeignId:
    def test_of_another_tenant_is_a_missing_one(self, world: World, method: str, path: str, operation: dict[str, Any]) -> None:
        keys = [k for (partner, _, _), k in world.keys.items() if partner == OTHER]
        self._compare(world, method, path, operation, keys, world.ids)

    def test_of_another_customer_is_a_missing_one(self, world: World, method: str, path: str, operation: dict[str, Any]) -> None:
        keys = [k for (partner, customer, _), k in world.keys.items() if (partner, customer) == (OWNER, "boreal-foods")]
        self._compare(world, method, path, operation, keys, world.of_customer)

    def _compare(self, world: World, method: str, path: str, operation: dict[str, Any], keys: list[str], ids: dict[str, list[str]]) -> None:
        there = [n for n in TABLES if f"{{{n}}}" in path]
        if not all(ids.get(n) for n in there):
            pytest.skip(f"the story leaves no {', '.join(there)} of this owner")
        for key in keys:
            for index in range(max(len(ids[n]) for n in there)):
                foreign = {n: ids[n][min(index, len(ids[n]) - 1)] for n in there}
                seen = _ask(world, method, path, operation, key, foreign)
                missing = _ask(world, method, path, operation, key, {n: str(uuid4()) for n in there})
                assert seen == missing, f"{method} {path} tells a foreign id from a missing one"
                assert seen[0] in (400, 403, 404, 413, 415, 422), f"{method} {path} answered {seen[0]}: {seen[1]}"


@pytest.mark.parametrize(
    ("method", "path", "operation"), [r for r in WITH_IDS if r[0] == "GET"], ids=lambda v: v if isinstance(v, str) else ""
)
class TestTheOwner:
    def test_sees_what_the_others_do_not(self, world: World, method: str, path: str, operation: dict[str, Any]) -> None:
        there = [n for n in TABLES if f"{{{n}}}" in path]
        if not all(world.ids.get(n) for n in there):
            pytest.skip(f"the story leaves no {', '.join(there)}")
        status, body = _ask(world, method, path, operation, world.keys[(OWNER, "", "partner_admin")], {n: world.ids[n][0] for n in there})
        assert status in (200, 204) or "{version}" in path, body


def _ask(world: World, method: str, path: str, operation: dict[str, Any], key: str, ids: dict[str, str]) -> tuple[int, Any]:
    """Status and body, without what differs between any two answers: trace ids and the asked id itself."""
    address = path
    for name in {part[1:-1] for part in path.split("/") if part.startswith("{")}:
        address = address.replace(f"{{{name}}}", ids.get(name, "1" if name == "version" else "none"))
    content = operation.get("requestBody", {}).get("content", {})
    media = next(iter(content), None)
    headers = {"authorization": f"Bearer {key}", **({"content-type": media} if media else {})}
    body = _example(content[media].get("schema", {}), operation["_schemas"], ids) if media == "application/json" else None
    answer = (
        world.http.request(method, address, headers=headers, json=body)
        if media == "application/json"
        else world.http.request(method, address, headers=headers, content=b"{}" if media else b"")
    )
    shown = answer.json() if answer.headers.get("content-type", "").endswith("json") else answer.text
    if isinstance(shown, dict):
        shown = {k: v for k, v in shown.items() if k != "trace"}
    text = str(shown)
    for value in ids.values():
        text = text.replace(value, "<id>")
    return answer.status_code, text


def _example(schema: dict[str, Any], schemas: dict[str, Any], ids: dict[str, str], name: str = "", depth: int = 0) -> Any:
    """A body that passes validation, so that the look-up behind it is reached; ids in it are the foreign ones."""
    if depth > 6:
        return None
    if "$ref" in schema:
        return _example(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas, ids, name, depth + 1)
    for choice in ("oneOf", "anyOf", "allOf"):
        if choice in schema:
            return _example(next((s for s in schema[choice] if s.get("type") != "null"), {}), schemas, ids, name, depth + 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = next((k for k in kind if k != "null"), "string") if isinstance(kind, list) else kind
    if kind == "object":
        wanted = schema.get("required", [])
        return {n: _example(s, schemas, ids, n, depth + 1) for n, s in schema.get("properties", {}).items() if n in wanted or n in TABLES}
    if kind == "array":
        return [_example(schema.get("items", {}), schemas, ids, name, depth + 1) for _ in range(schema.get("minItems", 0))]
    if kind == "string":
        if schema.get("format") == "uuid":
            return ids.get(name, str(uuid4()))
        return {"date-time": "2026-11-23T12:00:00Z", "date": "2026-11-23"}.get(
            schema.get("format", ""), "x" * max(3, schema.get("minLength", 3))
        )
    return {"integer": max(1, schema.get("minimum", 1)), "number": 1, "boolean": True}.get(kind)
