"""People, roles and keys at the console: given and taken within what the giver holds; secrets shown once."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from app.core.services import Shell
from tenants.models import ApiKey, KeyUse, SignInLink, User
from tests.integration.portal.admin.conftest import page
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.people import Page, Person

pytestmark = pytest.mark.feature("M121")


async def user_named(shell: Shell, tenant: UUID, email: str) -> User:
    async with shell.read(tenant) as uow:
        row: User = (await uow.execute(select(User).where(User.email == email))).scalar_one()
    return row


class TestAnInvitation:
    async def test_gives_the_role_and_mails_a_link(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        answer = await mira.post("/admin/users", {"email": "ida@fjord.example", "name": "Ida Brandt", "role": "operator", "mail": "true"})
        assert answer.status_code == 303 and "done=user_invited" in answer.headers["location"]
        ida = await user_named(shell, tenant, "ida@fjord.example")
        async with shell.read(tenant) as uow:
            links = (await uow.execute(select(SignInLink).where(SignInLink.user_id == ida.id))).scalars().all()
        assert [link.host for link in links] == [mira.host]
        assert "Handles cases" in await page(mira, f"/admin/users/{ida.id}")

    async def test_of_a_customers_person_needs_the_customer(self, shell: Shell, tenant: UUID, mira: Person, customer: UUID) -> None:
        answer = await mira.post("/admin/users", {"email": "kim@acme.example", "role": "customer_user"})
        assert answer.status_code == 422 and 'id="wrong-customer"' in answer.text
        assert Page(answer.text).fields["email"] == "kim@acme.example"
        assert (
            await mira.post("/admin/users", {"email": "kim@acme.example", "role": "customer_user", "customer": "acme"})
        ).status_code == 303
        assert (await user_named(shell, tenant, "kim@acme.example")).customer_id == customer

    async def test_may_be_for_some_customers_only(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        assert (await mira.post("/admin/users", {"email": "ida@fjord.example", "role": "operator", "only": "acme"})).status_code == 303
        ida = await user_named(shell, tenant, "ida@fjord.example")
        assert ida.customer_id is None and "<bdi>Acme</bdi>" in await page(mira, f"/admin/users/{ida.id}")

    async def test_of_somebody_who_is_here_already_is_refused(self, mira: Person) -> None:
        for status in (303, 409):
            assert (await mira.post("/admin/users", {"email": "ida@fjord.example", "role": "operator"})).status_code == status


class TestSomebody:
    async def test_is_given_a_role_and_relieved_of_it(self, mira: Person, signed_in: SignIn) -> None:
        ida = await signed_in("operator", name="Ida Brandt")
        assert (await mira.post(f"/admin/users/{ida.user_id}/roles", {"role": "analyst"})).status_code == 303
        assert "Reads everything" in await page(mira, f"/admin/users/{ida.user_id}")
        assert (await mira.post(f"/admin/users/{ida.user_id}/roles/take", {"role": "analyst"})).status_code == 303
        assert "Reads everything" not in await page(mira, f"/admin/users/{ida.user_id}")

    async def test_is_signed_out_everywhere(self, mira: Person, signed_in: SignIn) -> None:
        ida = await signed_in("operator")
        assert "Signed in" in await page(mira, f"/admin/users/{ida.user_id}")
        assert (await mira.post(f"/admin/users/{ida.user_id}/sessions/end")).status_code == 303
        assert (await ida.client.get("/v1/session")).status_code == 401
        assert "Not signed in anywhere" in await page(mira, f"/admin/users/{ida.user_id}")

    async def test_is_suspended_and_let_in_again(self, mira: Person, signed_in: SignIn) -> None:
        ida = await signed_in("operator")
        assert (await mira.post(f"/admin/users/{ida.user_id}/status", {"status": "suspended"})).status_code == 303
        assert "nobody gets in with this address" in await page(mira, f"/admin/users/{ida.user_id}")
        assert (await mira.post(f"/admin/users/{ida.user_id}/status", {"status": "active"})).status_code == 303

    async def test_does_not_lock_themselves_out(self, mira: Person) -> None:
        for path, fields in (("status", {"status": "suspended"}), ("roles/take", {"role": "partner_admin"})):
            answer = await mira.post(f"/admin/users/{mira.user_id}/{path}", fields)
            assert answer.status_code == 409 and "ask another administrator" in answer.text

    async def test_is_found_by_address_customer_and_state(self, mira: Person, signed_in: SignIn) -> None:
        await signed_in("customer_user", name="Sam Ferreira")
        await signed_in("operator", name="Ida Brandt")
        assert "Sam Ferreira" in await page(mira, "/admin/users?customer=acme") and "Ida Brandt" not in await page(
            mira, "/admin/users?customer=acme"
        )
        assert "Ida Brandt" in await page(mira, "/admin/users?whose=partner&q=brandt")
        assert "Nobody like that" in await page(mira, "/admin/users?status=suspended")

    async def test_of_another_partner_is_not_there(self, mira: Person, shell: Shell, other_tenant: UUID) -> None:
        from tests.integration.tenants.conftest import make_key

        row, _ = await make_key(shell, other_tenant)
        for path in (
            f"/admin/users/{row.id}",
            f"/admin/keys/{row.id}",
            f"/admin/customers/{row.id}",
            f"/admin/identity-providers/{row.id}",
        ):
            assert (await mira.get(path)).status_code == 404


class TestARole:
    async def test_is_made_of_permissions_in_plain_words(self, mira: Person) -> None:
        html = await page(mira, "/admin/roles/new")
        assert "Make offers to customers" in html and 'value="customers.write"' in html
        given = {"name": "night_shift", "scope": "partner", "permissions": ["cases.read", "signals.read"]}
        assert (await mira.post("/admin/roles", given)).status_code == 303
        assert "Night shift" in await page(mira, "/admin/roles")

    async def test_never_holds_more_than_its_maker(self, mira: Person) -> None:
        html = await page(mira, "/admin/roles/new")
        box = re.search(r'<input type="checkbox" id="may-approvals\.decide"[^>]*>', html)
        assert box and "disabled" in box[0] and "you don't hold it yourself" in html.replace("&#39;", "'")
        answer = await mira.post("/admin/roles", {"name": "too_much", "scope": "partner", "permissions": ["approvals.decide"]})
        assert answer.status_code == 403 and "approvals.decide" in answer.text

    async def test_somebody_holds_is_not_deleted(self, mira: Person, signed_in: SignIn) -> None:
        await mira.post("/admin/roles", {"name": "night_shift", "scope": "partner", "permissions": ["cases.read"]})
        ida = await signed_in("operator")
        await mira.post(f"/admin/users/{ida.user_id}/roles", {"role": "night_shift"})
        assert "1 person or key has it" in Page(await page(mira, "/admin/roles/night_shift/delete")).text
        assert (await mira.post("/admin/roles/night_shift/delete")).status_code == 409
        await mira.post(f"/admin/users/{ida.user_id}/roles/take", {"role": "night_shift"})
        assert (await mira.post("/admin/roles/night_shift/delete")).status_code == 303

    async def test_is_changed_for_everybody_who_has_it(self, mira: Person) -> None:
        await mira.post("/admin/roles", {"name": "night_shift", "scope": "partner", "permissions": ["cases.read"]})
        assert (await mira.post("/admin/roles/night_shift", {"permissions": ["cases.read", "runs.read"]})).status_code == 303
        assert re.search(r'value="runs\.read" checked', await page(mira, "/admin/roles/night_shift"))

    async def test_that_is_built_in_stays_as_it_is(self, mira: Person) -> None:
        assert '<form method="post" action="/admin/roles/operator"' not in await page(mira, "/admin/roles/operator")
        assert (await mira.post("/admin/roles/operator", {"permissions": ["cases.read"]})).status_code >= 400
        assert (await mira.get("/admin/roles/operator/delete")).status_code == 404


async def make(person: Person, **fields: Any) -> httpx.Response:
    return await person.post("/admin/keys", {"name": "feed", "scope": "partner", "roles": "operator", **fields})


def secret_of(answer: httpx.Response) -> str:
    found = re.search(r'id="secret"[^>]*>([^<]+)<', answer.text)
    assert answer.status_code == 200 and found, answer.text
    return found[1]


@pytest.mark.feature("M125")
class TestAKey:
    async def test_is_shown_once_and_works(self, shell: Shell, tenant: UUID, mira: Person, client: httpx.AsyncClient) -> None:
        secret = secret_of(await make(mira))
        answer = await client.get("/v1/session", headers={"authorization": f"Bearer {secret}"})
        assert answer.status_code == 200 and "cases.work" in answer.json()["permissions"]
        async with shell.read(tenant) as uow:
            row = (await uow.execute(select(ApiKey))).scalar_one()
        for path in ("/admin/keys", f"/admin/keys/{row.id}", "/admin/audit"):
            assert secret not in await page(mira, path)

    async def test_sent_for_twice_is_made_once_and_not_shown_again(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        first = await make(mira, once="0123456789abcdef-twice")
        second = await make(mira, once="0123456789abcdef-twice")
        assert secret_of(first) not in second.text and second.status_code == 303
        assert "its secret was shown then" in await page(mira, second.headers["location"])
        async with shell.read(tenant) as uow:
            assert len((await uow.execute(select(ApiKey))).scalars().all()) == 1

    async def test_of_a_source_only_sends(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        await mira.post("/admin/start/source")
        answer = await make(mira, scope="source", source="warehouse", roles="")
        secret_of(answer)
        assert "/v1/in/warehouse" in answer.text
        async with shell.read(tenant) as uow:
            row = (await uow.execute(select(ApiKey))).scalar_one()
        assert (row.scope, row.source, row.roles) == ("source", "warehouse", ["source_key"])

    async def test_that_renews_itself_says_when(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        secret_of(await make(mira, days="90", renews="true"))
        async with shell.read(tenant) as uow:
            row = (await uow.execute(select(ApiKey))).scalar_one()
        assert row.rotate_days == 90 and row.expires_at == row.created_at + timedelta(days=90)
        assert "every 90 days" in await page(mira, f"/admin/keys/{row.id}")

    @pytest.mark.parametrize(
        ("fields", "field"),
        [({"scope": "customer", "roles": "customer_user"}, "customer"), ({"scope": "source", "roles": ""}, "source"), ({"roles": ""}, "roles"),
         ({"addresses": "192.0.2.999"}, "addresses.0"), ({"name": ""}, "name")],
    )  # fmt: skip
    async def test_that_cannot_be_made_names_the_field(self, mira: Person, fields: dict[str, str], field: str) -> None:
        answer = await make(mira, **fields)
        assert answer.status_code == 422 and f'href="#field-{field}"' in answer.text

    async def test_is_replaced_with_an_overlap_and_tells_who_did_not_change_over(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        secret_of(await make(mira))
        async with shell.read(tenant) as uow:
            old = (await uow.execute(select(ApiKey))).scalar_one()
        secret_of(await mira.post(f"/admin/keys/{old.id}/rotate", {"overlap_seconds": "3600"}))
        html = await page(mira, f"/admin/keys/{old.id}")
        assert "replaced, still works" in html and "not used yet" in html and "some program still uses it" not in html
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            uow.add(KeyUse(id=old.id, customer_id=None, used_at=uow.now + timedelta(seconds=5)))
            uow.publish("key.used", key=f"key:{old.id}")
        assert "some program still uses it" in await page(mira, f"/admin/keys/{old.id}")
        assert "was replaced, but is still used" in Page(await page(mira, "/admin/keys")).text
        assert "replaced, still works" not in await page(mira, "/admin/keys?only=over")

    async def test_is_revoked_after_being_asked_twice(self, shell: Shell, tenant: UUID, mira: Person, client: httpx.AsyncClient) -> None:
        secret = secret_of(await make(mira))
        async with shell.read(tenant) as uow:
            row = (await uow.execute(select(ApiKey))).scalar_one()
        assert "can't be undone" in Page(await page(mira, f"/admin/keys/{row.id}/revoke")).text
        assert (await mira.post(f"/admin/keys/{row.id}/revoke")).status_code == 303
        assert (await client.get("/v1/session", headers={"authorization": f"Bearer {secret}"})).status_code == 401
        assert "revoked" in await page(mira, f"/admin/keys/{row.id}")
