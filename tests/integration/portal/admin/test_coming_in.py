"""What comes in, in the console: ways in with a secret shown once, messages and their fate, mappings beside a message, what is parked."""

import re
import shutil
import subprocess
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from app.core.services import Shell
from tests.integration.ingest.desk import CUTOFF, Desk, Settle, missed
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.people import Page, Person
from tests.integration.tenants.conftest import make_customer


@pytest_asyncio.fixture(loop_scope="session")
async def customer(shell: Shell, tenant: UUID) -> UUID:
    """Somebody beside the desk's own customers."""
    return await make_customer(shell, tenant, slug="beside")


@pytest_asyncio.fixture(loop_scope="session")
async def desk(shell: Shell, tenant: UUID, client: httpx.AsyncClient, settle: Settle) -> Desk:
    return await Desk(shell, tenant, client, settle).furnish()


@pytest_asyncio.fixture(loop_scope="session")
async def admin(signed_in: SignIn) -> Person:
    return await signed_in("partner_admin")


def link(page: Page, start: str) -> str:
    return next(one for one in page.links if re.match(rf"{start}/[0-9a-f-]{{36}}$", one))


class TestSources:
    async def test_are_taught_before_there_is_one(self, admin: Person) -> None:
        page = Page((await admin.get("/admin/sources")).text)
        assert "Nothing can come in yet" in page.text and "/admin/sources/new" in page.links

    async def test_show_a_secret_once_and_a_request_that_works(self, admin: Person, client: httpx.AsyncClient) -> None:
        made = await admin.post("/admin/sources/new", {"name": "wms", "kind": "webhook", "verify.scheme": "standard_webhooks"})
        assert made.status_code == 200
        secret = re.search(r"whsec_[A-Za-z0-9+/=]+", made.text.replace("&#43;", "+").replace("&#x3D;", "="))
        assert secret
        listed = await admin.get("/admin/sources")
        assert secret[0] not in listed.text
        shown = await admin.get(link(Page(listed.text), "/admin/sources"))
        assert secret[0] not in shown.text and "/v1/in/in_" in shown.text

    @pytest.mark.skipif(not shutil.which("openssl"), reason="openssl signs the example")
    async def test_signs_its_example_as_the_door_wants_it(self, admin: Person, client: httpx.AsyncClient) -> None:
        made = await admin.post("/admin/sources/new", {"name": "wms", "kind": "webhook", "verify.scheme": "standard_webhooks"})
        script = Page(made.text).text.partition("SECRET=")[2].partition("Copy the lines")[0]
        html = re.search(r'<pre class="code"[^>]*id="script"[^>]*>(.*?)</pre>', made.text, re.DOTALL)
        assert html and script
        lines = (
            httpx.Response(200, text=html[1]).text.replace("&#39;", "'").replace("&#34;", '"').replace("&quot;", '"').replace("&amp;", "&")
        )
        before = lines.partition("curl -sS")[0] + 'printf "%s\\n" "$ID" "$AT" "$SIG" "$BODY"'
        run = subprocess.run(["/bin/sh", "-c", before], capture_output=True, text=True, check=True)
        number, stamp, signature, body = run.stdout.strip().split("\n")
        path = re.search(r"/v1/in/in_[\w-]+", made.text)
        assert path
        headers = {
            "webhook-id": number,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{signature}",
            "content-type": "application/json",
        }
        assert (await client.post(path[0], content=body, headers=headers)).status_code == 202

    async def test_keep_what_was_typed_and_name_the_field(self, admin: Person) -> None:
        answer = await admin.post("/admin/sources/new", {"name": "Bad Name", "kind": "webhook", "verify.scheme": "hmac_sha256"})
        assert answer.status_code == 422
        assert Page(answer.text).fields["name"] == "Bad Name" and 'id="wrong-name"' in answer.text

    async def test_are_rotated_closed_and_opened(self, desk: Desk, admin: Person) -> None:
        page = Page((await admin.get("/admin/sources")).text)
        found = [one for one in page.links if re.match(r"/admin/sources/[0-9a-f-]{36}$", one)]
        path = found[-1]  # by name: edi, events, wms
        rotated = await admin.post(f"{path}/rotate", {"overlap_seconds": "3600"})
        assert rotated.status_code == 200 and "shown this once" in rotated.text
        assert (await admin.post(f"{path}/disable")).headers["location"] == f"{path}?done=source_closed"
        assert "Open it again" in (await admin.get(path)).text
        assert (await admin.post(f"{path}/enable")).status_code == 303


