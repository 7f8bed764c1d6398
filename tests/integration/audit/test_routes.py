"""The audit over HTTP: who did what, with before and after, and its verification on request."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from app.core.services import Shell
from tenants.commands.customers import update_customer
from tenants.schemas import CustomerPatch
from tests.integration.tenants.conftest import make_customer, make_key

pytestmark = pytest.mark.feature("M120", "M146")


async def as_role(shell: Shell, tenant: UUID, role: str, **more: Any) -> dict[str, str]:
    _, key = await make_key(shell, tenant, roles=[role], **more)
    return {"authorization": f"Bearer {key.text}"}


class TestAuditLog:
    async def test_shows_who_changed_what_from_what_to_what(
        self, client: httpx.AsyncClient, shell: Shell, tenant: UUID, settle: Any
    ) -> None:
        customer = await make_customer(shell, tenant)
        async with shell.unit_of_work(tenant, actor="user:kim", cause="request:1") as uow:
            await update_customer(uow, customer, CustomerPatch(name="Acme Health"))
        await settle(tenant)
        answer = await client.get("/v1/audit", params={"type": "customer.updated"}, headers=await as_role(shell, tenant, "partner_admin"))
        (entry,) = answer.json()["items"]
        assert (entry["actor"], entry["cause"], entry["customer_id"]) == ("user:kim", "request:1", str(customer))
        assert entry["changes"] == {"name": ["Acme", "Acme Health"]}
        assert entry["seq"] == 2 and len(entry["hash"]) == 64

    async def test_is_read_page_by_page(self, client: httpx.AsyncClient, shell: Shell, tenant: UUID) -> None:
        for n in range(5):
            await make_customer(shell, tenant, f"c{n}")
        admin = await as_role(shell, tenant, "partner_admin")
        seen: list[str] = []
        params: dict[str, Any] = {"type": "customer.created", "limit": 2}
        while True:
            page = (await client.get("/v1/audit", params=params, headers=admin)).json()
            seen += [entry["data"]["slug"] for entry in page["items"]]
            if page["next"] is None:
                break
            params["cursor"] = page["next"]
        assert seen == ["c4", "c3", "c2", "c1", "c0"]

    @pytest.mark.feature("M210")
    async def test_shows_a_customer_its_own_entries_without_their_contents(
        self, client: httpx.AsyncClient, shell: Shell, tenant: UUID
    ) -> None:
        mine, yours = await make_customer(shell, tenant, "mine"), await make_customer(shell, tenant, "yours")
        headers = await as_role(shell, tenant, "customer_admin", scope="customer", customer_id=mine)
        entries = (await client.get("/v1/audit", headers=headers)).json()["items"]
        assert {entry["customer_id"] for entry in entries} == {str(mine)}
        assert all(entry["data"] is None and entry["changes"] is None for entry in entries)
        foreign = (await client.get("/v1/audit", params={"customer_id": str(yours)}, headers=headers)).json()
        assert foreign == {"items": [], "next": None}

    async def test_is_closed_to_those_without_the_permission(self, client: httpx.AsyncClient, shell: Shell, tenant: UUID) -> None:
        assert (await client.get("/v1/audit", headers=await as_role(shell, tenant, "operator"))).status_code == 403


class TestVerifyRoute:
    async def test_says_that_everything_holds_and_leaves_a_record(self, client, shell: Shell, tenant: UUID, settle: Any) -> None:
        await make_customer(shell, tenant)
        await settle(tenant)
        admin = await as_role(shell, tenant, "partner_admin")
        await settle(tenant)
        report = (await client.post("/v1/audit/verify", json={}, headers=admin)).json()
        assert report["holds"] and report["findings"] == [] and len(report["chains"]) == 2
        said = (await client.get("/v1/audit", params={"type": "audit.verified"}, headers=admin)).json()["items"]
        assert said[0]["data"]["holds"] is True

    async def test_names_what_was_altered(self, client, shell: Shell, database, tenant: UUID, settle: Any) -> None:
        customer = await make_customer(shell, tenant)
        await settle(tenant)
        superuser = await database.superuser()
        await superuser.execute(
            "update core.event set envelope = jsonb_set(envelope, '{actor}', '\"user:x\"') where customer_id = $1", customer
        )
        await superuser.close()
        admin = await as_role(shell, tenant, "partner_admin")
        report = (await client.post("/v1/audit/verify", json={"customer_id": str(customer)}, headers=admin)).json()
        assert not report["holds"]
        assert [(f["what"], f["seq"], f["customer_id"]) for f in report["findings"]] == [("edited", 1, str(customer))]

    async def test_of_anothers_customer_is_answered_like_one_that_is_not_there(
        self, client, shell: Shell, tenant: UUID, other_tenant: UUID
    ) -> None:
        foreign = await make_customer(shell, other_tenant)
        admin = await as_role(shell, tenant, "partner_admin")
        answers = [await client.post("/v1/audit/verify", json={"customer_id": str(c)}, headers=admin) for c in (foreign, tenant)]
        assert [answer.status_code for answer in answers] == [404, 404]

    async def test_is_for_the_partner_only(self, client, shell: Shell, tenant: UUID) -> None:
        customer = await make_customer(shell, tenant)
        headers = await as_role(shell, tenant, "customer_admin", scope="customer", customer_id=customer)
        assert (await client.post("/v1/audit/verify", json={}, headers=headers)).status_code == 403
