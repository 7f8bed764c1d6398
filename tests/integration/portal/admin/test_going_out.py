"""What goes out, in the console: connections from their connector's own form to their test, calls, the words of messages."""

import re
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import select

from app.connectors.commands import invoke
from app.connectors.models import Call, Connection
from app.core.services import Shell
from app.notifications.models import Notice
from tests.integration.connectors.conftest import World, simulator, world  # noqa: F401 -- fixtures
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.people import Page, Person


@pytest_asyncio.fixture(loop_scope="session")
async def admin(signed_in: SignIn) -> Person:
    return await signed_in("partner_admin")


def wms(url: str, **changed: str) -> dict[str, str]:
    named = {
        "name": "wms",
        "config.base_url": f"{url}/northwind/wms",
        "secret": "wms-acme-pharma-secret",
        "capabilities": "wms.order_status",
    }
    return {**named, "rate_per_minute": "600", "precedence": "100", **changed}


@pytest.mark.feature("M181")
class TestConnections:
    async def test_start_from_a_catalog_with_proof(self, admin: Person) -> None:
        assert "No system is connected yet" in (await admin.get("/admin/connections")).text
        page = Page((await admin.get("/admin/connections/new")).text)
        assert "Simulated carrier" in page.text and "proven on recorded answers on 2026-11-23" in page.text
        form = Page((await admin.get("/admin/connections/new/sim-carrier")).text)
        assert {"config.base_url", "config.client_id", "secret"} <= form.fields.keys()

    async def test_keep_what_was_typed_but_never_the_secret(self, admin: Person) -> None:
        answer = await admin.post("/admin/connections/new/sim-wms", wms("not an address", name="Bad", capabilities=""))
        page = Page(answer.text)
        assert answer.status_code == 422 and page.fields["config.base_url"] == "not an address/northwind/wms"
        assert "wms-acme-pharma-secret" not in answer.text

    async def test_are_made_tested_changed_rotated_and_switched_off(self, admin: Person, world: World, shell: Shell, tenant: UUID) -> None:  # noqa: F811
        made = await admin.post("/admin/connections/new/sim-wms", wms(world.url))
        path = made.headers["location"].partition("?")[0]
        tested = Page((await admin.post(f"{path}/test")).text)
        assert "The system answers and knows the credential." in tested.text and "/northwind/wms/rest/ping" in tested.text
        await admin.post(f"{path}/rotate", {"secret": "a wrong one"})
        failed = Page((await admin.post(f"{path}/test")).text)
        assert "The system does not accept the credential." in failed.text and "Rotate the secret" in failed.text
        changed = await admin.post(f"{path}/edit", wms("http://127.0.0.1:1", rate_per_minute="30"))
        assert changed.status_code == 303
        away = Page((await admin.post(f"{path}/test")).text)
        assert "GET http://127.0.0.1:1/northwind/wms/rest/ping" in away.text and "Answered nothing" in away.text
        assert (await admin.post(f"{path}/disable")).status_code == 303
        shown = Page((await admin.get(path)).text)
        assert "switched off" in shown.text and "It was given a new secret · Kim Doe" in shown.text
        async with shell.read(tenant) as uow:
            row = await uow.session.scalar(select(Connection))
        assert row is not None and (row.version, row.status, row.rate_per_minute) == (2, "disabled", 30)

    async def test_are_looked_at_but_not_changed_by_an_operator(self, admin: Person, signed_in: SignIn) -> None:
        operator = await signed_in("operator")
        assert (await operator.get("/admin/connections")).status_code == 200
        assert (await operator.get("/admin/connections/new")).status_code == 403
        assert (await operator.post("/admin/connections/new/sim-wms", wms("https://wms.example"))).status_code == 403


class TestCalls:
    async def test_show_what_was_asked_and_are_settled_with_a_reason(self, admin: Person, world: World, shell: Shell, tenant: UUID) -> None:  # noqa: F811
        await world.order("ORD-7")
        desk = {
            "name": "desk",
            "config.base_url": f"{world.url}/northwind/desk",
            "secret": "desk-acme-pharma-secret",
            "capabilities": "desk.open_case",
        }
        await admin.post("/admin/connections/new/sim-desk", {**desk, "rate_per_minute": "600", "precedence": "100"})
        params = {"subject": "ORD-7 <b>late</b>", "text": "Please look.", "priority": "P1", "account": "ACME-01"}
        outcome = await invoke(
            shell,
            tenant=tenant,
            actor="run:test",
            customer_id=None,
            case_id=None,
            capability="desk.open_case",
            params=params,
            effect_key="effect-1",
        )
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            row = await uow.get(Call, outcome.call_id, lock=True)
            row.status, row.error, row.response = "unknown", {"detail": "No answer came."}, None
            uow.publish("call.unknown", of=row)
        listed = await admin.get("/admin/calls?status=unknown")
        assert "nobody knows" in Page(listed.text).text
        path = f"/admin/calls/{outcome.call_id}"
        shown = await admin.get(path)
        assert "&lt;b&gt;late" in shown.text and "desk-acme-pharma-secret" not in shown.text
        unsaid = await admin.post(f"{path}/settle", {"outcome": "failed", "note": ""})
        assert unsaid.status_code == 422 and "is needed" in unsaid.text
        wrong = await admin.post(f"{path}/settle", {"outcome": "done", "note": "By phone.", "response": "{"})
        assert wrong.status_code == 422 and "By phone." in wrong.text
        done = await admin.post(f"{path}/settle", {"outcome": "failed", "note": "Their dispatch saw nothing."})
        assert done.headers["location"] == f"{path}?done=call_settled"
        assert "Settled by Kim Doe : Their dispatch saw nothing." in Page((await admin.get(path)).text).text


