"""The log at the console: narrowed, opened, verified, taken along; usage; identity providers; the reference page of components."""

import csv
import io
from uuid import UUID

import pytest
from sqlalchemy import select

from app.core.models import EventRow
from app.core.services import Shell
from tenants.commands.customers import create_customer
from tenants.models import IdentityProvider
from tenants.schemas import NewCustomer
from tests.integration.portal.admin.conftest import page
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.people import Page, Person

LOG = "/admin/audit"


class TestTheLog:
    @pytest.fixture
    async def busy(self, mira: Person) -> Person:
        await mira.post("/admin/users", {"email": "ida@fjord.example", "role": "operator", "name": "Ida"})
        await mira.post("/admin/start/source")
        return mira

    async def test_says_who_did_what(self, busy: Person) -> None:
        said = Page(await page(busy, LOG)).text
        assert "Mira Holm opened the source warehouse" in said and "Mira Holm invited somebody as operator" in said

    @pytest.mark.parametrize(
        ("query", "shown", "hidden"),
        [("group=people", "invited somebody", "opened the source"), ("type=source.created", "opened the source", "invited somebody"),
         ("actor=holm", "opened the source", "published version"), ("actor=system", "", "opened the source"),
         ("until=2020-01-01", "Nothing like that happened", "opened the source"), ("since=2020-01-01", "opened the source", "Nothing like that"),
         ("customer=acme", "added the customer Acme", "opened the source")],
    )  # fmt: skip
    async def test_is_narrowed(self, busy: Person, query: str, shown: str, hidden: str) -> None:
        said = Page(await page(busy, f"{LOG}?{query}")).text
        assert shown in said and hidden not in said

    @pytest.mark.parametrize("query", ["since=yesterday", "case=nonsense", "customer=stranger", "until=2026-13-40"])
    async def test_says_which_filter_cannot_be_read(self, busy: Person, query: str) -> None:
        answer = await busy.get(f"{LOG}?{query}")
        assert answer.status_code == 422 and f'href="#field-{query.split("=")[0]}"' in answer.text

    async def test_shows_before_and_after(self, shell: Shell, tenant: UUID, busy: Person, customer: UUID) -> None:
        await busy.post(f"/admin/customers/{customer}/edit", {"name": "Acme Pharma", "locale": "de", "zone": "UTC"})
        async with shell.read(tenant) as uow:
            event = (await uow.execute(select(EventRow.id).where(EventRow.type == "customer.updated"))).scalar_one()
        said = Page(await page(busy, f"{LOG}/{event}")).text
        assert "name Acme Acme Pharma" in said and "locale en de" in said

    async def test_is_verified_and_a_change_past_the_application_shows(self, shell: Shell, busy: Person, settle, tenant: UUID) -> None:  # type: ignore[no-untyped-def]
        await settle(tenant)
        answer = await busy.post(f"{LOG}/verify")
        assert answer.status_code == 200 and "The log holds" in answer.text
        assert "verified the log" in await page(busy, LOG)

    async def test_is_verified_by_whoever_may(self, signed_in: SignIn) -> None:
        anna = await signed_in("analyst")
        assert "Verify the log" not in await page(anna, LOG)
        assert (await anna.post(f"{LOG}/verify")).status_code == 403

    async def test_is_taken_along_without_a_formula_in_it(self, busy: Person, signed_in: SignIn) -> None:
        evil = await signed_in("partner_admin", name="=cmd|' /C calc'!A0")
        await evil.post("/admin/customers", {"name": "@SUM(1)", "slug": "evil", "locale": "en", "zone": "UTC"})
        answer = await busy.get(f"{LOG}.csv?group=settings")
        assert answer.headers["content-type"].startswith("text/csv") and "attachment" in answer.headers["content-disposition"]
        rows = list(csv.reader(io.StringIO(answer.text)))
        assert rows[0][:5] == ["recorded at", "occurred at", "type", "subject", "actor"]
        assert any("=cmd" in cell for row in rows for cell in row)
        assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
        assert {row[2].split(".")[0] for row in rows[1:]} <= {
            "brand",
            "domain",
            "customer",
            "user",
            "source",
            "role",
            "key",
            "logo",
            "environment",
        }

    async def test_of_one_partner_says_nothing_of_another(self, busy: Person, shell: Shell, other_tenant: UUID) -> None:
        async with shell.unit_of_work(other_tenant, actor="system:test") as uow:
            await create_customer(uow, NewCustomer(slug="secret", name="Secret Freight"))
            await uow.settle()
        async with shell.read(other_tenant) as uow:
            event = (await uow.execute(select(EventRow.id).limit(1))).scalar_one()
        assert "Secret Freight" not in await page(busy, LOG)
        assert (await busy.get(f"{LOG}/{event}")).status_code == 404


