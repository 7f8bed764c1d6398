"""Provisioning: one document makes an environment, again it changes nothing, and an error leaves nothing behind."""

import copy
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from app.core.errors import FieldError, Invalid
from app.core.ids import new_id
from app.core.services import Shell
from app.core.uow import UnitOfWork
from tenants.auth import Cache
from tenants.models import Customer
from tenants.platform import create_platform_key
from tenants.schemas import Change, Section
from tests.integration.tenants.conftest import make_key
from tests.integration.tenants.test_routes import everything

pytestmark = pytest.mark.feature("M188")


class Notes:
    """A room's part of the manifest, as any room offers one: it keeps what it was asked and can be told to fail."""

    def __init__(self) -> None:
        self.seen: list[tuple[list[dict[str, Any]], UUID | None, bool]] = []
        self.fails = False

    async def reconcile(
        self, uow: UnitOfWork, shell: Shell, wanted: list[dict[str, Any]], *, customer_id: UUID | None, prune: bool
    ) -> list[Change]:
        self.seen.append((wanted, customer_id, prune))
        if self.fails:
            raise Invalid("Notes can't be kept.", errors=[FieldError("/0/text", "is too sad", "Cheer it up.")])
        uow.publish("note.kept", customer_id=customer_id)
        return [Change(what="note", name=str(note["name"]), action="create") for note in wanted]


@pytest.fixture
async def notes(shell: Shell) -> AsyncIterator[Notes]:
    before, notes = shell.extras["sections"], Notes()
    shell.extras["sections"] = [Section("notes", notes.reconcile, "both")]
    shell.extras["tenants.auth"] = Cache(seconds=0)
    yield notes
    shell.extras["sections"] = before


@pytest.fixture
async def platform(shell: Shell) -> dict[str, str]:
    key = await create_platform_key(shell.boundary, "test")
    return {"authorization": f"Bearer {key.text}"}


@pytest.fixture
def manifest() -> dict[str, Any]:
    slug = f"p{new_id().hex[-12:]}"
    return {
        "version": 1,
        "partner": {"slug": slug, "name": "Northwind", "type": "msp", "event_namespace": slug},
        "environment": "live",
        "users": [{"email": "ops@northwind.example", "roles": ["operator", "approver"]}],
        "roles": [{"name": "night_shift", "scope": "partner", "permissions": ["cases.read", "signals.read"]}],
        "customers": [
            {
                "slug": "acme",
                "name": "Acme Pharma",
                "sla": {"first_response": "PT30M", "resolution": "PT8H", "calendar": {"zone": "Europe/Berlin", "holidays": "DE-BE"}},
                "users": [{"email": "ops@acme.example", "role": "customer_admin"}],
                "notes": [{"name": "inner", "text": "x"}],
            },
            {"slug": "boreal", "name": "Boreal Foods"},
        ],
        "notes": [{"name": "outer", "text": "y"}],
    }


async def put(client: httpx.AsyncClient, headers: dict[str, str], manifest: dict[str, Any], *, dry_run: bool = False) -> httpx.Response:
    return await client.put("/v1/provisioning/manifest", params={"dry_run": str(dry_run).lower()}, json=manifest, headers=headers)


def done(answer: httpx.Response) -> set[tuple[str, str, str]]:
    """What changed, in short."""
    assert answer.status_code == 200, answer.text
    return {(change["what"], change["name"], change["action"]) for change in answer.json()["changes"] if change["action"] != "unchanged"}


async def environments(client: httpx.AsyncClient, platform: dict[str, str], partner: str) -> list[str]:
    found = (await client.get("/v1/environments", headers=platform)).json()["items"]
    return [environment["environment"] for environment in found if environment["partner"] == partner]


