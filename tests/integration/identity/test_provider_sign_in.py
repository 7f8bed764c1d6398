"""Signing in with a real OpenID provider: who gets in, who doesn't, and that an answer works once, in one browser, for one provider."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from app.core.services import Shell
from tenants.commands.identity_providers import delete_provider, update_provider
from tenants.commands.users import set_user_status
from tenants.identity_schemas import IdentityProviderPatch
from tenants.models import Session
from tenants.oidc import request
from tenants.oidc.provider import Providers
from tenants.oidc.request import COOKIE, Proof
from tests.integration.identity.conftest import Browser, refusals, said
from tests.integration.tenants.conftest import admin, make_customer

pytestmark = pytest.mark.feature("M193")
IDA = {"email": "ida@northwind.example", "email_verified": True, "name": "Ida Berg"}


async def whole_way(browser: Browser, issuer: Any, provider: Any, **fields: str) -> Any:
    return await browser.come_back(issuer.visit(await browser.set_out(provider, **fields)))


class TestSigningIn:
    async def test_brings_a_known_person_in_and_leads_on(
        self, shell: Shell, tenant: UUID, browser, issuer, make_provider, make_user
    ) -> None:
        user_id = await make_user("ida@northwind.example")
        provider = await make_provider(issuer)
        issuer.sign_in_as("u-1", **IDA)
        answer = await whole_way(browser, issuer, provider, next="/ops/runs?state=waiting")
        assert (answer.status_code, answer.headers["location"]) == (303, "/ops/runs?state=waiting")
        assert browser.session.startswith("st_") and COOKIE not in browser.cookies
        seen = await browser.get("/v1/session")
        assert seen.json()["user_id"] == str(user_id) and "cases.work" in seen.json()["permissions"]
        [started] = await said(shell, tenant, "session.started")
        assert started["data"]["strength"] == "provider" and started["data"]["device"] == "Firefox on Linux"
        [bound] = await said(shell, tenant, "user.identity_bound")
        assert bound["data"]["issuer"] == issuer.issuer

    @pytest.mark.parametrize("method", ["client_secret_post", "none"])
    async def test_proves_itself_as_the_provider_wants(self, browser, issuer, make_provider, make_user, method: str) -> None:
        await make_user("ida@northwind.example")
        provider = await make_provider(issuer, method=method, **({"client_secret": None} if method == "none" else {}))
        issuer.sign_in_as("u-1", **IDA)
        assert (await whole_way(browser, issuer, provider)).status_code == 303

    async def test_asks_with_pkce_and_a_nonce_and_never_shows_the_browser_the_verifier(self, browser, issuer, make_provider) -> None:
        query = parse_qs(urlsplit(await browser.set_out(await make_provider(issuer))).query)
        assert query["code_challenge_method"] == ["S256"] and query["response_type"] == ["code"] and len(query["nonce"][0]) == 43
        assert browser.cookies[COOKIE] not in str(query)

    async def test_opens_a_session_with_a_new_token_whatever_the_browser_brought(self, browser, issuer, make_provider, make_user) -> None:
        await make_user("ida@northwind.example")
        provider = await make_provider(issuer)
        browser.cookies["__Host-session"] = "st_" + "x" * 43
        issuer.sign_in_as("u-1", **IDA)
        await whole_way(browser, issuer, provider)
        assert browser.session not in ("", "st_" + "x" * 43)

    @pytest.mark.parametrize("next", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/sign-in/x"])
    async def test_leads_on_to_pages_of_this_host_only(self, browser, issuer, make_provider, make_user, next: str) -> None:
        await make_user("ida@northwind.example")
        provider = await make_provider(issuer)
        issuer.sign_in_as("u-1", **IDA)
        assert (await whole_way(browser, issuer, provider, next=next)).headers["location"] == "/ops"

    async def test_knows_a_person_again_by_subject_though_the_address_changed(
        self, shell, tenant, browser, issuer, make_provider, make_user
    ) -> None:
        user_id = await make_user("ida@northwind.example")
        provider = await make_provider(issuer)
        issuer.sign_in_as("u-1", **IDA)
        await whole_way(browser, issuer, provider)
        issuer.sign_in_as("u-1", email="ida.berg@northwind.example", email_verified=True)
        await whole_way(browser, issuer, provider)
        assert (await browser.get("/v1/session")).json()["user_id"] == str(user_id)
        assert len(await said(shell, tenant, "user.identity_bound")) == 1


class TestKeys:
    async def test_that_were_exchanged_are_fetched_anew(self, fresh: Providers, browser, issuer, make_provider, make_user) -> None:
        await make_user("ida@northwind.example")
        provider = await make_provider(issuer)
        issuer.sign_in_as("u-1", **IDA)
        assert (await whole_way(browser, issuer, provider)).status_code == 303
        fresh.timer = lambda start=fresh.timer: start() + 31
        issuer.rotate()
        assert (await whole_way(browser, issuer, provider)).status_code == 303

    async def test_are_looked_for_at_most_twice_a_minute(
        self, shell, tenant, fresh: Providers, browser, issuer, make_provider, make_user
    ) -> None:
        await make_user("ida@northwind.example")
        provider = await make_provider(issuer)
        issuer.sign_in_as("u-1", **IDA)
        still = fresh.timer()
        fresh.timer = lambda: still
        assert (await whole_way(browser, issuer, provider)).status_code == 303
        issuer.rotate()
        assert (await whole_way(browser, issuer, provider)).status_code == 403
        assert (await refusals(shell, tenant))[-1] == "sign_in.key_unknown"
        fresh.timer = lambda: still + 31
        assert (await whole_way(browser, issuer, provider)).status_code == 303


class TestAnAnswer:
    async def test_works_once(self, shell, tenant, browser, issuer, make_provider, make_user) -> None:
        await make_user("ida@northwind.example")
        provider = await make_provider(issuer)
        issuer.sign_in_as("u-1", **IDA)
        address = await browser.set_out(provider)
        secret, back = browser.cookies[COOKIE], issuer.visit(address)
        assert (await browser.come_back(back)).status_code == 303
        browser.cookies = {COOKIE: secret}
        again = await browser.come_back(back)
        assert again.status_code == 403 and browser.session == "" and "Start again" in again.text
        assert await refusals(shell, tenant) == ["sign_in.state_replayed"]

    async def test_is_refused_in_another_browser(self, shell, tenant, app, host, browser, issuer, make_provider, make_user) -> None:
        await make_user("ida@northwind.example")
        provider = await make_provider(issuer)
        issuer.sign_in_as("u-1", **IDA)
        back = issuer.visit(await browser.set_out(provider))
        victim = Browser(app, host)
        assert (await victim.come_back(back)).status_code == 403 and victim.session == ""
        await victim.set_out(provider)
        assert (await victim.come_back(back)).status_code == 403 and victim.session == ""
        assert await refusals(shell, tenant) == ["sign_in.state_unknown"] * 2

    async def test_with_a_state_nobody_gave_out_is_refused(self, shell, tenant, browser, issuer, make_provider) -> None:
        provider = await make_provider(issuer)
        await browser.set_out(provider)
        answer = await browser.get(f"/sign-in/callback/{provider.id}?code=x&state={'s' * 43}&iss={issuer.issuer}")
        assert answer.status_code == 403 and await refusals(shell, tenant) == ["sign_in.state_unknown"]

    async def test_that_comes_too_late_is_refused(self, shell, tenant, database, browser, issuer, make_provider, make_user) -> None:
        await make_user("ida@northwind.example")
        provider = await make_provider(issuer)
        issuer.sign_in_as("u-1", **IDA)
        back = issuer.visit(await browser.set_out(provider))
        superuser = await database.superuser()
        await superuser.execute("update tenants.pending_sign_in set expires_at = now() where tenant_id = $1", tenant)
        await superuser.close()
        assert (await browser.come_back(back)).status_code == 403
        assert await refusals(shell, tenant) == ["sign_in.state_unknown"]

    async def test_of_another_provider_is_refused(self, shell, tenant, browser, issuer, other_issuer, make_provider, make_user) -> None:
        """The mix-up: begun with the one, answered by the other; whose name is in the path or in the answer, neither passes."""
        await make_user("ida@northwind.example")
        first, second = await make_provider(issuer), await make_provider(other_issuer, name="Another account")
        other_issuer.sign_in_as("u-1", **IDA)
        address = await browser.set_out(second)
        begun = parse_qs(urlsplit(address).query)["state"][0]
        code = parse_qs(urlsplit(other_issuer.visit(address)).query)["code"][0]
        at_first = f"/sign-in/callback/{first.id}?code={code}&state={begun}&iss={issuer.issuer}"
        assert (await browser.get(at_first)).status_code == 403
        state = parse_qs(urlsplit(await browser.set_out(first)).query)["state"][0]
        named = f"/sign-in/callback/{first.id}?code={code}&state={state}&iss={other_issuer.issuer}"
        assert (await browser.get(named)).status_code == 403
        state = parse_qs(urlsplit(await browser.set_out(first)).query)["state"][0]
        unnamed = f"/sign-in/callback/{first.id}?code={code}&state={state}"
        assert (await browser.get(unnamed)).status_code == 403
        assert browser.session == "" and await refusals(shell, tenant) == ["sign_in.mix_up"] * 3

    async def test_that_says_no_is_told_kindly(self, shell, tenant, browser, issuer, make_provider) -> None:
        provider = await make_provider(issuer)
        issuer.deny()
        answer = await whole_way(browser, issuer, provider)
        assert answer.status_code == 403 and "weren't signed in" in answer.text.replace("&#39;", "'")
        assert await refusals(shell, tenant) == ["sign_in.provider_declined"]

    async def test_with_a_token_for_another_sign_in_is_refused(
        self, shell, tenant, browser, issuer, make_provider, make_user, monkeypatch
    ) -> None:
        await make_user("ida@northwind.example")
        provider = await make_provider(issuer)
        issuer.sign_in_as("u-1", **IDA)
        back = issuer.visit(await browser.set_out(provider))
        real = request.proof_of
        monkeypatch.setattr(request, "proof_of", lambda *of: Proof("another", real(*of).verifier))
        answer = await browser.come_back(back)
        assert answer.status_code == 403 and "Start again" in answer.text and "Northwind Logistics Care" in answer.text
        assert browser.session == "" and await refusals(shell, tenant) == ["sign_in.nonce"]

    async def test_with_an_expired_token_is_refused(
        self, shell, tenant, fresh: Providers, browser, issuer, make_provider, make_user, monkeypatch
    ) -> None:
        await make_user("ida@northwind.example")
        provider = await make_provider(issuer)
        issuer.sign_in_as("u-1", **IDA)
        real = fresh.redeem

        async def a_day_later(client: Any, **given: Any) -> Any:
            return await real(client, **{**given, "now": given["now"] + timedelta(days=1)})

        monkeypatch.setattr(fresh, "redeem", a_day_later)
        assert (await whole_way(browser, issuer, provider)).status_code == 403 and browser.session == ""
        assert await refusals(shell, tenant) == ["sign_in.expired"]

    async def test_of_an_issuer_that_calls_itself_otherwise_is_never_asked_for(self, shell, tenant, browser, issuer, make_provider) -> None:
        provider = await make_provider(issuer, issuer=f"http://localhost:{issuer.port}")
        assert (await browser.post(f"/sign-in/with/{provider.id}")).status_code == 503
        assert await refusals(shell, tenant) == ["sign_in.provider_invalid"]

    async def test_with_a_forged_code_is_refused(self, browser, issuer, make_provider) -> None:
        provider = await make_provider(issuer)
        state = parse_qs(urlsplit(await browser.set_out(provider)).query)["state"][0]
        answer = await browser.get(f"/sign-in/callback/{provider.id}?code=forged&state={state}&iss={issuer.issuer}")
        assert answer.status_code == 403 and browser.session == ""


class TestAPerson:
    async def refused(self, shell: Shell, tenant: UUID, browser: Browser, issuer: Any, provider: Any) -> str:
        answer = await whole_way(browser, issuer, provider)
        assert answer.status_code == 403 and browser.session == ""
        return (await refusals(shell, tenant))[-1]

    async def test_nobody_invited_is_refused(self, shell, tenant, browser, issuer, make_provider) -> None:
        issuer.sign_in_as("u-9", **IDA)
        assert await self.refused(shell, tenant, browser, issuer, await make_provider(issuer)) == "sign_in.unknown"

    async def test_with_an_unchecked_address_is_refused_unless_the_partner_chose_to_trust_it(
        self, shell, tenant, browser, issuer, make_provider, make_user
    ) -> None:
        await make_user("ida@northwind.example")
        provider = await make_provider(issuer)
        issuer.sign_in_as("u-1", email="ida@northwind.example", email_verified=False)
        assert await self.refused(shell, tenant, browser, issuer, provider) == "sign_in.email_unverified"
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            patch = IdentityProviderPatch(requires_verified_email=False, reason="Addresses come from the payroll system")
            await update_provider(uow, shell, provider.id, patch, maker=admin(tenant))
        assert (await whole_way(browser, issuer, provider)).status_code == 303
        changed = (await said(shell, tenant, "identity_provider.updated"))[-1]
        assert changed["data"]["reason"].startswith("Addresses") and changed["changes"]["requires_verified_email"] == [True, False]

    async def test_from_another_domain_is_refused(self, shell, tenant, browser, issuer, make_provider, make_user) -> None:
        await make_user("ida@elsewhere.example")
        provider = await make_provider(issuer, domains=["northwind.example"])
        issuer.sign_in_as("u-1", email="ida@elsewhere.example", email_verified=True)
        assert await self.refused(shell, tenant, browser, issuer, provider) == "sign_in.domain"

    async def test_whose_address_now_has_another_owner_is_refused(self, shell, tenant, browser, issuer, make_provider, make_user) -> None:
        await make_user("ida@northwind.example")
        provider = await make_provider(issuer)
        issuer.sign_in_as("u-1", **IDA)
        await whole_way(browser, issuer, provider)
        browser.cookies.clear()
        issuer.sign_in_as("u-2", **IDA)
        assert await self.refused(shell, tenant, browser, issuer, provider) == "sign_in.subject_changed"

    async def test_suspended_is_refused(self, shell, tenant, browser, issuer, make_provider, make_user) -> None:
        user_id = await make_user("ida@northwind.example")
        provider = await make_provider(issuer)
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await set_user_status(uow, user_id, "suspended", maker=admin(tenant))
        issuer.sign_in_as("u-1", **IDA)
        assert await self.refused(shell, tenant, browser, issuer, provider) == "sign_in.suspended"

    async def test_unknown_is_let_in_where_the_provider_may(self, shell, tenant, browser, issuer, make_provider) -> None:
        provider = await make_provider(issuer, domains=["northwind.example"], creates_users=True, default_role="analyst")
        issuer.sign_in_as("u-1", **IDA)
        assert (await whole_way(browser, issuer, provider)).status_code == 303
        assert "cases.work" not in (await browser.get("/v1/session")).json()["permissions"]
        [made] = await said(shell, tenant, "user.created")
        assert made["data"]["role"] == "analyst" and made["changes"]["name"] == [None, "Ida Berg"]

    async def test_of_another_customer_is_not_for_a_customers_provider_to_name(
        self, shell, tenant, customer, browser, issuer, make_provider, make_user
    ) -> None:
        boreal = await make_customer(shell, tenant, "boreal")
        await make_user("kim@acme.example", "customer_user", customer_id=boreal)
        await make_user("kim@acme.example", "operator")
        provider = await make_provider(issuer, customer_id=customer, domains=["acme.example"])
        issuer.sign_in_as("u-1", email="kim@acme.example", email_verified=True)
        assert await self.refused(shell, tenant, browser, issuer, provider) == "sign_in.unknown"
        user_id = await make_user("kim@acme.example", "customer_user", customer_id=customer)
        assert (await whole_way(browser, issuer, provider)).headers["location"] == "/"
        mine = (await browser.get("/v1/session")).json()
        assert (mine["user_id"], mine["customer_id"], mine["scope"]) == (str(user_id), str(customer), "customer")


class TestAProviderThatGoes:
    async def test_takes_its_sessions_along(self, shell, tenant, browser, issuer, make_provider, make_user) -> None:
        await make_user("ida@northwind.example")
        provider = await make_provider(issuer)
        issuer.sign_in_as("u-1", **IDA)
        await whole_way(browser, issuer, provider)
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await delete_provider(uow, provider.id)
        assert (await browser.get("/v1/session")).status_code == 401
        async with shell.read(tenant) as uow:
            [session] = (await uow.execute(Session.__table__.select())).all()
        assert session.ended_at is not None

    async def test_lets_nobody_set_out(self, shell, tenant, browser, issuer, make_provider) -> None:
        provider = await make_provider(issuer)
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await update_provider(uow, shell, provider.id, IdentityProviderPatch(status="disabled"), maker=admin(tenant))
        assert (await browser.post(f"/sign-in/with/{provider.id}")).status_code == 404

    async def test_is_nobody_elses(self, app, shell, other_tenant, issuer, make_provider) -> None:
        from tests.integration.portal.people import branded_host

        provider = await make_provider(issuer)
        elsewhere = Browser(app, await branded_host(shell, other_tenant, "Harborline Logistics"))
        assert (await elsewhere.post(f"/sign-in/with/{provider.id}")).status_code == 404

    async def test_that_is_away_is_told_kindly(self, browser, issuer, make_provider) -> None:
        provider = await make_provider(issuer, issuer="http://127.0.0.1:9")
        answer = await browser.post(f"/sign-in/with/{provider.id}")
        assert answer.status_code == 503 and "be reached" in answer.text
