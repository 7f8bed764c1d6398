"""Customers, people, roles and keys over HTTP: who may do what, and to whom it may never reach."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.core.ids import new_id
from app.core.services import Shell
from tenants.auth import Cache
from tenants.platform import create_platform_key
from tests.conftest import make_tenant
from tests.integration.tenants.conftest import make_customer, make_key

pytestmark = pytest.mark.feature("M177")


@pytest.fixture(autouse=True)
async def no_cache(shell: Shell) -> AsyncIterator[None]:
    shell.extras["tenants.auth"] = Cache(seconds=0)
    yield


async def as_role(shell: Shell, tenant: UUID, role: str, customer: UUID | None = None) -> dict[str, str]:
    scope = "customer" if customer else "partner"
    _, key = await make_key(shell, tenant, roles=[role], scope=scope, customer_id=customer)
    return {"authorization": f"Bearer {key.text}"}


@pytest.fixture
async def admin(shell: Shell, tenant: UUID) -> dict[str, str]:
    return await as_role(shell, tenant, "partner_admin")


class TestCustomers:
    async def test_are_created_changed_and_listed(self, client: httpx.AsyncClient, admin: dict[str, str]) -> None:
        made = (await client.post("/v1/customers", json={"slug": "acme", "name": "Acme", "zone": "Europe/Berlin"}, headers=admin)).json()
        changed = await client.patch(
            f"/v1/customers/{made['id']}", json={"name": "Acme Pharma", "sla": {"resolution": "PT4H"}}, headers=admin
        )
        assert changed.json() == {**made, "name": "Acme Pharma", "sla": {"resolution": "PT4H"}}
        assert (await client.get("/v1/customers", headers=admin)).json()["items"] == [changed.json()]
        assert (await client.get(f"/v1/customers/{made['id']}", headers=admin)).json() == changed.json()

    async def test_have_one_slug_each(self, client: httpx.AsyncClient, admin: dict[str, str]) -> None:
        body = {"slug": "acme", "name": "Acme"}
        assert [(await client.post("/v1/customers", json=body, headers=admin)).status_code for _ in range(2)] == [201, 409]

    @pytest.mark.parametrize(
        ("body", "status", "pointer"),
        [
            ({"slug": "acme", "name": "A", "sla": {"resolution": "soon"}}, 422, "/sla/resolution"),
            ({"slug": "acme", "name": "A", "zone": "Mars"}, 422, "/zone"),
            ({"slug": "Not A Slug", "name": "A"}, 400, "/slug"),
            ({"slug": "acme"}, 400, "/name"),
            ({"slug": "acme", "name": "A", "colour": "red"}, 400, "/colour"),
        ],
    )
    async def test_are_refused_by_place_and_remedy(self, client, admin, body: dict[str, Any], status: int, pointer: str) -> None:
        answer = await client.post("/v1/customers", json=body, headers=admin)
        problem = answer.json()
        assert answer.status_code == status and answer.headers["content-type"].startswith("application/problem+json")
        assert [e["pointer"] for e in problem["errors"]] == [pointer] or pointer.strip("/") in str(problem), problem

    @pytest.mark.feature("M178")
    async def test_of_another_tenant_are_not_there(self, client, shell: Shell, tenant: UUID, other_tenant: UUID, admin) -> None:
        foreign = await make_customer(shell, other_tenant)
        answers = []
        for customer in (foreign, new_id()):
            got = await client.get(f"/v1/customers/{customer}", headers=admin)
            patched = await client.patch(f"/v1/customers/{customer}", json={"name": "Mine"}, headers=admin)
            answers.append([(a.status_code, {k: v for k, v in a.json().items() if k not in ("trace", "instance")}) for a in (got, patched)])
        assert answers[0] == answers[1] and {status for status, _ in answers[0]} == {404}

    @pytest.mark.feature("M210")
    async def test_see_themselves_only(self, client, shell: Shell, tenant: UUID) -> None:
        mine, yours = await make_customer(shell, tenant, "mine"), await make_customer(shell, tenant, "yours")
        headers = await as_role(shell, tenant, "customer_user", mine)
        assert [c["id"] for c in (await client.get("/v1/customers", headers=headers)).json()["items"]] == [str(mine)]
        assert (await client.get(f"/v1/customers/{yours}", headers=headers)).status_code == 404
        assert (await client.patch(f"/v1/customers/{mine}", json={"name": "X"}, headers=headers)).status_code == 403


class TestUsers:
    async def test_are_invited_given_roles_relieved_and_suspended(self, client, admin) -> None:
        made = (await client.post("/v1/users", json={"email": "Kim@Northwind.example", "role": "operator"}, headers=admin)).json()
        assert made["email"] == "kim@northwind.example"
        at = f"/v1/users/{made['id']}"
        granted = (await client.post(f"{at}/roles", json={"role": "approver"}, headers=admin)).json()
        assert [m["role"] for m in granted["memberships"]] == ["operator", "approver"]
        assert (await client.post(f"{at}/roles", json={"role": "approver"}, headers=admin)).status_code == 409
        assert (await client.delete(f"{at}/roles/operator", headers=admin)).status_code == 204
        assert (await client.delete(f"{at}/roles/operator", headers=admin)).status_code == 404
        assert (await client.post(f"{at}/suspend", headers=admin)).json()["status"] == "suspended"
        assert (await client.post(f"{at}/restore", headers=admin)).json()["status"] == "active"
        assert [m["role"] for m in (await client.get(at, headers=admin)).json()["memberships"]] == ["approver"]

    async def test_get_roles_that_fit_their_scope_only(self, client, shell: Shell, tenant: UUID, admin) -> None:
        customer = await make_customer(shell, tenant)
        wrong = [
            {"email": "a@b.example", "role": "customer_admin"},
            {"email": "a@b.example", "role": "operator", "customer_id": str(customer)},
            {"email": "a@b.example", "role": "no_such_role"},
        ]
        answers = [await client.post("/v1/users", json=body, headers=admin) for body in wrong]
        assert [(a.status_code, a.json()["errors"][0]["pointer"]) for a in answers] == [(422, "/role")] * 3

    @pytest.mark.feature("M121")
    async def test_are_never_made_platform_operators(self, client, admin) -> None:
        answer = await client.post("/v1/users", json={"email": "a@b.example", "role": "platform_operator"}, headers=admin)
        assert answer.status_code in (403, 422)

    @pytest.mark.feature("M210")
    async def test_of_one_customer_are_unknown_to_another(self, client, shell: Shell, tenant: UUID, admin) -> None:
        mine, yours = await make_customer(shell, tenant, "mine"), await make_customer(shell, tenant, "yours")
        theirs = (
            await client.post("/v1/users", json={"email": "x@y.example", "role": "customer_user", "customer_id": str(yours)}, headers=admin)
        ).json()
        headers = await as_role(shell, tenant, "customer_admin", mine)
        assert (await client.get("/v1/users", headers=headers)).json()["items"] == []
        assert (await client.get(f"/v1/users/{theirs['id']}", headers=headers)).status_code == 404
        assert (await client.post(f"/v1/users/{theirs['id']}/suspend", headers=headers)).status_code == 404
        # The same address may serve both, and the answer tells nothing of the other.
        own = await client.post(
            "/v1/users", json={"email": "x@y.example", "role": "customer_user", "customer_id": str(yours)}, headers=headers
        )
        assert own.status_code == 201 and own.json()["customer_id"] == str(mine)

    @pytest.mark.feature("M121")
    async def test_of_a_customer_never_climb_to_the_partner(self, client, shell: Shell, tenant: UUID) -> None:
        headers = await as_role(shell, tenant, "customer_admin", await make_customer(shell, tenant))
        answer = await client.post("/v1/users", json={"email": "a@b.example", "role": "partner_admin"}, headers=headers)
        assert answer.status_code == 422
        assert (await client.get("/v1/policies", headers=headers)).status_code in (403, 404)


@pytest.mark.feature("M121")
class TestRoles:
    NIGHT = {"name": "night_shift", "scope": "partner", "permissions": ["cases.read", "signals.replay"]}  # noqa: RUF012

    async def test_are_made_changed_given_and_deleted(self, client, admin) -> None:
        assert (await client.post("/v1/roles", json=self.NIGHT, headers=admin)).json()["permissions"] == ["cases.read", "signals.replay"]
        changed = await client.put("/v1/roles/night_shift", json={**self.NIGHT, "permissions": ["cases.read"]}, headers=admin)
        assert changed.json()["permissions"] == ["cases.read"]
        await client.post("/v1/users", json={"email": "n@n.example", "role": "night_shift"}, headers=admin)
        assert (await client.delete("/v1/roles/night_shift", headers=admin)).status_code == 409
        listed = {r["name"]: r["built_in"] for r in (await client.get("/v1/roles", headers=admin)).json()["items"]}
        assert listed["night_shift"] is False and listed["operator"] is True and "platform_operator" not in listed

    async def test_give_what_they_hold_and_no_more(self, client, shell: Shell, tenant: UUID, admin) -> None:
        await client.post("/v1/roles", json=self.NIGHT, headers=admin)
        headers = await as_role(shell, tenant, "night_shift")
        assert (await client.get("/v1/session", headers=headers)).json()["permissions"] == ["cases.read", "signals.replay"]
        assert (await client.get("/v1/users", headers=headers)).status_code == 403

    async def test_that_exceed_their_maker_are_refused(self, client, admin) -> None:
        answer = await client.post("/v1/roles", json={**self.NIGHT, "permissions": ["approvals.decide"]}, headers=admin)
        assert answer.status_code == 403 and "approvals.decide" in answer.json()["detail"]

    async def test_that_are_built_in_stay_as_they_are(self, client, admin) -> None:
        body = {"name": "operator", "scope": "partner", "permissions": ["cases.read"]}
        assert (await client.post("/v1/roles", json=body, headers=admin)).status_code == 409
        assert (await client.put("/v1/roles/operator", json=body, headers=admin)).status_code == 409
        assert (await client.delete("/v1/roles/operator", headers=admin)).status_code in (404, 422)


@pytest.mark.feature("M54", "M125")
class TestKeys:
    BODY = {"name": "tms", "scope": "partner", "roles": ["operator"]}  # noqa: RUF012

    async def test_show_their_secret_once(self, client, admin) -> None:
        made = (await client.post("/v1/keys", json=self.BODY, headers=admin)).json()
        assert made["secret"].startswith(made["key"]["key"] + "_")
        shown = (await client.get(f"/v1/keys/{made['key']['id']}", headers=admin)).text + (await client.get("/v1/keys", headers=admin)).text
        assert made["secret"].rsplit("_", 1)[1] not in shown

    async def test_are_not_given_again_for_a_repeated_request(self, client, admin) -> None:
        headers = {**admin, "idempotency-key": str(new_id())}
        first, second = [await client.post("/v1/keys", json=self.BODY, headers=headers) for _ in range(2)]
        assert (first.status_code, second.status_code) == (201, 409)
        assert first.json()["secret"] not in second.text

    async def test_work_beside_their_successor_until_revoked(self, client, admin) -> None:
        made = (await client.post("/v1/keys", json=self.BODY, headers=admin)).json()
        rotated = (await client.post(f"/v1/keys/{made['key']['id']}/rotate", json={"overlap_seconds": 3600}, headers=admin)).json()
        old, new = ({"authorization": f"Bearer {m['secret']}"} for m in (made, rotated))
        assert [(await client.get("/v1/session", headers=h)).status_code for h in (old, new)] == [200, 200]
        revoked = await client.post(f"/v1/keys/{made['key']['id']}/revoke", headers=admin)
        assert revoked.json()["revoked_at"] and revoked.json()["successor_id"] == rotated["key"]["id"]
        assert [(await client.get("/v1/session", headers=h)).status_code for h in (old, new)] == [401, 200]
        assert (await client.post(f"/v1/keys/{made['key']['id']}/rotate", json={}, headers=admin)).status_code == 409

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"name": "x", "scope": "partner", "roles": ["customer_user"]}, "/roles/0"),
            ({"name": "x", "scope": "customer", "roles": ["customer_user"]}, "/customer_id"),
            ({"name": "x", "scope": "source", "roles": ["source_key"]}, "/source"),
            ({"name": "x", "scope": "partner", "roles": ["operator"], "addresses": ["10.0.0.0/8", "here"]}, "/addresses/1"),
            ({"name": "x", "scope": "partner", "roles": ["operator"], "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
            ({"name": "x", "scope": "partner", "roles": ["nobody"]}, "/roles/0"),
        ],
    )
    async def test_are_refused_by_place(self, client, admin, body: dict[str, Any], pointer: str) -> None:
        answer = await client.post("/v1/keys", json=body, headers=admin)
        assert answer.status_code == 422 and [e["pointer"] for e in answer.json()["errors"]] == [pointer]

    @pytest.mark.feature("M210")
    async def test_of_a_customer_are_its_own_affair_and_nobody_elses(self, client, shell: Shell, tenant: UUID, admin) -> None:
        mine, yours = await make_customer(shell, tenant, "mine"), await make_customer(shell, tenant, "yours")
        partners, _ = await make_key(shell, tenant)
        headers, theirs = await as_role(shell, tenant, "customer_admin", mine), await as_role(shell, tenant, "customer_admin", yours)
        body = {"name": "erp", "scope": "customer", "roles": ["customer_user"]}
        made = (await client.post("/v1/keys", json=body, headers=headers)).json()
        assert made["key"]["customer_id"] == str(mine)
        assert {k["customer_id"] for k in (await client.get("/v1/keys", headers=headers)).json()["items"]} == {str(mine)}
        for key in (made["key"]["id"], str(partners.id)):
            assert (await client.get(f"/v1/keys/{key}", headers=theirs)).status_code == 404
            assert (await client.post(f"/v1/keys/{key}/revoke", headers=theirs)).status_code == 404

    async def test_are_refused_to_whoever_may_not_make_them_and_that_is_recorded(self, client, shell: Shell, tenant: UUID, admin) -> None:
        headers = await as_role(shell, tenant, "operator")
        assert (await client.post("/v1/keys", json=self.BODY, headers=headers)).status_code == 403
        denied = (await client.get("/v1/audit", params={"type": "access.denied"}, headers=admin)).json()["items"]
        assert [d["data"]["permission"] for d in denied] == ["keys.write"]


async def everything(client, path: str, headers: dict[str, str], limit: int = 200) -> list[dict[str, Any]]:
    """Every item of a list, page by page."""
    items, cursor = [], None
    while True:
        page = (await client.get(path, params={"limit": limit, **({"cursor": cursor} if cursor else {})}, headers=headers)).json()
        items += page["items"]
        assert len(page["items"]) <= limit
        if page["next"] is None:
            return items
        cursor = page["next"]


class TestPlatformRoutes:
    async def test_list_partners_and_environments_page_by_page(self, client, shell: Shell) -> None:
        platform = {"authorization": f"Bearer {(await create_platform_key(shell.boundary, 'test')).text}"}
        made = sorted(f"q{new_id().hex[-12:]}" for _ in range(7))
        for slug in made:
            await make_tenant(shell, slug)
        for limit in (3, 200):
            listed = [p["slug"] for p in await everything(client, "/v1/partners", platform, limit)]
            assert listed == sorted(listed) == sorted(set(listed)) and set(made) <= set(listed)
            places = [(e["partner"], e["environment"]) for e in await everything(client, "/v1/environments", platform, limit)]
            assert places == sorted(set(places)) and {(slug, "live") for slug in made} <= set(places)
        refused = await client.get("/v1/partners", params={"cursor": "nonsense"}, headers=platform)
        assert refused.status_code == 400 and refused.json()["errors"][0]["pointer"] == "cursor"

    async def test_are_closed_to_partners(self, client, admin) -> None:
        body = {"slug": "mine", "name": "Mine", "event_namespace": "mine"}
        assert (await client.post("/v1/partners", json=body, headers=admin)).status_code == 403
        assert (await client.post("/v1/environments", json={"partner": "mine", "environment": "test"}, headers=admin)).status_code == 403

    async def test_show_a_partner_itself_only(self, client, tenant: UUID, admin) -> None:
        environments = (await client.get("/v1/environments", headers=admin)).json()["items"]
        assert [e["id"] for e in environments] == [str(tenant)]
        assert len((await client.get("/v1/partners", headers=admin)).json()["items"]) == 1

    async def test_let_the_operator_create_partners_and_environments(self, client, shell: Shell) -> None:
        platform = {"authorization": f"Bearer {(await create_platform_key(shell.boundary, 'test')).text}"}
        slug = f"p{new_id().hex[-12:]}"
        made = await client.post("/v1/partners", json={"slug": slug, "name": "P", "event_namespace": slug}, headers=platform)
        assert made.status_code == 201 and made.json()["slug"] == slug
        body = {"partner": slug, "environment": "test"}
        assert [(await client.post("/v1/environments", json=body, headers=platform)).status_code for _ in range(2)] == [201, 409]
        found = await everything(client, "/v1/environments", platform)
        assert sorted(e["environment"] for e in found if e["partner"] == slug) == ["live", "test"]
        assert (await client.get("/v1/customers", headers=platform)).status_code == 401