@pytest.mark.feature("M183")
class TestTemplates:
    async def test_start_from_those_that_come_with_the_product(self, admin: Person) -> None:
        page = Page((await admin.get("/admin/templates")).text)
        assert "No template of your own yet" in page.text and "/admin/templates/new?like=sign-in" in page.links

    async def test_are_kept_published_and_shown_in_two_languages_side_by_side(self, admin: Person) -> None:
        first = await self._kept(admin)
        german = await admin.get(f"{first}?locale=de")
        fields = {**Page(german.text).fields, "text": "Guten Tag {{ recipient.name }}", "html": "<p>Guten Tag</p>", "default_locale": "en"}
        example = re.search(r'name="example"[^>]*>\n(.*?)</textarea>', german.text, re.DOTALL)
        assert example
        fields |= {"example": example[1].replace("&#34;", '"'), "subject": "Neues zu {{ order }}", "do": "keep"}
        kept = await admin.post(first, {n: v for n, v in fields.items() if n not in ("csrf", "once")})
        assert kept.status_code == 303, Page(kept.text).text
        second = kept.headers["location"].partition("?")[0]
        page = await admin.get(f"{second}?locale=de")
        assert f'src="{second}/preview/de"' in page.text and f'src="{second}/preview/en"' in page.text
        frame = await admin.get(f"{second}/preview/de")
        policy = frame.headers["content-security-policy"]
        assert "Guten Tag" in frame.text and frame.headers["x-frame-options"] == "SAMEORIGIN"
        assert "default-src 'none'" in policy and "frame-ancestors 'self'" in policy and "sandbox" in policy
        assert "unsafe-inline" not in policy and "script-src" not in policy
        assert (await admin.post(f"{second}/publish")).status_code == 303
        assert (await admin.post(f"{first}/roll-back")).status_code == 409, "it never was in force"

    async def test_are_checked_while_one_writes(self, admin: Person) -> None:
        given = {**self._words(), "text": "Hello\n{% if x %}", "html": "<p>{{ unheard_of }}</p>"}
        answer = await admin.post("/admin/templates/check", given)
        assert 'data-in="field-text"' in answer.text and "needs a change" in Page(answer.text).text
        script = await admin.post("/admin/templates/check", {**self._words(), "html": "<script>x()</script>"})
        assert "&lt;script&gt; is not allowed" in script.text
        kept = await admin.post("/admin/templates/new", {**given, "name": "news", "do": "keep"})
        assert kept.status_code == 422 and "unheard_of" in kept.text

    async def test_are_shown_as_they_are_written_in_a_frame_of_their_own(self, admin: Person) -> None:
        shown = await admin.post("/admin/templates/preview", {**self._words(), "show": "en"})
        assert shown.status_code == 200 and "Your order ORD-1" in shown.text and "<form" not in shown.text
        broken = await admin.post("/admin/templates/preview", {**self._words(), "html": "{{ <b>", "show": "en"})
        assert "can't be shown yet" in broken.text and "style-src" not in broken.headers["content-security-policy"]

    async def test_of_a_customer_go_before_the_partners(self, admin: Person) -> None:
        first = await self._kept(admin)
        await admin.post(f"{first}/publish")
        mine = await admin.get(f"/admin/templates/new?of={first.rpartition('/')[2]}")
        assert Page(mine.text).fields["name"] == "news"
        own = await admin.post("/admin/templates/new", {**self._words(), "name": "news", "customer": "acme", "do": "keep"})
        assert own.status_code == 303
        assert "except" in Page((await admin.get(first)).text).text

    async def test_are_sent_to_whoever_asks_and_nobody_else(self, admin: Person, shell: Shell, tenant: UUID) -> None:
        first = await self._kept(admin)
        assert (await admin.post(f"{first}/test", {"locale": "en"})).status_code == 303
        async with shell.read(tenant) as uow:
            (notice,) = (await uow.execute(select(Notice))).scalars().all()
        assert notice.address.startswith("partner_admin-") and notice.audience == "internal" and notice.context["order"] == "ORD-1"
        assert notice.template_id == UUID(first.rpartition("/")[2]), "the very version that is open"

    async def test_are_sent_to_nobody_by_a_key(self, admin: Person, client: httpx.AsyncClient, shell: Shell, tenant: UUID) -> None:
        from tests.integration.tenants.conftest import make_key

        first = await self._kept(admin)
        _, key = await make_key(shell, tenant, roles=["partner_admin"])
        headers = {"authorization": f"Bearer {key.text}"}
        answer = await client.post(f"/v1/templates/{first.rpartition('/')[2]}/test", json={}, headers=headers)
        assert answer.status_code == 409 and "no mailbox" in answer.json()["detail"]

    def _words(self) -> dict[str, str]:
        words = {"subject": "Your order {{ order }}", "text": "Hello {{ recipient.name }}", "html": "<p>Your order {{ order }}</p>"}
        return {
            **words,
            "locale": "en",
            "default_locale": "en",
            "example": '{"order": "ORD-1", "recipient": {"name": "Kim"}}',
            "kept": "{}",
        }

    async def _kept(self, admin: Person) -> str:
        answer = await admin.post("/admin/templates/new", {**self._words(), "name": "news", "do": "keep"})
        assert answer.status_code == 303, Page(answer.text).text
        return answer.headers["location"].partition("?")[0]