class TestSignals:
    async def test_show_what_they_became_and_the_message_as_text(self, desk: Desk, admin: Person) -> None:
        receipt = await desk.receipt(await desk.hook(missed("ORD-<script>alert(1)</script>")))
        page = await admin.get(f"/admin/signals/{receipt['id']}")
        assert "It became 1 event" in Page(page.text).text and "order.cutoff_missed" in page.text
        assert "<script>alert" not in page.text and "&lt;script&gt;alert" in page.text
        assert "webhook-signature" not in page.text

    async def test_are_narrowed_by_source_state_and_day(self, desk: Desk, admin: Person) -> None:
        await desk.receipt(await desk.hook(missed()))
        for query, fits in (
            ("source=wms", True),
            ("source=edi", False),
            ("status=parked", False),
            ("until=2020-01-01", False),
            ("since=nonsense", True),
        ):
            listed = (await admin.get(f"/admin/signals?{query}")).text
            assert ("understood</bdi>" in listed) is fits, query

    async def test_are_tried_again(self, desk: Desk, admin: Person) -> None:
        receipt = await desk.receipt(await desk.hook(missed()))
        path = f"/admin/signals/{receipt['id']}"
        assert (await admin.post(f"{path}/replay")).headers["location"] == f"{path}?done=replaying"
        await desk.settle()
        assert "Asked to be tried again · Kim Doe" in Page((await admin.get(path)).text).text

    async def test_of_another_partner_are_missing(self, desk: Desk, admin: Person) -> None:
        ghost = "01900000-0000-7000-8000-000000000000"
        for path in ("signals", "parked", "sources", "mappings", "policies", "workflows", "templates", "connections", "calls"):
            assert (await admin.get(f"/admin/{path}/{ghost}")).status_code == 404, path


class TestMappings:
    pytestmark = pytest.mark.feature("M2")

    async def test_stand_between_a_message_and_its_events(self, desk: Desk, admin: Person) -> None:
        receipt = await desk.receipt(await desk.hook(missed("ORD-77")))
        opened = await admin.get(f"/admin/mappings/named/cutoff?signal={receipt['id']}")
        assert opened.status_code == 303
        page = await admin.get(opened.headers["location"])
        assert page.text.count("ORD-77") == 2 and "order.cutoff_missed" in page.text

    async def test_are_checked_while_one_writes_with_line_and_column(self, desk: Desk, admin: Person) -> None:
        receipt = await desk.receipt(await desk.hook(missed()))
        broken = await admin.post("/admin/mappings/check", {"content": "[.a,\n  .b | foo(]", "signal": receipt["id"]})
        assert broken.status_code == 200 and 'data-line="2"' in broken.text
        sound = await admin.post("/admin/mappings/check", {"content": CUTOFF, "signal": receipt["id"]})
        assert "1 event" in Page(sound.text).text and "ORD-1" in sound.text

    async def test_are_compared_kept_published_and_rolled_back(self, desk: Desk, admin: Person) -> None:
        await desk.receipt(await desk.hook(missed()))
        first = (await admin.get("/admin/mappings/named/cutoff")).headers["location"]
        other = CUTOFF.replace("data: {}", 'data: {currency: "EUR"}')
        compared = await admin.post(first, {"content": other, "do": "compare"})
        assert "1 of 1 past items would be read differently" in Page(compared.text).text
        kept = await admin.post(first, {"content": other, "do": "keep"})
        second = kept.headers["location"].partition("?")[0]
        assert second != first
        assert (await admin.post(f"{second}/publish")).status_code == 303
        after = await desk.receipt(await desk.hook(missed("ORD-2"), "m2"))
        assert after["mapping_version"] == 2
        assert (await admin.post(f"{second}/roll-back")).status_code == 409
        assert (await admin.post(f"{first}/roll-back")).status_code == 303
        assert (await desk.receipt(await desk.hook(missed("ORD-3"), "m3")))["mapping_version"] == 1

    async def test_that_do_not_compile_keep_what_was_typed(self, desk: Desk, admin: Person) -> None:
        first = (await admin.get("/admin/mappings/named/cutoff")).headers["location"]
        answer = await admin.post(first, {"content": "[.a |", "do": "keep"})
        assert answer.status_code == 400 and "[.a |" in answer.text and "Line 1" in answer.text