class TestUsage:
    async def test_is_shown_by_meter_and_customer(self, mira: Person, tenant: UUID, settle) -> None:  # type: ignore[no-untyped-def]
        for what in ("source", "mapping", "policy"):
            await mira.post(f"/admin/start/{what}")
        await mira.post("/admin/test-signal", {"source": "warehouse", "customer": "acme"})
        await settle(tenant)
        said = Page(await page(mira, "/admin/usage")).text
        assert "Cases opened" in said and "Signals accepted" in said and "Acme" in said

    async def test_teaches_when_counting_starts(self, mira: Person) -> None:
        assert "Counting starts with the first message" in await page(mira, "/admin/usage?since=2020-01-01&until=2020-01-31")

    @pytest.mark.parametrize("query", ["since=soon", "since=2020-01-01&until=2026-01-01"])
    async def test_says_what_it_cannot_show(self, mira: Person, query: str) -> None:
        assert (await mira.get(f"/admin/usage?{query}")).status_code in (400, 422)


FIELDS = {
    "name": "Fjord account", "issuer": "https://login.fjord.example", "client_id": "portal", "client_secret": "s3cret-of-the-client",
    "email_claim": "email", "requires_verified_email": "true", "domains": "fjord.example, fjord.no",
}  # fmt: skip


class TestAnIdentityProvider:
    async def added(self, shell: Shell, tenant: UUID, mira: Person, **more: str) -> IdentityProvider:
        answer = await mira.post("/admin/identity-providers", {**FIELDS, **more})
        assert answer.status_code == 303, Page(answer.text).text
        async with shell.read(tenant) as uow:
            row: IdentityProvider = (await uow.execute(select(IdentityProvider))).scalar_one()
        return row

    async def test_shows_what_to_register_and_never_its_secret(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        row = await self.added(shell, tenant, mira)
        html = await page(mira, f"/admin/identity-providers/{row.id}")
        assert f"{mira.host}" in html and str(row.id) in html and "fjord.example, fjord.no" in html
        assert "s3cret" not in html and "s3cret" not in await page(mira, f"/admin/identity-providers/{row.id}/edit")

    async def test_is_tested_without_signing_anybody_in(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        row = await self.added(shell, tenant, mira, issuer="https://127.0.0.1.invalid")
        answer = await mira.post(f"/admin/identity-providers/{row.id}/test")
        assert answer.status_code in (200, 503)
        assert "work yet" in answer.text or answer.status_code == 503

    async def test_keeps_its_secret_when_the_field_is_left_empty(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        row = await self.added(shell, tenant, mira)
        changed = {**FIELDS, "client_secret": "", "name": "Fjord work account", "scopes": "openid email"}
        assert (await mira.post(f"/admin/identity-providers/{row.id}/edit", changed)).status_code == 303
        async with shell.read(tenant) as uow:
            after = await uow.get(IdentityProvider, row.id)
        assert after.sealed_secret == row.sealed_secret and after.name == "Fjord work account" and after.scopes == ["openid", "email"]

    async def test_that_trusts_unchecked_addresses_needs_a_reason(self, mira: Person) -> None:
        wanted = {name: value for name, value in FIELDS.items() if name != "requires_verified_email"}
        answer = await mira.post("/admin/identity-providers", wanted)
        assert answer.status_code == 422 and 'id="wrong-reason"' in answer.text and "s3cret" not in answer.text

    async def test_is_switched_off_on_and_removed(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        row = await self.added(shell, tenant, mira)
        for status in ("disabled", "active"):
            assert (await mira.post(f"/admin/identity-providers/{row.id}/status", {"status": status})).status_code == 303
        assert "sign in by mail" in await page(mira, f"/admin/identity-providers/{row.id}/remove")
        assert (await mira.post(f"/admin/identity-providers/{row.id}/remove")).status_code == 303
        assert "No provider yet" in await page(mira, "/admin/identity-providers")


class TestTheReferencePage:
    async def test_holds_every_component_in_its_states(self, mira: Person) -> None:
        html = await page(mira, "/admin/components")
        for part in (
            "colours",
            "buttons",
            "chips",
            "clocks",
            "fields",
            "banners",
            "table",
            "steps",
            "timeline",
            "choices",
            "empty-state",
            "charts",
            "menus",
        ):
            assert f'id="{part}"' in html
        assert "disabled" in html and 'aria-busy="true"' in html and 'aria-invalid="true"' in html
