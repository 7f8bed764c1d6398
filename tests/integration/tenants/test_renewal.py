"""Keys that must be rotated: their holder renews them without anybody's help, and whoever forgets is reminded before it hurts."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from app.core.services import Shell
from app.notifications.models import Notice
from tenants.auth import Cache, authenticate
from tenants.commands.keys import remind, rotate_key
from tenants.commands.users import create_user
from tenants.schemas import NewUser
from tests.integration.tenants.conftest import admin, bearer, make_customer, make_key

pytestmark = pytest.mark.feature("M125")


def using(app: Any, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1", headers={"authorization": f"Bearer {key}"}
    )


@pytest.fixture(autouse=True)
def fresh(shell: Shell) -> None:
    shell.extras["tenants.auth"] = Cache(seconds=0)


class TestAKeyThatMustBeRotated:
    async def test_says_until_when_it_works_and_when_to_renew_it(self, shell: Shell, app: Any, tenant: UUID) -> None:
        row, key = await make_key(shell, tenant, rotate_days=30)
        async with using(app, key.text) as http:
            said = (await http.get("/v1/keys/current")).json()
        assert said["id"] == str(row.id) and said["rotate_days"] == 30
        assert row.expires_at == row.created_at + timedelta(days=30)
        assert said["renew_at"][:19] == (row.created_at + timedelta(days=24)).isoformat()[:19]

    @pytest.mark.parametrize("wanted", [{"roles": ["operator"]}, {"scope": "source", "source": "erp", "roles": ["source_key"]}])
    async def test_renews_itself_and_both_work_for_a_while(self, shell: Shell, app: Any, tenant: UUID, wanted: dict[str, Any]) -> None:
        _, old = await make_key(shell, tenant, rotate_days=30, **wanted)
        async with using(app, old.text) as http:
            made = (await http.post("/v1/keys/current/rotate", json={"overlap_seconds": 3600})).json()
            assert (await http.get("/v1/keys/current")).status_code == 200
            again = await http.post("/v1/keys/current/rotate", json={})
        assert made["key"]["roles"] == wanted["roles"] and made["key"]["rotate_days"] == 30
        assert again.status_code == 409
        async with using(app, made["secret"]) as http:
            assert (await http.get("/v1/keys/current")).json()["id"] == made["key"]["id"]

    async def test_is_never_more_than_it_was(self, shell: Shell, app: Any, tenant: UUID) -> None:
        customer = await make_customer(shell, tenant)
        _, key = await make_key(shell, tenant, scope="customer", customer_id=customer, roles=["customer_user"], rotate_days=7)
        async with using(app, key.text) as http:
            made = (await http.post("/v1/keys/current/rotate", json={})).json()["key"]
        assert (made["scope"], made["customer_id"], made["roles"]) == ("customer", str(customer), ["customer_user"])

    async def test_that_somebody_signed_in_has_not_is_not_found(self, shell: Shell, app: Any, tenant: UUID) -> None:
        from tests.integration.portal.people import branded_host, sign_in

        kim = await sign_in(shell, app, tenant, await branded_host(shell, tenant), "operator")
        assert (await kim.client.get("/v1/keys/current", headers={"accept": "application/json"})).status_code == 404


class TestTheReminder:
    async def test_goes_to_the_administrators_once_a_day_until_it_is_renewed(self, shell: Shell, tenant: UUID, settle: Any) -> None:
        row, _ = await make_key(shell, tenant, rotate_days=30)
        await _administrator(shell, tenant, "mira@northwind.example")
        for _ in range(2):  # the work of a day comes twice
            async with shell.unit_of_work(tenant, actor="system:keys") as uow:
                await remind(uow, row.id)
            await settle(tenant)
        assert await _told(shell, tenant, "key-due") == ["mira@northwind.example"]

    async def test_of_a_customers_key_goes_to_that_customers_administrators(self, shell: Shell, tenant: UUID, settle: Any) -> None:
        acme, zeta = [await make_customer(shell, tenant, slug) for slug in ("acme", "zeta")]
        row, _ = await make_key(shell, tenant, scope="customer", customer_id=acme, roles=["customer_user"], rotate_days=7)
        await _administrator(shell, tenant, "mira@northwind.example")
        for email, customer in (("kim@acme.example", acme), ("zoe@zeta.example", zeta)):
            await _administrator(shell, tenant, email, customer)
        async with shell.unit_of_work(tenant, actor="system:keys") as uow:
            await remind(uow, row.id)
        await settle(tenant)
        assert await _told(shell, tenant, "key-due") == ["kim@acme.example"]

    async def test_is_not_sent_for_a_key_that_was_renewed(self, shell: Shell, app: Any, tenant: UUID, settle: Any) -> None:
        row, key = await make_key(shell, tenant, rotate_days=30)
        await _administrator(shell, tenant, "mira@northwind.example")
        async with using(app, key.text) as http:
            await http.post("/v1/keys/current/rotate", json={})
        async with shell.unit_of_work(tenant, actor="system:keys") as uow:
            await remind(uow, row.id)
        await settle(tenant)
        assert await _told(shell, tenant, "key-due") == []

    async def test_is_work_that_waits_for_its_day(self, shell: Shell, tenant: UUID) -> None:
        row, _ = await make_key(shell, tenant, rotate_days=10)
        rows = await shell.boundary.dispatch("select due from core.work where tenant_id = $1 and kind = 'key'", tenant)
        assert [r["due"] for r in rows] == [row.created_at + timedelta(days=8)]


class TestAnOldKeyInUse:
    async def test_is_told_to_the_administrators(self, shell: Shell, tenant: UUID, settle: Any) -> None:
        row, key = await make_key(shell, tenant)
        await _administrator(shell, tenant, "mira@northwind.example")
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await rotate_key(uow, row.id, overlap=timedelta(hours=1), maker=admin(tenant))
        await authenticate(shell, bearer(key.text), None)
        await settle(tenant)
        assert await _told(shell, tenant, "key-superseded") == ["mira@northwind.example"]


async def _administrator(shell: Shell, tenant: UUID, email: str, customer: UUID | None = None) -> None:
    role = "customer_admin" if customer else "partner_admin"
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        await create_user(uow, NewUser(email=email, role=role, customer_id=customer), maker=admin(tenant))


async def _told(shell: Shell, tenant: UUID, template: str) -> list[str]:
    async with shell.read(tenant) as uow:
        rows = (await uow.execute(select(Notice).where(Notice.template == template))).scalars().all()
    return sorted(row.address for row in rows)
