"""Acting for a customer: only with its consent, only for a while, always under one's own name, and all of it told to the customer."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from app.core.services import Shell
from tenants.auth import Cache
from tenants.roles import BUILT_IN
from tests.integration.cases.world import World
from tests.integration.identity.conftest import said
from tests.integration.identity.test_sessions import Time
from tests.integration.portal.people import Page, Person, sign_in
from tests.integration.tenants.conftest import bearer, make_customer, make_key

pytestmark = pytest.mark.feature("M193")
WHY = "You asked us on the phone to upload the certificate"


async def call(person: Person, method: str, path: str, **body: Any) -> httpx.Response:
    return await person.client.request(method, path, json=body or None, headers={"x-csrf-token": person.csrf, "accept": "application/json"})


@pytest.fixture
async def ida(signed_in) -> Person:
    return await signed_in("operator", name="Ida Berg")


@pytest.fixture
async def boss(signed_in) -> Person:
    return await signed_in("customer_admin", name="Kim Doe")


@pytest.fixture
async def asked(ida: Person, customer: UUID) -> str:
    """A request the customer has yet to answer."""
    answer = await call(ida, "POST", "/v1/consents", customer_id=str(customer), reason=WHY, minutes=30)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture
async def acting(ida: Person, boss: Person, asked: str) -> Person:
    """Ida, who acts for the customer."""
    assert (await call(boss, "POST", f"/v1/consents/{asked}/grant")).status_code == 200
    assert (await call(ida, "POST", "/v1/acting", consent_id=asked)).status_code == 201
    return ida


class TestAsking:
    async def test_tells_the_customer_who_why_and_how_long_and_changes_nothing_yet(self, shell, tenant, customer, ida, boss, asked) -> None:
        page = Page((await boss.get("/settings/access")).text)
        assert "Ida Berg asks to act for you" in page.text and WHY in page.text and "30" in page.text
        assert (await call(ida, "POST", "/v1/acting", consent_id=asked)).status_code == 403
        [told] = await said(shell, tenant, "consent.requested", customer)
        assert told["actor"] == f"user:{ida.user_id}" and told["data"]["reason"] == WHY

    @pytest.mark.parametrize("minutes", [4, 481])
    async def test_is_for_five_minutes_to_eight_hours(self, ida: Person, customer: UUID, minutes: int) -> None:
        answer = await call(ida, "POST", "/v1/consents", customer_id=str(customer), reason=WHY, minutes=minutes)
        assert answer.status_code == 400

    async def test_again_before_the_answer_is_refused(self, ida: Person, customer: UUID, asked: str) -> None:
        assert (await call(ida, "POST", "/v1/consents", customer_id=str(customer), reason=WHY)).status_code == 409

    async def test_by_page_keeps_what_was_typed(self, ida: Person) -> None:
        answer = await ida.post("/ops/acting", {"customer_id": "", "reason": "x", "minutes": "9000"})
        assert answer.status_code == 422 and "9000" in answer.text

    async def test_is_for_people_with_the_right_to(self, signed_in, shell, tenant, customer) -> None:
        analyst = await signed_in("analyst")
        assert (await call(analyst, "POST", "/v1/consents", customer_id=str(customer), reason=WHY)).status_code == 403
        _, key = await make_key(shell, tenant, roles=["operator"])
        plain = httpx.AsyncClient(transport=analyst.client._transport, base_url="http://127.0.0.1")
        answer = await plain.post(
            "/v1/consents", json={"customer_id": str(customer), "reason": WHY}, headers={"authorization": f"Bearer {key.text}"}
        )
        assert answer.status_code == 403 and "person" in answer.json()["detail"]


class TestAnswering:
    async def test_is_the_customers_own_administrators_alone(self, shell, app, tenant, host, customer, ida, signed_in, asked) -> None:
        other = await sign_in(shell, app, tenant, host, "customer_admin", customer=await make_customer(shell, tenant, "boreal"))
        assert (await call(other, "POST", f"/v1/consents/{asked}/grant")).status_code == 404
        for person in (ida, await signed_in("partner_admin"), await signed_in("customer_user")):
            assert (await call(person, "POST", f"/v1/consents/{asked}/grant")).status_code == 403
        _, key = await make_key(shell, tenant, scope="customer", customer_id=customer, roles=["customer_admin"])
        plain = httpx.AsyncClient(transport=ida.client._transport, base_url="http://127.0.0.1")
        answer = await plain.post(f"/v1/consents/{asked}/grant", headers={"authorization": f"Bearer {key.text}"})
        assert answer.status_code == 403

    async def test_by_declining_ends_the_matter(self, shell, tenant, ida: Person, boss: Person, asked: str) -> None:
        assert (await boss.post(f"/settings/access/{asked}/decline")).status_code == 303
        assert (await call(ida, "POST", "/v1/acting", consent_id=asked)).status_code == 403
        assert (await call(boss, "POST", f"/v1/consents/{asked}/grant")).status_code == 409
        assert len(await said(shell, tenant, "consent.declined")) == 1

    async def test_can_come_before_the_question(self, ida: Person, boss: Person, signed_in) -> None:
        granted = await boss.post("/settings/access", {"reason": "Go-live support this afternoon", "minutes": "120"})
        assert granted.status_code == 303
        [consent] = (await call(ida, "GET", "/v1/consents")).json()["items"]
        assert consent["user_id"] is None and consent["is_live"]
        assert (await call(ida, "POST", "/v1/acting", consent_id=consent["id"])).status_code == 201
        assert "Our staff may act for you" in Page((await boss.get("/settings/access")).text).text

    async def test_of_one_persons_request_lets_nobody_else_act(self, ida: Person, boss: Person, signed_in, asked: str) -> None:
        await call(boss, "POST", f"/v1/consents/{asked}/grant")
        assert (await call(await signed_in("operator"), "POST", "/v1/acting", consent_id=asked)).status_code == 403


class TestActing:
    async def test_shows_the_customers_pages_under_ones_own_name(self, acting: Person, customer: UUID) -> None:
        mine = (await call(acting, "GET", "/v1/session")).json()
        assert (mine["scope"], mine["customer_id"], mine["user_id"]) == ("customer", str(customer), str(acting.user_id))
        assert set(mine["permissions"]) == BUILT_IN["customer_user"].permissions
        page = await acting.get("/settings/sessions")
        assert "You act for" in Page(page.text).text and "/acting/end" in Page(page.text).actions
        assert (await acting.get("/ops/acting")).status_code == 404

    async def test_reaches_no_other_customer_and_nothing_of_the_partners(self, shell, tenant, customer, acting: Person) -> None:
        other = await World(shell, tenant, await make_customer(shell, tenant, "boreal")).opened()
        own = await World(shell, tenant, customer).opened()
        assert [c["id"] for c in (await call(acting, "GET", "/v1/cases")).json()["items"]] == [str(own.id)]
        assert (await call(acting, "GET", f"/v1/cases/{other.id}")).status_code == 404
        for path in ("/v1/users", "/v1/keys", "/v1/policies", "/v1/approvals", "/v1/consents"):
            assert (await call(acting, "GET", path)).status_code == 403, path
        assert (await call(acting, "POST", f"/v1/cases/{own.id}/acknowledge")).status_code == 403

    async def test_opens_every_page_of_the_customers(self, shell, tenant, customer, acting: Person) -> None:
        case = (await World(shell, tenant, customer).opened()).id
        for path in (
            "/",
            "/cases",
            f"/cases/{case}",
            "/shipments",
            "/orders",
            "/offers",
            "/documents",
            "/inbox",
            "/settings",
            "/settings/profile",
        ):
            assert (await acting.get(path)).status_code == 200, path

    async def test_never_changes_the_consent_it_stands_on(self, acting: Person, asked: str) -> None:
        for path in (f"/v1/consents/{asked}/grant", f"/v1/consents/{asked}/withdraw"):
            assert (await call(acting, "POST", path)).status_code == 403
        assert (await call(acting, "POST", "/v1/consents/ahead", reason=WHY)).status_code == 403
        assert (await acting.get("/settings/access")).status_code == 403

    async def test_is_said_of_everything_that_is_done(
        self, shell, tenant, customer, settle, acting: Person, boss: Person, asked: str
    ) -> None:
        """Whatever a customer's people may change goes; here it is said by a command of its own."""
        from tenants.auth import authenticate

        principal = await authenticate(shell, [(b"host", acting.host.encode()), *bearer(acting.token)[1:]], None)
        assert principal.acting_for == customer
        async with shell.unit_of_work(tenant, actor=principal.actor, customer=principal.customer_id) as uow:
            uow.publish("offer.answered", key="offer:1", data={"option": "air"})
        await settle(tenant)
        [told] = await said(shell, tenant, "offer.answered", customer)
        assert told["acting_for"] == str(customer) and told["actor"] == f"user:{acting.user_id}"
        entries = (await call(boss, "GET", f"/v1/consents/{asked}/entries")).json()["items"]
        assert [(e["type"], e["subject"], e["who"]) for e in entries] == [("offer.answered", "offer:1", "Ida Berg")]
        page = Page((await boss.get(f"/settings/access/{asked}")).text)
        assert "offer.answered" in page.text and "Ida Berg" in page.text

    async def test_leaves_no_trace_on_what_is_done_as_oneself(
        self, shell, tenant, customer, settle, acting: Person, boss, asked: str
    ) -> None:
        assert (await acting.post("/acting/end")).status_code == 303
        assert (await call(acting, "GET", "/v1/session")).json()["scope"] == "partner"
        case = await World(shell, tenant, customer).opened()
        assert (
            await acting.client.post(f"/v1/cases/{case.id}/acknowledge", json={}, headers={"x-csrf-token": acting.csrf})
        ).status_code == 200
        await settle(tenant)
        [told] = await said(shell, tenant, "case.acknowledged")
        assert "acting_for" not in told
        assert (await call(boss, "GET", f"/v1/consents/{asked}/entries")).json()["items"] == []

    async def test_starts_and_ends_in_the_customers_own_log(self, shell, tenant, customer, acting: Person) -> None:
        await acting.post("/acting/end")
        for kind in ("acting.started", "acting.ended"):
            [told] = await said(shell, tenant, kind, customer)
            assert told["data"]["who"] == "Ida Berg"