class TestFirstApply:
    async def test_makes_everything_and_answers_the_first_key_once(self, client, platform, notes: Notes, manifest: dict[str, Any]) -> None:
        answer = await put(client, platform, manifest)
        assert done(answer) >= {
            ("partner", manifest["partner"]["slug"], "create"), ("environment", "live", "create"), ("customer", "acme", "create"),
            ("user", "ops@acme.example", "create"), ("role", "night_shift", "create"), ("note", "inner", "create"), ("note", "outer", "create"),
        }  # fmt: skip
        admin = {"authorization": f"Bearer {answer.json()['admin_key']}"}
        customers = (await client.get("/v1/customers", headers=admin)).json()["items"]
        assert {customer["slug"] for customer in customers} == {"acme", "boreal"}
        assert (await put(client, platform, manifest)).json()["admin_key"] is None

    async def test_hands_each_room_its_part_with_its_customer(
        self, client, shell: Shell, platform, notes: Notes, manifest: dict[str, Any]
    ) -> None:
        answer = await put(client, platform, manifest)
        admin = {"authorization": f"Bearer {answer.json()['admin_key']}"}
        acme = next(c["id"] for c in (await client.get("/v1/customers", headers=admin)).json()["items"] if c["slug"] == "acme")
        assert notes.seen == [(manifest["notes"], None, False), (manifest["customers"][0]["notes"], UUID(acme), False)]
        assert {change["customer"] for change in answer.json()["changes"] if change["name"] == "inner"} == {"acme"}

    async def test_that_fails_leaves_no_partner_behind(self, client, platform, notes: Notes, manifest: dict[str, Any]) -> None:
        notes.fails = True
        answer = await put(client, platform, manifest)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "/notes/0/text"
        partners = await everything(client, "/v1/partners", platform)
        assert manifest["partner"]["slug"] not in {partner["slug"] for partner in partners}
        notes.fails = False
        assert (await put(client, platform, manifest)).json()["admin_key"]

    async def test_when_only_asked_leaves_nothing_behind(self, client, platform, notes: Notes, manifest: dict[str, Any]) -> None:
        asked = await put(client, platform, manifest, dry_run=True)
        assert asked.json()["admin_key"] is None and asked.json()["dry_run"] is True
        assert await environments(client, platform, manifest["partner"]["slug"]) == []
        assert done(await put(client, platform, manifest)) == done(asked)


class TestSecondApply:
    async def test_changes_nothing(self, client, platform, notes: Notes, manifest: dict[str, Any]) -> None:
        await put(client, platform, manifest)
        again = await put(client, platform, manifest)
        assert {what for what, _, _ in done(again)} <= {"note"}

    async def test_tells_what_differs_before_and_after(self, client, platform, notes: Notes, manifest: dict[str, Any]) -> None:
        await put(client, platform, manifest)
        manifest["customers"][1]["name"] = "Boreal Frozen Foods"
        manifest["partner"]["name"] = "Northwind Care"
        changes = {(c["what"], c["name"]): c["fields"] for c in (await put(client, platform, manifest)).json()["changes"]}
        assert changes["customer", "boreal"] == {"name": ["Boreal Foods", "Boreal Frozen Foods"]}
        assert changes["partner", manifest["partner"]["slug"]] == {"name": ["Northwind", "Northwind Care"]}
        assert done(await put(client, platform, manifest)) <= {("note", "inner", "create"), ("note", "outer", "create")}

    async def test_that_fails_changes_nothing_of_what_came_before_it(
        self, client, platform, notes: Notes, manifest: dict[str, Any]
    ) -> None:
        first = await put(client, platform, manifest)
        admin = {"authorization": f"Bearer {first.json()['admin_key']}"}
        broken = copy.deepcopy(manifest)
        broken["customers"].append({"slug": "third", "name": "Third"})
        broken["partner"]["name"] = "Renamed"
        notes.fails = True
        assert (await put(client, platform, broken)).status_code == 400
        assert {c["slug"] for c in (await client.get("/v1/customers", headers=admin)).json()["items"]} == {"acme", "boreal"}
        assert (await client.get("/v1/partners", headers=admin)).json()["items"][0]["name"] == "Northwind"

    async def test_takes_nothing_away_unless_told_to_prune(self, client, platform, notes: Notes, manifest: dict[str, Any]) -> None:
        await put(client, platform, manifest)
        del manifest["customers"][1]
        manifest["users"] = [{"email": "new@northwind.example", "role": "operator"}]
        kept = done(await put(client, platform, manifest))
        assert not {action for _, _, action in kept} & {"delete"}
        pruned = done(await put(client, platform, {**manifest, "prune": True}))
        assert {change for change in pruned if change[2] == "delete"} == {
            ("customer", "boreal", "delete"), ("user", "ops@northwind.example", "delete"),
        }  # fmt: skip
        assert notes.seen[-1][2] is True


