"""Customers at the console: what is promised to them in plain fields, and what suspending them means."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.core.services import Shell
from app.portal.admin.contract import amount_of, contract_of, fields_of, promised, said
from app.portal.forms import Form
from tenants.commands.customers import create_customer
from tenants.models import Customer
from tenants.schemas import NewCustomer
from tests.integration.portal.admin.conftest import page
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.people import Page, Person

pytestmark = pytest.mark.feature("M188")

CONTRACT = {
    "first_response": "PT30M", "resolution": "P2D",
    "calendar": {"zone": "Europe/Berlin", "hours": "Mon-Fri 07:00-19:00", "holidays": ["DE-BE", "2026-12-24"]},
}  # fmt: skip
FIELDS = {"name": "Acme", "locale": "de", "zone": "Europe/Berlin"}


class TestTheContractsFields:
    def test_say_the_same_as_the_contract(self) -> None:
        assert contract_of(Form.of(fields_of(CONTRACT))) == CONTRACT

    @pytest.mark.parametrize(
        ("duration", "amount", "words"),
        [("PT30M", ("30", "minutes"), "30 minutes"), ("PT1H", ("1", "hours"), "1 hour"), ("P1D", ("1", "days"), "1 working day"),
         ("P2W", ("2", "weeks"), "2 working weeks"), ("PT1H30M", ("90", "minutes"), "90 minutes"), ("PT90S", ("2", "minutes"), "2 minutes")],
    )  # fmt: skip
    def test_read_a_duration_in_the_unit_it_is_best_read_in(self, duration: str, amount: tuple[str, str], words: str) -> None:
        assert amount_of(duration) == amount and said(duration) == words

    def test_promise_nothing_when_both_targets_are_empty(self) -> None:
        assert contract_of(Form([("sla.calendar.zone", "Europe/Berlin")])) is None

    def test_tell_when_a_case_opened_now_would_be_due(self) -> None:
        friday = datetime(2026, 11, 20, 17, 45, tzinfo=UTC)  # 18:45 in Berlin: 15 minutes of the day are left
        assert promised(CONTRACT, friday)["first_response"] == datetime(2026, 11, 23, 6, 15, tzinfo=UTC)


class TestACustomer:
    async def test_is_taken_in_with_its_contract(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        answer = await mira.post("/admin/customers", {**FIELDS, "slug": "boreal", **fields_of(CONTRACT)})
        assert answer.status_code == 303
        async with shell.read(tenant) as uow:
            row = await uow.get(Customer, UUID(answer.headers["location"].split("/")[-1].split("?")[0]))
        assert row.sla == CONTRACT
        html = await page(mira, f"/admin/customers/{row.id}")
        assert "30 minutes" in html and "A case opened now:" in html and "holidays of DE-BE, 2026-12-24" in html

    async def test_names_every_field_that_is_wrong_and_keeps_what_was_typed(self, mira: Person) -> None:
        wrong = {
            **FIELDS,
            "slug": "boreal",
            "sla.first_response": "soon",
            "sla.calendar.hours": "office hours",
            "sla.calendar.holidays": "XX1, DE",
        }
        answer = await mira.post("/admin/customers", wrong)
        assert answer.status_code == 422
        for field in ("sla.first_response", "sla.calendar.hours", "sla.calendar.holidays"):
            assert f'id="wrong-{field}"' in answer.text and f'href="#field-{field}"' in answer.text
        assert Page(answer.text).fields["sla.calendar.hours"] == "office hours"

    async def test_refuses_a_short_name_that_is_taken(self, mira: Person) -> None:
        answer = await mira.post("/admin/customers", {**FIELDS, "slug": "acme"})
        assert answer.status_code == 409 and "customer with this slug already" in answer.text

    async def test_is_changed_and_the_log_says_what(self, mira: Person, customer: UUID) -> None:
        answer = await mira.post(f"/admin/customers/{customer}/edit", {**FIELDS, "name": "Acme Pharma", **fields_of(CONTRACT)})
        assert answer.status_code == 303
        assert "Acme Pharma" in await page(mira, f"/admin/customers/{customer}")
        assert "changed the customer acme: locale, name, sla, zone" in await page(mira, "/admin/audit?group=settings")

    async def test_is_suspended_with_its_consequences_said_and_let_in_again(self, signed_in: SignIn, mira: Person, customer: UUID) -> None:
        sam = await signed_in("customer_user")
        assert "their people are signed out" in await page(mira, f"/admin/customers/{customer}/suspend")
        assert (await mira.post(f"/admin/customers/{customer}/status", {"status": "suspended"})).status_code == 303
        assert "Suspended" in await page(mira, f"/admin/customers/{customer}")
        assert (await sam.client.get("/v1/session")).status_code == 401
        assert (await mira.post(f"/admin/customers/{customer}/status", {"status": "active"})).status_code == 303
        assert (await mira.post(f"/admin/customers/{customer}/status", {"status": "deleted"})).status_code == 422


class TestTheList:
    async def test_is_found_by_a_part_of_the_name_and_paged(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            for number in range(60):
                await create_customer(uow, NewCustomer(slug=f"freight-{number:02d}", name=f"Freight {number:02d}"))
        first = Page(await page(mira, "/admin/customers"))
        further = next(link for link in first.links if "cursor=" in link)
        second = Page(await page(mira, further))
        shown = [
            link for p in (first, second) for link in p.links if link.startswith("/admin/customers/") and len(link.split("/")[-1]) == 36
        ]
        assert len(shown) == len(set(shown)) == 61
        assert "Freight 07" in await page(mira, "/admin/customers?q=T+07") and "Freight 08" not in await page(
            mira, "/admin/customers?q=T+07"
        )

    async def test_takes_what_was_typed_for_what_it_is(self, mira: Person) -> None:
        html = await page(mira, "/admin/customers?q=%25")
        assert "No customer like that" in html

    async def test_teaches_the_first_step(self, shell: Shell, tenant: UUID, app, host: str) -> None:  # type: ignore[no-untyped-def]
        from tests.integration.portal.people import sign_in

        alone = await sign_in(shell, app, tenant, host, "partner_admin")
        html = await page(alone, "/admin/customers")
        assert "No customer yet" in html and "Add the first one" in html
