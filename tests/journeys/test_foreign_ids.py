"""Every route × role × foreign id: what belongs to another tenant, or another customer of one's own, is answered as if it were not there.

The matrix is made from the interface itself, so a new route is in it from its first day. It runs after the story, when every
noun has rows; the owner's own look at each is the proof that the id really exists.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.core.clock import SystemClock
from app.core.settings import Settings
from app.main.application import create_litestar
from app.main.assembly import build_shell
from tenants.commands.keys import create_key
from tenants.permissions import PERMISSIONS
from tenants.principal import Principal
from tenants.schemas import NewKey
from tests.installation import Running
from tests.nouns import CUSTOMER, NEIGHBOUR, OTHER, OWNER, TABLES, Rows

pytestmark = pytest.mark.feature("M178", "M179", "M210")

PARTNER_ROLES = ("partner_admin", "operator", "approver", "analyst")
CUSTOMER_ROLES = ("customer_admin", "customer_user")

# Names are not secrets of anybody: the same name may exist in every tenant, and is looked up inside one's own.
NAMES = {
    "version",
    "workflow_name",
    "role_name",
    "type_name",
    "schema_name",
    "capability_name",
    "source_name",
    "kpi_name",
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
def world(rows: Rows, installation: Running) -> World:
    http = httpx.Client(base_url=installation.installation.base_url, timeout=30)
    built = World(http, ids=rows.ids, of_customer=rows.of_customer)
    asyncio.run(_furnish(built, installation, rows))
    return built


async def _furnish(world: World, installation: Running, rows: Rows) -> None:
    shell = await build_shell(Settings.load(installation.installation.environment()), SystemClock())
    foreign = next(each for (partner, _), each in sorted(rows.customers.items()) if partner == OTHER)
    try:
        for partner in (OWNER, OTHER):
            for role in PARTNER_ROLES:
                world.keys[(partner, "", role)] = await _key(shell, rows.tenants[partner], role, None)
        for role in CUSTOMER_ROLES:
            for customer in (CUSTOMER, NEIGHBOUR):
                world.keys[(OWNER, customer, role)] = await _key(shell, rows.tenants[OWNER], role, rows.customers[(OWNER, customer)])
            world.keys[(OTHER, "a customer", role)] = await _key(shell, rows.tenants[OTHER], role, foreign)
    finally:
        await shell.extras["close"]()


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
        keys = [k for (partner, customer, _), k in world.keys.items() if (partner, customer) == (OWNER, NEIGHBOUR)]
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
        # What is the work's own an admin has no business with: an operator looks then.
        for role in ("partner_admin", "operator"):
            status, body = _ask(world, method, path, operation, world.keys[(OWNER, "", role)], {n: world.ids[n][0] for n in there})
            if status != 403:
                break
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