class TestWhoMayApply:
    async def test_an_administrator_their_own_environment(self, client, platform, notes: Notes, manifest: dict[str, Any]) -> None:
        admin = {"authorization": f"Bearer {(await put(client, platform, manifest)).json()['admin_key']}"}
        manifest["customers"][1]["name"] = "Boreal"
        assert ("customer", "boreal", "update") in done(await put(client, admin, manifest))

    async def test_not_another_environment(self, client, platform, notes: Notes, manifest: dict[str, Any]) -> None:
        admin = {"authorization": f"Bearer {(await put(client, platform, manifest)).json()['admin_key']}"}
        assert (await put(client, admin, {**manifest, "environment": "test"})).status_code == 409
        assert (await put(client, admin, {**manifest, "partner": {**manifest["partner"], "slug": "other"}})).status_code == 409

    async def test_not_the_partners_own_name(self, client, platform, notes: Notes, manifest: dict[str, Any]) -> None:
        admin = {"authorization": f"Bearer {(await put(client, platform, manifest)).json()['admin_key']}"}
        manifest["partner"]["name"] = "Better"
        assert (await put(client, admin, manifest)).status_code == 403

    async def test_nobody_else(self, client, shell: Shell, tenant: UUID, notes: Notes, manifest: dict[str, Any]) -> None:
        _, key = await make_key(shell, tenant, roles=["operator"])
        assert (await put(client, {"authorization": f"Bearer {key.text}"}, manifest)).status_code == 403


class TestBadManifest:
    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"environment": "production"}, "/environment"),
            ({"kittens": []}, "/kittens"),
            ({"notes": [{"name": "x", "text": "file:/etc/passwd"}]}, "/notes/0/text"),
            ({"notes": [{"name": "x", "text": "env:DETOUR_MASTER_KEY"}]}, "/notes/0/text"),
            ({"version": 7}, "/version"),
            ({"roles": [{"name": "boss", "scope": "partner", "permissions": ["partners.write"]}]}, "/roles/0/permissions/0"),
            ({"users": [{"email": "a@b.example", "role": "customer_admin"}]}, "/users/0/role"),
        ],
    )
    async def test_is_refused_with_the_place_that_is_wrong(self, client, platform, notes: Notes, manifest, change, pointer: str) -> None:
        answer = await put(client, platform, {**manifest, **change})
        assert answer.status_code == 422, answer.text
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
        assert await environments(client, platform, manifest["partner"]["slug"]) == []

    async def test_of_a_taken_namespace_is_refused(self, client, platform, notes: Notes, manifest: dict[str, Any]) -> None:
        await put(client, platform, manifest)
        thief = {**manifest, "partner": {**manifest["partner"], "slug": f"q{new_id().hex[-12:]}"}}
        assert (await put(client, platform, thief)).status_code == 409


class TestSchema:
    async def test_keeps_the_contract_as_it_was_written(
        self, client, shell: Shell, platform, notes: Notes, manifest: dict[str, Any]
    ) -> None:
        await put(client, platform, manifest)
        rows = await shell.boundary.look_up("select core.find_tenant($1, 'live') as tenant", manifest["partner"]["slug"])
        async with shell.read(rows[0]["tenant"]) as uow:
            acme = (await uow.execute(select(Customer).where(Customer.slug == "acme"))).scalar_one()
            assert acme.sla == manifest["customers"][0]["sla"]
