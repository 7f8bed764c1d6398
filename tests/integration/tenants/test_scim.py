"""A directory keeps our people in step with its own."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.core.services import Shell
from tenants.auth import Cache
from tests.conftest import make_tenant
from tests.integration.portal.people import branded_host, sign_in
from tests.integration.tenants.conftest import make_customer, make_key

pytestmark = pytest.mark.feature("M188")
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


async def directory(shell: Shell, app: Any, tenant: UUID, **key: Any) -> httpx.AsyncClient:
    _, made = await make_key(shell, tenant, **{"roles": ["partner_admin"], **key})
    headers = {"authorization": f"Bearer {made.text}", "content-type": "application/scim+json"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1/scim/v2", headers=headers)


@pytest.fixture
async def scim(shell: Shell, app: Any, tenant: UUID) -> AsyncIterator[httpx.AsyncClient]:
    shell.extras["tenants.auth"] = Cache(seconds=0)
    async with await directory(shell, app, tenant) as client:
        yield client


def someone(**more: Any) -> dict[str, Any]:
    name = uuid4().hex[:10]
    return {
        "userName": f"{name}@acme.example",
        "externalId": name,
        "name": {"givenName": "Kim", "familyName": name},
        "active": True,
        **more,
    }


async def made(scim: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await scim.post("/Users", json=someone(**more))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


class TestAUser:
    async def test_is_taken_in_without_a_role(self, scim: httpx.AsyncClient) -> None:
        answer = await scim.post("/Users", json=someone(locale="de", timezone="Europe/Berlin"))
        user = answer.json()
        assert answer.status_code == 201 and answer.headers["content-type"] == "application/scim+json"
        assert answer.headers["location"] == user["meta"]["location"] and answer.headers["etag"] == user["meta"]["version"]
        assert user["displayName"].startswith("Kim ") and user["timezone"] == "Europe/Berlin" and "groups" not in user
        assert (await scim.get(f"/Users/{user['id']}")).json() == user

    async def test_is_found_as_directories_ask(self, scim: httpx.AsyncClient) -> None:
        user = await made(scim)
        for asked in (
            f'userName eq "{user["userName"].upper()}"',
            f'externalId eq "{user["externalId"]}"',
            f'emails[value eq "{user["userName"]}"]',
        ):
            found = (await scim.get("/Users", params={"filter": asked})).json()
            assert (found["totalResults"], [u["id"] for u in found["Resources"]]) == (1, [user["id"]]), asked
        assert (await scim.get("/Users", params={"filter": 'userName eq "nobody@acme.example"'})).json()["totalResults"] == 0

    async def test_twice_is_refused_in_scims_own_words(self, scim: httpx.AsyncClient) -> None:
        user = await made(scim)
        answer = await scim.post("/Users", json={"userName": user["userName"]})
        assert answer.status_code == 409
        assert answer.json() | {"detail": ""} == {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "409", "scimType": "uniqueness", "detail": "",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("wrong", "attribute"),
        [
            ({"userName": "kim"}, "userName"),
            ({"locale": "Klingon!"}, "locale"),
            ({"timezone": "Moon/Base"}, "timezone"),
            ({"active": "perhaps"}, "active"),
        ],
    )
    async def test_that_can_not_be_used_is_refused_by_name(self, scim: httpx.AsyncClient, wrong: dict[str, Any], attribute: str) -> None:
        answer = await scim.post("/Users", json=someone(**wrong))
        assert answer.status_code == 400 and answer.json()["scimType"] == "invalidValue" and attribute in answer.json()["detail"]

    async def test_that_is_switched_off_is_signed_out_and_let_in_again(
        self, shell: Shell, app: Any, tenant: UUID, scim: httpx.AsyncClient
    ) -> None:
        host = await branded_host(shell, tenant)
        kim = await sign_in(shell, app, tenant, host, "operator")
        off = {"schemas": [PATCH], "Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
        assert (await kim.client.get("/v1/session")).status_code == 200
        assert (await scim.patch(f"/Users/{kim.user_id}", json=off)).json()["active"] is False
        assert (await kim.client.get("/v1/session")).status_code in (303, 401)
        on = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": True}}]}
        assert (await scim.patch(f"/Users/{kim.user_id}", json=on)).json()["active"] is True

    async def test_that_is_deleted_is_gone_and_comes_back_as_the_same_person(self, scim: httpx.AsyncClient) -> None:
        user = await made(scim)
        assert (await scim.delete(f"/Users/{user['id']}")).status_code == 204
        gone = await scim.get(f"/Users/{user['id']}")
        assert gone.status_code == 404 and gone.json()["status"] == "404"
        assert (await scim.delete(f"/Users/{user['id']}")).status_code == 404
        back = (await scim.post("/Users", json={"userName": user["userName"]})).json()
        assert back["id"] == user["id"] and back["active"] is True

    async def test_changed_meanwhile_is_not_overwritten(self, scim: httpx.AsyncClient) -> None:
        user = await made(scim)
        renamed = {**user, "displayName": "Somebody Else"}
        assert (await scim.put(f"/Users/{user['id']}", json=renamed, headers={"if-match": user["meta"]["version"]})).status_code == 200
        assert (await scim.put(f"/Users/{user['id']}", json=user, headers={"if-match": user["meta"]["version"]})).status_code == 412

    async def test_lists_go_page_by_page(self, scim: httpx.AsyncClient) -> None:
        ids = [(await made(scim))["id"] for _ in range(5)]
        first = (await scim.get("/Users", params={"startIndex": 1, "count": 2})).json()
        second = (await scim.get("/Users", params={"startIndex": 3, "count": 3})).json()
        assert (first["totalResults"], first["itemsPerPage"], second["startIndex"]) == (5, 2, 3)
        assert [u["id"] for u in first["Resources"] + second["Resources"]] == ids


class TestAGroup:
    async def test_is_a_role_its_members_hold(self, scim: httpx.AsyncClient) -> None:
        user = await made(scim)
        add = {"schemas": [PATCH], "Operations": [{"op": "Add", "path": "members", "value": [{"value": user["id"]}]}]}
        assert [m["value"] for m in (await scim.patch("/Groups/operator", json=add)).json()["members"]] == [user["id"]]
        assert [g["value"] for g in (await scim.get(f"/Users/{user['id']}")).json()["groups"]] == ["operator"]
        take = {"schemas": [PATCH], "Operations": [{"op": "remove", "path": f'members[value eq "{user["id"]}"]'}]}
        assert "members" not in (await scim.patch("/Groups/operator", json=take)).json()

    async def test_is_found_by_its_name(self, scim: httpx.AsyncClient) -> None:
        found = (await scim.get("/Groups", params={"filter": 'displayName eq "approver"'})).json()
        assert [g["id"] for g in found["Resources"]] == ["approver"]

    async def test_can_not_be_made_or_removed_by_a_directory(self, scim: httpx.AsyncClient) -> None:
        for answer in (await scim.post("/Groups", json={"displayName": "Everybody"}), await scim.delete("/Groups/operator")):
            assert answer.status_code == 403 and answer.json()["scimType"] == "mutability"


class TestTheWall:
    async def test_a_customers_directory_reaches_its_own_people_only(
        self, shell: Shell, app: Any, tenant: UUID, scim: httpx.AsyncClient
    ) -> None:
        partners = await made(scim)
        acme, zeta = [await make_customer(shell, tenant, slug) for slug in ("acme", "zeta")]
        of_acme, of_zeta = [
            await directory(shell, app, tenant, scope="customer", customer_id=each, roles=["customer_admin"]) for each in (acme, zeta)
        ]
        kim = await made(of_acme)
        for stranger in (of_zeta, scim, await directory(shell, app, await make_tenant(shell))):
            assert (await stranger.get(f"/Users/{kim['id']}")).status_code == 404
            assert kim["id"] not in [u["id"] for u in (await stranger.get("/Users")).json()["Resources"]]
            patch = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": False}]}
            assert (await stranger.patch(f"/Users/{kim['id']}", json=patch)).status_code == 404
        assert (await of_acme.get(f"/Users/{partners['id']}")).status_code == 404
        assert [g["id"] for g in (await of_acme.get("/Groups")).json()["Resources"]] == ["customer_admin", "customer_user"]
        foreign = {"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": [{"value": partners["id"]}]}]}
        assert (await of_acme.patch("/Groups/customer_user", json=foreign)).status_code == 400

    async def test_nobody_gives_what_they_do_not_hold(self, shell: Shell, app: Any, tenant: UUID, scim: httpx.AsyncClient) -> None:
        user = await made(scim)
        async with await directory(shell, app, tenant, roles=["operator"]) as weak:
            assert (await weak.post("/Users", json=someone())).status_code == 403
            add = {"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": [{"value": user["id"]}]}]}
            assert (await weak.patch("/Groups/partner_admin", json=add)).status_code == 403

    async def test_without_a_key_nothing_is_said(self, app: Any) -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1/scim/v2") as nobody:
            answer = await nobody.get("/Users")
        assert answer.status_code == 401 and answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


class TestConformance:
    async def test_an_independent_checker_finds_nothing_wrong(self, shell: Shell, app: Any, tenant: UUID, served: str) -> None:
        """The checker of the scim2 project, over a real server: discovery, creating, reading, replacing, patching, deleting, filters."""
        import httpx2
        from scim2_client.engines.httpx2 import SyncSCIMClient
        from scim2_tester import Status, check_server

        _, key = await make_key(shell, tenant, roles=["partner_admin"])

        def checked() -> list[Any]:
            http = httpx2.Client(base_url=f"{served}/scim/v2", headers={"authorization": f"Bearer {key.text}"}, timeout=30)
            client = SyncSCIMClient(http)
            client.discover()
            fields = client.get_resource_model("User").model_fields
            # A userName is an address, a locale and a zone are known ones; the checker would make any text up.
            fields["user_name"].examples = [f"{uuid4().hex[:10]}@people.example" for _ in range(200)]
            fields["locale"].examples, fields["timezone"].examples = ["de", "en-GB", "fr"], ["Europe/Berlin", "Asia/Tokyo", "UTC"]
            return list(check_server(client, raise_exceptions=False, resource_types=["User"]))

        results = await asyncio.to_thread(checked)
        wrong = [f"{r.title}: {r.reason}" for r in results if r.status not in (Status.SUCCESS, Status.SKIPPED)]
        assert not wrong, "\n".join(wrong)
        assert len(results) > 20
