"""What every page has in common: who may see it, under which host, with which headers, and what is shown when it goes wrong."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.core.ids import new_id
from app.core.services import Shell
from app.portal.models import SavedView
from tenants import sessions
from tenants.commands.users import revoke_role
from tests.conftest import make_tenant
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.people import Page, branded_host
from tests.integration.tenants.conftest import admin

HTML = {"accept": "text/html"}


def visitor(app: Any, host: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=f"http://{host}", headers=HTML)


class TestAWrongAddress:
    async def test_is_a_page_in_the_partners_voice(self, app: Any, host: str) -> None:
        answer = await visitor(app, host).get("/nowhere")
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        page = Page(answer.text)
        assert "There is nothing here" in page.text and "Northwind Logistics Care" in page.text

    async def test_stays_a_problem_document_for_programs(self, app: Any, host: str) -> None:
        answer = await visitor(app, host).get("/v1/nowhere")
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_says_nothing_of_anybody_on_a_host_nobody_owns(self, app: Any) -> None:
        answer = await visitor(app, "stranger.example").get("/nowhere")
        assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"


class TestAPage:
    async def test_asks_whoever_is_not_signed_in_to_sign_in_and_remembers_where_to(self, app: Any, host: str) -> None:
        answer = await visitor(app, host).get("/live?x=1")
        assert answer.status_code == 303 and answer.headers["location"] == "/sign-in?next=%2Flive%3Fx%3D1"

    async def test_carries_a_policy_that_runs_and_loads_only_our_own(self, app: Any, host: str) -> None:
        policy = (await visitor(app, host).get("/nowhere")).headers["content-security-policy"]
        assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert re.search(r"script-src 'nonce-[\w-]{20,}'", policy)

    async def test_is_not_kept_by_anybody(self, app: Any, host: str) -> None:
        assert (await visitor(app, host).get("/nowhere")).headers["cache-control"] == "no-store"


class TestAForm:
    async def test_without_the_sessions_token_is_refused(self, signed_in: SignIn) -> None:
        kim = await signed_in("operator")
        answer = await kim.post("/views", {"area": "/ops", "name": "Mine"}, csrf=False)
        assert answer.status_code == 403

    async def test_from_another_site_is_refused(self, signed_in: SignIn) -> None:
        kim = await signed_in("operator")
        given = {"csrf": kim.csrf, "area": "/ops", "name": "Mine"}
        answer = await kim.client.post("/views", data=given, headers={"origin": "https://evil.example"})
        assert answer.status_code == 403

    async def test_sent_twice_is_done_once(self, shell: Shell, tenant: UUID, signed_in: SignIn) -> None:
        kim = await signed_in("operator")
        given = {"area": "/ops", "name": "Late ones", "query": "type=cutoff.missed", "once": str(new_id())}
        answers = await asyncio.gather(*(kim.post("/views", given) for _ in range(4)))
        assert {(a.status_code, a.headers["location"]) for a in answers} == {(303, "/ops?type=cutoff.missed&done=view_saved")}
        async with shell.read(tenant) as uow:
            rows = (await uow.execute(SavedView.__table__.select().where(SavedView.user_id == kim.user_id))).all()
        assert len(rows) == 1

    async def test_that_is_refused_keeps_what_was_typed_and_names_the_fields(self, signed_in: SignIn) -> None:
        kim = await signed_in("operator")
        await kim.post("/views", {"area": "/ops", "name": "Mine"})
        answer = await kim.post("/views", {"area": "/ops", "name": "Mine"})
        assert answer.status_code == 409 and "You have a view of this name" in Page(answer.text).text


class TestAssets:
    async def test_of_two_hosts_share_no_tag(self, shell: Shell, app: Any, host: str) -> None:
        other = await branded_host(shell, await make_tenant(shell), name="Harborline", primary="#0F6E5C")
        tags = [(await visitor(app, h).get("/assets/portal.js")).headers["etag"] for h in (host, other)]
        assert tags[0] != tags[1]

    async def test_are_not_kept_between_and_for_ever_under_their_tag(self, app: Any, host: str) -> None:
        plain = await visitor(app, host).get("/assets/screen.css")
        assert plain.headers["cache-control"] == "private, no-cache" and "#0B5FFF" in plain.text
        tagged = await visitor(app, host).get(f"/assets/screen.css?v={plain.headers['etag'].strip(chr(34))}")
        assert "immutable" in tagged.headers["cache-control"] and tagged.headers["cache-control"].startswith("private")

    @pytest.mark.parametrize("name", ["nothing.css", "..%2fportal.js"])
    async def test_that_are_none_are_not_found(self, app: Any, host: str, name: str) -> None:
        assert (await visitor(app, host).get(f"/assets/{name}")).status_code == 404


class TestTheLiveStream:
    """On a real server, since a stream has no end that an in-process client would wait for."""

    async def test_says_that_something_changed_and_ends_when_the_right_ends(
        self, shell: Shell, tenant: UUID, signed_in: SignIn, served: str
    ) -> None:
        kim = await signed_in("operator")
        headers = {"cookie": f"{sessions.COOKIE}={kim.token}", "host": kim.host}
        async with httpx.AsyncClient(timeout=20) as http, http.stream("GET", f"{served}/live", headers=headers) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream") and stream.headers["cache-control"] == "no-store"
            events = _events(stream)
            assert await anext(events) == "ready"
            async with shell.unit_of_work(tenant, actor="system:test") as uow:
                uow.publish("case.opened", subject="case:test", key="case:test")
            assert await anext(events) == "changed"
            async with shell.unit_of_work(tenant, actor="system:test") as uow:
                await revoke_role(uow, kim.user_id, "operator", maker=admin(tenant))
            revoked = time.monotonic()
            while await anext(events) != "over":
                pass
            assert time.monotonic() - revoked < 5

    async def test_is_not_for_whoever_is_not_signed_in(self, host: str, served: str) -> None:
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"{served}/live", headers={"host": host})
        assert answer.status_code == 303


async def _events(stream: httpx.Response) -> AsyncIterator[str]:
    async for line in stream.aiter_lines():
        if line.startswith("event:"):
            yield line.removeprefix("event:").strip()


class TestWhoeverIsSignedIn:
    async def test_keeps_their_menu_at_a_wrong_address(self, signed_in: SignIn) -> None:
        kim = await signed_in("operator")
        page = Page((await kim.get("/nowhere")).text)
        assert "/ops" in page.links and "/sign-out" in page.actions