class TestTheEnd:
    @pytest.fixture
    def time(self, shell: Shell) -> Time:
        time = Time()
        shell.extras["tenants.auth"] = Cache(timer=time)
        return time

    async def test_comes_within_five_seconds_of_a_withdrawal(
        self, shell, tenant, time: Time, acting: Person, boss: Person, asked: str
    ) -> None:
        assert (await call(acting, "GET", "/v1/session")).json()["scope"] == "customer"
        assert (await boss.post(f"/settings/access/{asked}/withdraw")).status_code == 303
        time.now += 5.0
        assert (await call(acting, "GET", "/v1/session")).json()["scope"] == "partner"
        [ended] = await said(shell, tenant, "acting.ended")
        assert ended["data"]["because"] == "withdrawn" and len(await said(shell, tenant, "consent.withdrawn")) == 1
        assert (await call(acting, "POST", "/v1/acting", consent_id=asked)).status_code == 403

    async def test_comes_within_five_seconds_of_the_last_minute(
        self, shell, tenant, database, settle, time, acting, boss, asked: str
    ) -> None:
        superuser = await database.superuser()
        await superuser.execute("update tenants.consent set expires_at = now() where id = $1", UUID(asked))
        await superuser.execute("update core.work set due = now() where kind = 'consent' and subject = $1", UUID(asked))
        await superuser.close()
        time.now += 5.0
        assert (await call(acting, "GET", "/v1/session")).json()["scope"] == "partner"
        await settle(tenant)
        [ended] = await said(shell, tenant, "acting.ended")
        assert ended["data"]["because"] == "expired" and len(await said(shell, tenant, "consent.expired")) == 1
        assert "expired" in Page((await boss.get("/settings/access")).text).text

    async def test_comes_with_the_right_to_ask(self, shell, tenant, time: Time, acting: Person) -> None:
        from tenants.commands.users import grant_role, revoke_role
        from tests.integration.tenants.conftest import admin

        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await grant_role(uow, acting.user_id, "analyst", maker=admin(tenant))
            await uow.session.flush()
            await revoke_role(uow, acting.user_id, "operator", maker=admin(tenant))
        time.now += 5.0
        assert (await call(acting, "GET", "/v1/session")).json()["scope"] == "partner"

    async def test_of_an_unanswered_request_comes_by_itself(self, shell, tenant, database, settle, boss: Person, asked: str) -> None:
        superuser = await database.superuser()
        await superuser.execute("update tenants.consent set answer_by = now() where id = $1", UUID(asked))
        await superuser.execute("update core.work set due = now() where kind = 'consent' and subject = $1", UUID(asked))
        await superuser.close()
        await settle(tenant)
        assert len(await said(shell, tenant, "consent.expired")) == 1
        assert (await call(boss, "POST", f"/v1/consents/{asked}/grant")).status_code == 409
