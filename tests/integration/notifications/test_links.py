"""Signed links through the real application: shown to anybody, acted on once, dead after their time, silent about everything else."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, update

from app.core.ids import new_id
from app.core.models import EventRow
from app.notifications.links import issue
from app.notifications.models import Link
from branding.commands import ensure_platform_host, publish_brand
from branding.schemas import Brand, Tokens, Voice
from tests.conftest import make_tenant
from tests.integration.notifications.conftest import World

pytestmark = [pytest.mark.feature("M100"), pytest.mark.feature("M195")]


@pytest.fixture
async def browser(world: World, app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody's browser on the partner's host."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers={"host": world.host}) as client:
        yield client


async def link(world: World, *, hours: float = 4, kind: str = "offer", tenant: UUID | None = None) -> str:
    async with world.shell.unit_of_work(tenant or world.tenant, actor="system:test") as uow:
        token = await issue(
            uow, kind=kind, subject_id=new_id(), case_id=new_id(), customer_id=world.customer if not tenant else None,
            to="kim@acme.example", expires_at=datetime.now(UTC) + timedelta(hours=hours),
        )  # fmt: skip
    return f"/l/{token}"


async def kept(world: World) -> list[tuple[datetime | None, str | None]]:
    async with world.shell.read(world.tenant) as uow:
        return [(row.used_at, row.answer) for row in (await uow.execute(select(Link).order_by(Link.id))).scalars()]


async def expire(world: World) -> None:
    async with world.shell.unit_of_work(world.tenant, actor="system:test") as uow:
        past = datetime.now(UTC) - timedelta(minutes=1)
        await uow.execute(update(Link).values(expires_at=past, issued_at=past - timedelta(hours=1)))
        uow.publish("test.moved")


class TestLooking:
    async def test_shows_the_two_options_in_the_partners_name(self, world: World, browser: httpx.AsyncClient) -> None:
        page = await browser.get(await link(world))
        assert page.status_code == 200
        assert "Northwind" in page.text and "Wednesday" in page.text and "Tuesday" in page.text
        assert page.headers["content-type"] == "text/html; charset=utf-8"

    async def test_changes_nothing_however_often_scanners_come(self, world: World, browser: httpx.AsyncClient) -> None:
        path = await link(world)
        for method in ("GET", "GET", "HEAD", "OPTIONS", "GET"):
            answer = await browser.request(method, path, headers={"user-agent": "Mail-Link-Scanner"})
            assert answer.status_code < 400
        assert await kept(world) == [(None, None)] and not world.actions.answers
        assert (await browser.head(path)).content == b""

    async def test_survives_what_mailers_append(self, world: World, browser: httpx.AsyncClient) -> None:
        assert (await browser.get(await link(world) + "?utm_source=mail&utm_source=again")).status_code == 200

    async def test_carries_headers_that_let_nothing_run_or_leak(self, world: World, browser: httpx.AsyncClient) -> None:
        headers = (await browser.get(await link(world))).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "nonce-" in policy and "unsafe" not in policy
        assert headers["referrer-policy"] == "no-referrer" and headers["cache-control"] == "no-store"
        assert headers.get_list("content-security-policy") == [policy]
        assert "detour" not in str(headers).lower()


class TestActing:
    async def test_takes_the_answer_once(self, world: World, browser: httpx.AsyncClient) -> None:
        path = await link(world)
        first = await browser.post(path, data={"option": "b"})
        second = await browser.post(path, data={"option": "a"})
        shown = await browser.get(path)
        assert [first.status_code, second.status_code, shown.status_code] == [200, 409, 409]
        assert "Your answer:" in first.text and "already been used" in second.text
        assert [option for _, option in world.actions.answers] == ["b"]
        ((used_at, answer),) = await kept(world)
        assert used_at and answer == "b"

    async def test_leaves_an_event_with_the_link_as_actor(self, world: World, browser: httpx.AsyncClient) -> None:
        await browser.post(await link(world), data={"option": "b"})
        async with world.shell.read(world.tenant) as uow:
            event = (await uow.execute(select(EventRow).where(EventRow.type == "link.used"))).scalar_one()
            envelope = event.envelope
        assert envelope["actor"].startswith("link:") and envelope["customer_id"] == str(world.customer)

    async def test_lets_one_of_many_at_the_same_moment_through(self, world: World, browser: httpx.AsyncClient) -> None:
        path = await link(world)
        answers = await asyncio.gather(*(browser.post(path, data={"option": "a"}) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7

    async def test_shows_the_form_again_when_the_answer_is_none(self, world: World, browser: httpx.AsyncClient) -> None:
        path = await link(world)
        wrong = await browser.post(path, data={"option": "c"})
        assert wrong.status_code == 422 and "Choose one of the two options." in wrong.text and 'value="a"' in wrong.text
        assert (await browser.post(path, data={"option": "a"})).status_code == 200

    @pytest.mark.parametrize("body", [{"json": {"option": "a"}}, {"content": b"option=a"}, {"data": {}}, {"files": {"x": ("a.txt", b"a")}}])
    async def test_takes_only_a_form_that_names_an_option(self, world: World, browser: httpx.AsyncClient, body: dict[str, object]) -> None:
        answer = await browser.post(await link(world), **body)  # type: ignore[arg-type]
        assert answer.status_code == 422 and not world.actions.answers

    async def test_refuses_what_is_too_large_with_a_page(self, world: World, browser: httpx.AsyncClient) -> None:
        answer = await browser.post(await link(world), files={"file": ("big.pdf", b"x" * (27 * 1024 * 1024))})
        assert answer.status_code == 413 and "<h1>" in answer.text and not world.actions.answers


class TestDeadLinks:
    async def test_expired_says_so_and_does_nothing(self, world: World, browser: httpx.AsyncClient) -> None:
        path = await link(world)
        await expire(world)
        for answer in (await browser.get(path), await browser.post(path, data={"option": "a"})):
            assert answer.status_code == 410 and "expired" in answer.text and "Northwind" in answer.text
        assert not world.actions.answers

    @pytest.mark.parametrize("token", ["x" * 43, "short", "%00", "..%2f..", "a" * 3000, "ä" * 43])
    async def test_unknown_says_so_in_the_partners_voice(self, world: World, browser: httpx.AsyncClient, token: str) -> None:
        answer = await browser.get(f"/l/{token}")
        assert answer.status_code == 404
        if "/" not in token and len(token) == 43:
            assert "Northwind" in answer.text

    async def test_of_another_tenant_is_unknown_here(self, world: World, browser: httpx.AsyncClient) -> None:
        other = await make_tenant(world.shell)
        foreign = await link(world, tenant=other)
        unknown = await browser.get(f"/l/{'x' * 43}")
        answer = await browser.get(foreign)
        assert answer.status_code == 404
        assert answer.text.split("</style>")[1] == unknown.text.split("</style>")[1]

    async def test_on_a_host_nobody_owns_names_nobody(self, world: World, browser: httpx.AsyncClient) -> None:
        answer = await browser.get(await link(world), headers={"host": "stranger.example"})
        assert answer.status_code == 404 and "Northwind" not in answer.text and "Wednesday" not in answer.text

    async def test_of_a_kind_nobody_knows_is_unknown(self, world: World, browser: httpx.AsyncClient) -> None:
        assert (await browser.get(await link(world, kind="other"))).status_code == 404


class TestTrouble:
    async def test_on_our_side_is_a_page_in_the_partners_voice(self, world: World, browser: httpx.AsyncClient) -> None:
        class Broken:
            kind = "offer"

            async def show(self, shell, uow, link):  # type: ignore[no-untyped-def]
                raise RuntimeError("boom")

            act = show

        world.shell.extras["links"] = [Broken()]
        answer = await browser.get(await link(world))
        assert answer.status_code == 500 and "Northwind" in answer.text and "boom" not in answer.text

    async def test_in_the_action_leaves_the_link_good(self, world: World, browser: httpx.AsyncClient) -> None:
        path = await link(world)
        working, world.actions.act = world.actions.act, _broken  # type: ignore[method-assign]
        assert (await browser.post(path, data={"option": "a"})).status_code == 500
        world.actions.act = working  # type: ignore[method-assign]
        assert (await browser.post(path, data={"option": "a"})).status_code == 200


class TestScope:
    async def test_an_action_works_inside_one_customer_and_one_case(self, world: World, browser: httpx.AsyncClient) -> None:
        seen = []

        class Curious:
            kind = "offer"

            async def show(self, shell, uow, link):  # type: ignore[no-untyped-def]
                seen.append((uow.customer_id, uow.case_id, uow.actor, (await uow.execute(select(Link))).scalars().all()))
                return await world.actions.show(shell, uow, link)

        world.shell.extras["links"] = [Curious()]
        await link(world)
        path = await link(world)
        await browser.get(path)
        ((customer, case, actor, links),) = seen
        assert customer == world.customer and case is not None and actor.startswith("link:")
        assert len(links) == 1

    async def test_two_partners_pages_look_like_two_partners(self, world: World, browser: httpx.AsyncClient) -> None:
        other = await make_tenant(world.shell)
        async with world.shell.unit_of_work(other, actor="system:test") as uow:
            await publish_brand(uow, Brand(Voice(name="Harborline", mail_from="a@harborline.example"), Tokens(primary="#B3261E")))
            host = (await ensure_platform_host(uow, world.shell.settings)).host
        here, there = await browser.get("/l/x"), await browser.get("/l/x", headers={"host": host})
        assert "Northwind" in here.text and "#0B5FFF" in here.text and "Harborline" not in here.text
        assert "Harborline" in there.text and "#B3261E" in there.text and "Northwind" not in there.text


async def _broken(*_: object) -> object:
    raise RuntimeError("boom")
