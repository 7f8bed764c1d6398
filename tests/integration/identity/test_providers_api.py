"""Identity providers over HTTP and from a manifest: a secret goes in and never comes out, a customer's are its own."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text as sql

from app.core.services import Shell
from tenants.models import IdentityProvider
from tests.integration.identity.conftest import said
from tests.integration.portal.people import Person
from tests.integration.tenants.conftest import make_customer, make_key

pytestmark = pytest.mark.feature("M193")
NEW = {"name": "Work account", "issuer": "https://login.example.com", "client_id": "portal", "client_secret": "s3cret-of-the-client"}


class Api:
    """The interface, asked with one key or session."""

    def __init__(self, client: httpx.AsyncClient, head: dict[str, str]) -> None:
        self._client, self._head = client, {**head, "accept": "application/json"}

    async def __call__(self, method: str, path: str = "", **body: Any) -> httpx.Response:
        return await self._client.request(method, f"/v1/identity-providers{path}", json=body or None, headers=self._head)


@pytest.fixture
async def api(shell: Shell, client: httpx.AsyncClient, tenant: UUID) -> Api:
    _, key = await make_key(shell, tenant, roles=["partner_admin"])
    return Api(client, {"authorization": f"Bearer {key.text}"})


@pytest.fixture
async def kim(signed_in) -> Api:
    person: Person = await signed_in("customer_admin")
    return Api(person.client, {"x-csrf-token": person.csrf})


class TestAProvider:
    async def test_is_made_shown_changed_and_taken_away(self, api: Api) -> None:
        made = (await api("POST", **NEW)).json()
        assert (
            made["has_secret"]
            and made["callback_path"] == f"/sign-in/callback/{made['id']}"
            and made["scopes"] == ["openid", "email", "profile"]
        )
        changed = await api("PATCH", f"/{made['id']}", name="Staff account", domains=["Northwind.example"])
        assert (changed.json()["name"], changed.json()["domains"], changed.json()["unconfirmed_domains"]) == (
            "Staff account",
            ["northwind.example"],
            [],
        )
        assert [p["name"] for p in (await api("GET")).json()["items"]] == ["Staff account"]
        assert (await api("DELETE", f"/{made['id']}")).status_code == 204
        assert (await api("GET", f"/{made['id']}")).status_code == 404

    async def test_never_shows_its_secret_again(self, api: Api, shell: Shell, tenant: UUID) -> None:
        made = await api("POST", **NEW)
        answers = [
            made,
            await api("GET"),
            await api("GET", f"/{made.json()['id']}"),
            await api("PATCH", f"/{made.json()['id']}", client_secret="another-s3cret"),
        ]
        assert not any("s3cret" in answer.text for answer in answers)
        async with shell.read(tenant) as uow:
            told = (await uow.session.execute(sql("select string_agg(envelope::text, ' ') from core.event"))).scalar_one()
            row = await uow.get(IdentityProvider, UUID(made.json()["id"]))
        assert "s3cret" not in told and row.sealed_secret is not None and b"s3cret" not in row.sealed_secret

    @pytest.mark.parametrize(
        ("bent", "pointer"),
        [
            ({"issuer": "http://login.example.com"}, "/issuer"),
            ({"issuer": "https://login.example.com/?a=b"}, "/issuer"),
            ({"requires_verified_email": False}, "/reason"),
            ({"creates_users": True, "default_role": "operator"}, "/domains"),
            ({"creates_users": True, "domains": ["a.example"]}, "/default_role"),
            ({"default_role": "customer_user"}, "/default_role"),
            ({"default_role": "nobody_knows"}, "/role"),
        ],
        ids=str,
    )
    async def test_that_could_let_the_wrong_people_in_is_refused_at_the_field(self, api: Api, bent: dict[str, Any], pointer: str) -> None:
        answer = await api("POST", **NEW) if not bent else await api("POST", **{**NEW, **bent})
        assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == pointer

    async def test_of_the_same_name_is_refused(self, api: Api) -> None:
        await api("POST", **NEW)
        assert (await api("POST", **NEW)).status_code == 409

    async def test_says_in_the_log_why_addresses_are_trusted_unchecked(self, api: Api, shell: Shell, tenant: UUID) -> None:
        await api("POST", **{**NEW, "requires_verified_email": False, "reason": "Our directory has no such claim"})
        [made] = await said(shell, tenant, "identity_provider.created")
        assert made["data"] == {
            "name": "Work account",
            "issuer": NEW["issuer"],
            "accepts_unverified_email": True,
            "reason": "Our directory has no such claim",
        }


class TestACustomersProvider:
    async def test_is_the_customers_own_and_waits_for_the_partners_word_to_be_found(
        self, shell, tenant, customer: UUID, kim: Api, api: Api, signed_in
    ) -> None:
        made = (await kim("POST", **NEW, domains=["acme.example"])).json()
        assert made["customer_id"] == str(customer) and made["unconfirmed_domains"] == ["acme.example"]
        assert (await kim("POST", f"/{made['id']}/confirm")).status_code == 403
        assert (await api("POST", f"/{made['id']}/confirm")).json()["unconfirmed_domains"] == []
        more = (await kim("PATCH", f"/{made['id']}", domains=["acme.example", "boreal.example"])).json()
        assert more["unconfirmed_domains"] == ["boreal.example"]

    async def test_can_be_sealed_in_the_customers_scope_and_opened_in_the_tenants(self, shell, tenant, kim: Api) -> None:
        from tenants.commands.identity_providers import open_secret

        made = (await kim("POST", **NEW, domains=["acme.example"])).json()
        async with shell.read(tenant) as uow:
            assert await open_secret(shell, uow, await uow.get(IdentityProvider, UUID(made["id"]))) == NEW["client_secret"]

    async def test_never_names_another_customer_nor_a_role_beyond_its_maker(self, shell, tenant, customer, kim: Api) -> None:
        other = await make_customer(shell, tenant, "boreal")
        made = (await kim("POST", **NEW, domains=["acme.example"], customer_id=str(other))).json()
        assert made["customer_id"] == str(customer)
        refused = await kim("POST", **{**NEW, "name": "Two"}, domains=["acme.example"], creates_users=True, default_role="operator")
        assert refused.status_code == 422

    async def test_is_not_seen_beside_the_partners(self, api: Api, kim: Api) -> None:
        own = (await api("POST", **NEW)).json()
        assert (await kim("GET")).json()["items"] == []
        for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/confirm")):
            assert (await kim(method, f"/{own['id']}{path}", **({"name": "Mine"} if method == "PATCH" else {}))).status_code == 404


class TestATest:
    async def test_says_what_works(self, api: Api, issuer) -> None:
        made = (await api("POST", **{**NEW, "issuer": issuer.issuer})).json()
        found = (await api("POST", f"/{made['id']}/test")).json()
        assert found["works"] and {check["name"] for check in found["checks"]} == {"description", "keys", "algorithms", "client"}

    @pytest.mark.parametrize("wrong", ["http://127.0.0.1:9", "http://localhost:{port}", "http://127.0.0.1:{port}/"])
    async def test_says_what_does_not(self, api: Api, issuer, wrong: str) -> None:
        made = (await api("POST", **{**NEW, "issuer": wrong.format(port=issuer.port)})).json()
        answer = await api("POST", f"/{made['id']}/test")
        assert answer.status_code == 503 or (
            not answer.json()["works"] and "issuer must be written exactly so" in answer.json()["checks"][0]["detail"]
        )

    @pytest.mark.parametrize("inside", ["https://169.254.169.254", "https://10.0.0.1", "https://[::ffff:10.0.0.1]"])
    async def test_never_reaches_inside_the_network(self, api: Api, inside: str) -> None:
        made = (await api("POST", **{**NEW, "issuer": inside})).json()
        found = (await api("POST", f"/{made['id']}/test")).json()
        assert not found["works"] and "can't be" in found["checks"][0]["detail"]


class TestAManifest:
    async def test_brings_providers_of_the_partner_and_of_its_customers(self, shell, client, tenant) -> None:
        _, key = await make_key(shell, tenant, roles=["partner_admin"])
        async with shell.read(tenant) as uow:
            info = (await uow.session.execute(sql("select partner_slug, partner_name, event_namespace from core.tenant_info()"))).one()
        entry = {"name": "Work account", "issuer": "https://login.example.com", "client_id": "portal", "secret": {"secret": "s3cret-one"}}
        manifest: dict[str, Any] = {
            "version": 1, "partner": {"slug": info.partner_slug, "name": info.partner_name, "event_namespace": info.event_namespace}, "environment": "live",
            "identity_providers": [entry],
            "customers": [{"slug": "acme", "name": "Acme", "identity_providers": [{**entry, "domains": ["acme.example"]}]}],
        }  # fmt: skip

        async def apply(**more: Any) -> list[tuple[str, str | None, list[str]]]:
            answer = await client.put(
                "/v1/provisioning/manifest", json={**manifest, **more}, headers={"authorization": f"Bearer {key.text}"}
            )
            assert answer.status_code == 200 and "s3cret" not in answer.text, answer.text
            return [(c["action"], c["customer"], sorted(c["fields"])) for c in answer.json()["changes"] if c["what"] == "identity_provider"]

        assert await apply() == [("create", None, []), ("create", "acme", [])]
        assert await apply() == [("unchanged", None, []), ("unchanged", "acme", [])]
        changed = {**entry, "client_id": "console", "secret": {"secret": "s3cret-two"}}
        assert await apply(identity_providers=[changed]) == [("update", None, ["client_id", "secret"]), ("unchanged", "acme", [])]
        again = [{**changed, "name": "Renamed"}]
        assert ("delete", None, []) in await apply(identity_providers=again, prune=True)
