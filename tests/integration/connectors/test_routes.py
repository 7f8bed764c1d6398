"""Over HTTP: what a partner's people can see and do with systems, and what others can't."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from app.connectors.commands import create_connection
from app.core.ids import new_id
from tests.integration.connectors.conftest import Customer, World, make_customer, wanted
from tests.integration.tenants.conftest import make_key

pytestmark = pytest.mark.feature("M46", "M59", "M143")


class Api:
    """The client with one key."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self._client = client
        self._headers = {"authorization": f"Bearer {token}"}

    async def get(self, path: str, status: int = 200) -> Any:
        return self._checked(await self._client.get(path, headers=self._headers), status)

    async def post(self, path: str, body: object = None, status: int = 200, **headers: str) -> Any:
        sent = {**self._headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self._checked(await self._client.post(path, json=body, headers=sent), status)

    def _checked(self, answer: httpx.Response, status: int) -> Any:
        assert answer.status_code == status, answer.text
        return answer.json()


async def api_for(customer: Customer, client: httpx.AsyncClient, role: str) -> Api:
    _, key = await make_key(customer.shell, customer.tenant, roles=[role])
    return Api(client, key.text)


@pytest.fixture
async def admin(customer: Customer, client: httpx.AsyncClient) -> Api:
    return await api_for(customer, client, "partner_admin")


@pytest.fixture
async def operator(customer: Customer, client: httpx.AsyncClient) -> Api:
    return await api_for(customer, client, "operator")


class TestCatalog:
    async def test_shows_connectors_with_their_proof_and_capabilities_with_their_forms(self, operator: Api):
        shown = {one["name"]: one for one in await operator.get("/v1/connectors")}
        assert shown["sim-carrier"]["proof"] == {"level": "fixture", "date": "2026-11-23"}
        forms = {one["name"]: one for one in await operator.get("/v1/capabilities")}
        assert forms["carrier.amend"]["gated"] and forms["carrier.amend"]["connectors"] == ["sim-carrier"]


class TestConnections:
    async def test_are_made_listed_tested_rotated_and_switched_off(self, admin: Api, customer: Customer, world: World):
        body = {
            "name": "spare", "connector": "sim-crm", "capabilities": ["crm.customer_tier"], "secret": "crm-acme-pharma-secret",
            "config": {"base_url": f"{world.url}/northwind/crm"}, "customer_id": str(customer.id),
        }  # fmt: skip
        made = await admin.post("/v1/connections", body, 201)
        assert made["version"] == 1 and made["breaker"]["state"] == "closed" and "secret" not in made
        path = f"/v1/connections/{made['id']}"
        assert (await admin.post(f"{path}/test"))["ok"] is True
        assert (await admin.post(f"{path}/rotate", {"secret": "stale"}))["secret_rotated_at"] >= made["secret_rotated_at"]
        assert (await admin.post(f"{path}/test"))["ok"] is False
        assert (await admin.post(f"{path}/disable"))["status"] == "disabled"
        assert (await admin.post(f"{path}/enable"))["status"] == "published"
        names = [one["name"] for one in (await admin.get(f"/v1/connections?customer={customer.id}"))["items"]]
        assert names[0] == "spare" and len(names) == 6

    async def test_an_operator_reads_and_does_not_write(self, operator: Api):
        assert len((await operator.get("/v1/connections?limit=2"))["items"]) == 2
        await operator.post("/v1/connections", {"name": "x", "connector": "sim-crm", "capabilities": ["crm.add_note"]}, 403)

    async def test_a_foreign_id_is_answered_like_a_missing_one(self, admin: Api, shell, other_tenant: UUID, world: World):
        stranger = await make_customer(shell, other_tenant)
        async with shell.unit_of_work(other_tenant, actor="user:test") as uow:
            foreign = (await create_connection(uow, shell.vault, wanted(world, "sim-crm", customer_id=stranger.id))).id
        for path in ("", "/test", "/rotate", "/disable", "/enable"):
            ask = admin.get if path == "" else admin.post
            extra = ({"secret": "x"},) if path == "/rotate" else ()
            answers = [await ask(f"/v1/connections/{id}{path}", *extra, status=404) for id in (foreign, new_id())]
            assert [a["detail"] for a in answers] == [answers[0]["detail"]] * 2
        body = {"name": "x", "connector": "sim-crm", "capabilities": ["crm.add_note"], "config": {"base_url": "https://x.example"}}
        await admin.post("/v1/connections", {**body, "customer_id": str(stranger.id)}, 404)


class TestInvokeByHand:
    async def test_does_it_once_under_its_key_and_records_it(self, operator: Api, customer: Customer, world: World):
        await world.order("H1")
        body = {"params": {"shipment": "S-H1", "option_id": "ROAD-EXP"}, "customer_id": str(customer.id)}
        path, key = "/v1/capabilities/carrier.amend/invoke", new_id().hex
        first = await operator.post(path, body, idempotency_key=key)
        second = await operator.post(path, body, idempotency_key=key)
        assert first["status"] == "done" and second == first
        assert len([line for line in await world.ledger(operation="amend") if line["path"].endswith("S-H1/amendments")]) == 1
        call = await operator.get(f"/v1/calls/{first['call_id']}")
        assert call["actor"].startswith("key:") and call["mediation"]["auth"]["kind"] == "oauth2_client_credentials"
        assert [c["id"] for c in (await operator.get("/v1/calls?capability=carrier.amend"))["items"]] == [first["call_id"]]

    async def test_an_effect_needs_a_key_and_a_question_does_not(self, operator: Api, customer: Customer):
        note = {"params": {"account": "ACME-01", "subject": "a", "text": "b"}, "customer_id": str(customer.id)}
        refused = await operator.post("/v1/capabilities/crm.add_note/invoke", note, 400)
        assert refused["errors"][0]["pointer"] == "Idempotency-Key"
        tier = {"params": {"account": "ACME-01"}, "customer_id": str(customer.id)}
        assert (await operator.post("/v1/capabilities/crm.customer_tier/invoke", tier))["response"]["tier"] == "platinum"

    async def test_names_what_is_wrong(self, operator: Api, customer: Customer):
        await operator.post("/v1/capabilities/carrier.teleport/invoke", {"params": {}}, 404)
        wrong = await operator.post(
            "/v1/capabilities/crm.customer_tier/invoke", {"params": {"account": 5}, "customer_id": str(customer.id)}, 400
        )
        assert wrong["errors"][0]["pointer"] == "/params/account"
        for name in ("case_id", "customer_id"):
            body = {"params": {"account": "ACME-01"}, "customer_id": str(customer.id), name: str(new_id())}
            await operator.post("/v1/capabilities/crm.customer_tier/invoke", body, 404)


class TestSettle:
    async def test_a_person_settles_what_nobody_knows(self, operator: Api, customer: Customer, world: World):
        await world.order("U1")
        await world.fault("reset_after", "carrier", operation="amend", times=1)
        await world.fault("down", "carrier", operation="find_request")
        outcome = await customer.ask("carrier.amend", {"shipment": "S-U1", "option_id": "ROAD-EXP"}, "unknown-key")
        assert outcome.status == "unknown"
        [shown] = (await operator.get("/v1/calls?status=unknown"))["items"]
        path = f"/v1/calls/{shown['id']}/settle"
        wrong = {"outcome": "done", "note": "rang them", "response": {"booking": 5}}
        assert (await operator.post(path, wrong, 400))["errors"][0]["pointer"] == "/response"
        said = {"booking": "BK-S-U1", "status": "confirmed", "eta": "2026-11-24T20:00:00+01:00"}
        settled = await operator.post(path, {"outcome": "done", "note": "rang them", "response": said})
        assert settled["status"] == "done" and settled["settled_by"].startswith("key:") and settled["note"] == "rang them"
        await operator.post(path, {"outcome": "failed", "note": "no"}, 409)
        assert (await customer.ask("carrier.amend", {"shipment": "S-U1", "option_id": "ROAD-EXP"}, "unknown-key")).response == said