class TestParked:
    async def test_says_whose_it_is_from_now_on(self, desk: Desk, admin: Person) -> None:
        lost = await desk.receipt(await desk.hook(missed(account='NEW-\\"09\\"')))
        assert lost["status"] == "parked"
        page = Page((await admin.get("/admin/parked")).text)
        assert "Nobody knows whose it is" in page.text
        item = await admin.get(link(page, "/admin/parked"))
        assert "event.account == &#34;NEW-\\&#34;09\\&#34;&#34;" in item.text
        path = link(page, "/admin/parked")
        nobody = await admin.post(f"{path}/attribute", {"when": 'event.account == "NEW-\\"09\\""'})
        assert nobody.status_code == 422 and "Choose one of the list." in nobody.text
        wrong = await admin.post(f"{path}/attribute", {"when": "event.nothing", "customer": "acme"})
        assert wrong.status_code == 422 and "event.nothing" in wrong.text
        done = await admin.post(f"{path}/attribute", {"when": 'event.account == "NEW-\\"09\\""', "customer": "acme"})
        assert done.headers["location"] == "/admin/parked?done=attributed"
        await desk.settle()
        assert (await desk.get(f"/v1/signals/{lost['id']}")).json()["status"] == "mapped"
        assert "Nothing is parked" in (await admin.get("/admin/parked")).text

    async def test_leads_from_a_message_nobody_understands_to_its_mapping(self, desk: Desk, admin: Person) -> None:
        lost = await desk.receipt(await desk.hook(b'{"order": 5}'))
        path = link(Page((await admin.get("/admin/parked?reason=unmapped")).text), "/admin/parked")
        assert f"/admin/mappings/named/cutoff?signal={lost['id']}" in Page((await admin.get(path)).text).links
        await desk.publish("cutoff", "[]")
        again = await admin.post("/admin/parked/replay", {"which": "all", "reason": "unmapped"})
        assert again.status_code == 303
        await desk.settle()
        assert (await desk.get(f"/v1/signals/{lost['id']}")).json()["status"] == "mapped"


class TestWorkThatWasGivenUp:
    async def test_is_shown_and_tried_again_by_page_and_api(self, desk: Desk, admin: Person, shell: Shell, tenant: UUID) -> None:
        subject = await self._give_up(shell, tenant)
        listed = (await desk.get("/v1/parked-work")).json()["items"]
        assert [(one["kind"], one["subject"], one["error"]) for one in listed] == [("poison", subject, "it breaks")]
        assert "it breaks" in Page((await admin.get("/admin/parked")).text).text
        answer = await admin.post(f"/admin/parked/work/{listed[0]['id']}/retry")
        assert answer.status_code == 303
        assert (await desk.get("/v1/parked-work")).json()["items"] == []
        assert (await desk.post(f"/v1/parked-work/{listed[0]['id']}/retry")).status_code == 404
        (told,) = await desk.events("work.retried")
        assert told.actor == f"user:{admin.user_id}" and told.data["kind"] == "poison"

    async def test_is_nobodys_business_outside_the_partner(self, desk: Desk, signed_in: SignIn) -> None:
        analyst = await signed_in("analyst")
        assert "Work that was given up" not in (await analyst.get("/admin/parked")).text
        assert (await desk.get("/v1/parked-work", key="wms")).status_code == 403

    async def _give_up(self, shell: Shell, tenant: UUID) -> str:
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            subject = uow.new_id()
            uow.work("poison", subject=subject)
        await shell.boundary.dispatch(
            "update core.work set ready = false, parked_at = clock_timestamp(), error = 'it breaks', tries = 5 where tenant_id = $1 and kind = 'poison'",
            tenant,
        )
        return str(subject)
