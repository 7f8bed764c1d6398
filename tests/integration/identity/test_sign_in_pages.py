"""The sign-in page of a partner's host: an address first, nobody's customers betrayed, and on to where one wanted to go."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from app.core.services import Shell
from branding import commands as brands
from tenants.commands.identity_providers import create_provider
from tenants.identity_schemas import NewIdentityProvider
from tenants.principal import Principal
from tenants.roles import BUILT_IN
from tests.integration.identity.conftest import Browser
from tests.integration.portal.people import Page, branded_host
from tests.integration.tenants.test_sign_in import Outbox

pytestmark = pytest.mark.feature("M193", "M112")


@pytest.fixture
async def outbox(shell: Shell) -> AsyncIterator[Outbox]:
    before, outbox = shell.extras.get("sign_in_mail"), Outbox()
    shell.extras["sign_in_mail"] = outbox
    yield outbox
    shell.extras["sign_in_mail"] = before


class TestThePage:
    async def test_asks_for_an_address_in_the_partners_look_and_names_nobody_else(self, browser: Browser) -> None:
        answer = await browser.get("/sign-in?next=/cases")
        page = Page(answer.text)
        assert answer.status_code == 200 and "Northwind Logistics Care" in page.text and page.fields["next"] == "/cases"
        assert "detour" not in answer.text.lower() and "detour" not in str(answer.headers).lower()

    async def test_works_where_no_brand_was_made_yet(self, shell: Shell, app: Any, tenant: UUID) -> None:
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            domain = await brands.ensure_platform_host(uow, shell.settings)
        bare = Browser(app, domain.host)
        answer = await bare.get("/sign-in")
        assert answer.status_code == 200 and "Sign in" in answer.text

    async def test_offers_the_partners_own_providers_and_no_customers(
        self, customer: UUID, browser: Browser, issuer, make_provider
    ) -> None:
        await make_provider(issuer, name="Northwind staff")
        await make_provider(issuer, name="Acme account", customer_id=customer, domains=["acme.example"])
        text = (await browser.get("/sign-in")).text
        assert "Northwind staff" in text and "Acme" not in text

    async def test_shows_a_customers_provider_to_an_address_of_its_domain(self, customer, browser, outbox, issuer, make_provider) -> None:
        provider = await make_provider(issuer, name="Acme account", customer_id=customer, domains=["acme.example"])
        asked = await browser.post("/sign-in", email="Anybody@Acme.example", next="/cases")
        assert "Acme account" in asked.text and f"/sign-in/with/{provider.id}" in Page(asked.text).actions and outbox.mails == []
        other = await browser.post("/sign-in", email="anybody@boreal.example")
        assert "Acme account" not in other.text and "Look in your mailbox" in other.text

    async def test_lets_whoever_has_a_provider_ask_for_a_link_instead(
        self, customer, browser, outbox, issuer, make_provider, make_user
    ) -> None:
        await make_provider(issuer, name="Acme account", customer_id=customer, domains=["acme.example"])
        await make_user("kim@acme.example", "customer_user", customer_id=customer)
        assert "Look in your mailbox" in (await browser.post("/sign-in", email="kim@acme.example", by="link")).text
        assert [mail["to"] for mail in outbox.mails] == ["kim@acme.example"]

    async def test_does_not_find_a_domain_that_a_customer_claimed_and_the_partner_did_not_confirm(
        self, shell: Shell, tenant: UUID, customer: UUID, browser: Browser, outbox
    ) -> None:
        maker = Principal(tenant, "user:kim", "customer", BUILT_IN["customer_admin"].permissions, customer_id=customer)
        new = NewIdentityProvider(name="Boreal account", issuer="https://login.boreal.example", client_id="x", domains=["boreal.example"])
        async with shell.unit_of_work(tenant, actor="user:kim", customer=customer) as uow:
            row = await create_provider(uow, shell, new, maker=maker)
        assert row.customer_id == customer and row.confirmed_domains == []
        assert "Boreal account" not in (await browser.post("/sign-in", email="ida@boreal.example")).text

    async def test_sends_somebody_who_is_signed_in_on(self, signed_in, app) -> None:
        kim = await signed_in("customer_user")
        answer = await kim.get("/sign-in?next=/cases")
        assert (answer.status_code, answer.headers["location"]) == (303, "/cases")

    async def test_is_told_in_every_language_without_a_word_left_in_english(self) -> None:
        from app.portal.words import languages, words

        english = words("open", "en")
        ours = [key for key in english if key.startswith(("sign_in", "session", "access", "consent", "focus", "done_consent", "done_s"))]
        assert set(languages()) >= {"en", "de", "fr", "es", "ar"} and len(ours) >= 70
        for language in ("de", "fr", "es", "ar"):
            told = words("open", language)
            assert [key for key in ours if told[key] == english[key] and len(english[key]) > 14] == []


class TestTheForm:
    async def test_answers_alike_whether_the_address_is_known_or_not(self, browser: Browser, outbox: Outbox, make_user) -> None:
        await make_user("ida@northwind.example")
        known, unknown = [await browser.post("/sign-in", email=f"{name}@northwind.example") for name in ("ida", "bob")]
        plain = [re.sub(r"ida@|bob@|nonce=\S+|value=\"[^\"]*\"|\?v=\w+", "", answer.text) for answer in (known, unknown)]
        assert known.status_code == unknown.status_code == 200 and plain[0] == plain[1]
        assert [mail["to"] for mail in outbox.mails] == ["ida@northwind.example"]

    @pytest.mark.parametrize("email", ["", "ida", "ida@", "a b@c.example", "x" * 300 + "@y.example"])
    async def test_keeps_what_was_typed_and_says_what_is_wrong(self, browser: Browser, outbox: Outbox, email: str) -> None:
        answer = await browser.post("/sign-in", email=email, next="/cases")
        page = Page(answer.text)
        assert answer.status_code == 422 and page.fields["email"] == email and page.fields["next"] == "/cases" and outbox.mails == []

    async def test_sent_from_another_site_is_refused(self, app: Any, host: str, outbox: Outbox) -> None:
        browser = Browser(app, host)
        answer = await browser._http.post("/sign-in", data={"email": "ida@northwind.example"}, headers={"origin": "https://evil.example"})
        assert answer.status_code == 403 and outbox.mails == []


class TestTheLink:
    async def test_signs_in_and_leads_on_to_the_page_that_was_wanted(self, browser: Browser, outbox: Outbox, make_user) -> None:
        await make_user("ida@northwind.example")
        await browser.post("/sign-in", email="ida@northwind.example", next="/ops/runs")
        shown = await browser.get(outbox.link())
        assert shown.status_code == 200 and not browser.session
        answer = await browser.post(outbox.link())
        assert (answer.status_code, answer.headers["location"]) == (303, "/ops/runs") and browser.session
        assert (await browser.get("/v1/session")).status_code == 200

    async def test_leads_to_the_first_page_otherwise(self, customer, browser: Browser, outbox: Outbox, make_user) -> None:
        await make_user("kim@acme.example", "customer_user", customer_id=customer)
        await browser.post("/sign-in", email="kim@acme.example", next="https://evil.example")
        assert (await browser.post(outbox.link())).headers["location"] == "/"

    async def test_of_one_partner_opens_nothing_on_anothers_host(
        self, shell, app, other_tenant, browser: Browser, outbox, make_user
    ) -> None:
        await make_user("ida@northwind.example")
        await browser.post("/sign-in", email="ida@northwind.example")
        elsewhere = Browser(app, await branded_host(shell, other_tenant, "Harborline Logistics"))
        assert (await elsewhere.post(outbox.link())).status_code == 404 and not elsewhere.session


class TestSigningOut:
    async def test_ends_the_session_and_forgets_the_cookie(self, signed_in) -> None:
        ida = await signed_in("operator")
        assert (await ida.post("/sign-out", {"csrf": "0" * 64}, csrf=False)).status_code == 403
        answer = await ida.post("/sign-out")
        assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")
        assert "__Host-session=" in answer.headers["set-cookie"] and "Max-Age=0" in answer.headers["set-cookie"]
        assert (await ida.client.get("/v1/session")).status_code == 401
