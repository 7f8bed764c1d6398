"""Templates: checked at save with the place of each fault, rendered in the sandbox only, inherited from partner to customer."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from app.core.errors import FieldError, Invalid
from app.core.services import Shell
from app.notifications import manifest
from app.notifications.commands import templates
from app.notifications.queries import template_for
from app.notifications.schemas import NewTemplate, Recipient, Rendition, TemplateContent
from app.notifications.templates import TemplateUnusable, choose, lint
from tests.integration.notifications.conftest import BRAND, CONTENT, World
from tests.integration.tenants.conftest import make_customer, make_key

pytestmark = [pytest.mark.feature("M183"), pytest.mark.feature("M195")]
WORDS = {"subject": "Hello {{ name }}", "text": "Hello {{ name }}", "html": "<p>{{ name }}</p>"}
SIMPLE: dict[str, Any] = {"default_locale": "en", "locales": {"en": WORDS}, "example": {"name": "Kim"}}


@pytest.fixture
async def admin(world: World, app: Any) -> AsyncIterator[httpx.AsyncClient]:
    _, key = await make_key(world.shell, world.tenant, roles=["partner_admin"])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1", headers={"authorization": f"Bearer {key.text}"}
    ) as client:
        yield client


def content(**words: str) -> dict[str, Any]:
    return {**SIMPLE, "locales": {"en": {**WORDS, **words}}}


async def faults_of(shell: Shell, given: dict[str, Any]) -> tuple[FieldError, ...]:
    with pytest.raises(TemplateUnusable) as refused:
        await lint(msgspec.convert(given, TemplateContent), BRAND, shell.sandbox)
    return refused.value.errors


async def draft(admin: httpx.AsyncClient, given: dict[str, Any], name: str = "hello") -> httpx.Response:
    return await admin.post("/v1/templates", json={"name": name, "content": given})


class TestLint:
    @pytest.mark.parametrize(
        ("given", "pointer"),
        [
            (content(subject="{{ name"), "/locales/en/subject"),
            (content(text="{% if name %}"), "/locales/en/text"),
            (content(html="<p>{{ nobody }}</p>"), "/locales/en"),
            (content(html="<script>alert(1)</script>"), "/locales/en/html"),
            (content(html='<img src="https://tracker.example/x.png">'), "/locales/en/html"),
            (content(html='<a href="java\tscript:alert(1)">x</a>'), "/locales/en/html"),
            (content(html='<p onclick="x()">x</p>'), "/locales/en/html"),
            (content(html='<p style="background:url(http://x.example)">x</p>'), "/locales/en/html"),
            (content(html="<html><body>x</body></html>"), "/locales/en/html"),
            (content(html="<{{ 'scr' }}ipt>x</{{ 'scr' }}ipt>"), "/locales/en"),
            (content(subject="{{ '' }}"), "/locales/en"),
            ({**SIMPLE, "default_locale": "fr"}, "/default_locale"),
        ],
    )
    async def test_refuses_with_the_place_of_the_fault(self, shell: Shell, given: dict[str, Any], pointer: str) -> None:
        errors = await faults_of(shell, given)
        assert pointer in [error.pointer for error in errors]
        assert all(error.remedy for error in errors)

    async def test_answers_with_a_problem_that_names_the_fault(self, admin: httpx.AsyncClient) -> None:
        answer = await draft(admin, content(subject="{{ name"))
        assert answer.status_code == 422 and answer.json()["type"] == "/problems/template-unusable"
        assert answer.json()["errors"][0]["pointer"] == "/locales/en/subject"

    @pytest.mark.parametrize(
        "escape",
        [
            "{{ ''.__class__.__mro__ }}",
            "{{ name.__init__.__globals__ }}",
            "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
            "{{ self._TemplateReference__context }}",
            "{{ lipsum.__globals__ }}",
            "{% include '/etc/passwd' %}",
            "{% import 'os' as os %}",
            "{{ name|attr('__class__') }}",
            "{{ '{x.__class__}'.format_map({'x': name}) }}",
            "{{ '{0.__class__}'.format(name) }}",
            "{% for x in range(10**9) %}x{% endfor %}",
            "{{ name|safe }}",
            "{% autoescape false %}{{ name }}{% endautoescape %}",
            "{{ config }}",
        ],
    )
    @pytest.mark.parametrize("part", ["subject", "text", "html"])
    async def test_lets_no_template_out_of_its_box(self, shell: Shell, escape: str, part: str) -> None:
        (error,) = await faults_of(shell, content(**{part: escape}))
        assert "root:" not in error.detail and "uid=" not in error.detail

    async def test_ends_a_greedy_template_and_serves_the_next(self, shell: Shell) -> None:
        (error,) = await faults_of(shell, content(text="{{ 'a' * 10**9 }}"))
        assert error.pointer == "/locales/en"
        await lint(msgspec.convert(SIMPLE, TemplateContent), BRAND, shell.sandbox)


class TestVersions:
    async def test_draft_then_publish_then_the_next_retires_the_first(self, admin: httpx.AsyncClient) -> None:
        first = (await draft(admin, SIMPLE)).json()
        assert (first["version"], first["status"]) == (1, "draft")
        assert (await admin.post(f"/v1/templates/{first['id']}/publish")).json()["status"] == "published"
        second = (await draft(admin, content(subject="Good day {{ name }}"))).json()
        await admin.post(f"/v1/templates/{second['id']}/publish")
        listed = (await admin.get("/v1/templates", params={"name": "hello"})).json()["items"]
        assert [(row["version"], row["status"]) for row in listed] == [(2, "published"), (1, "retired")]
        assert (await admin.post(f"/v1/templates/{first['id']}/publish")).status_code == 409

    async def test_the_same_words_again_are_no_new_version(self, admin: httpx.AsyncClient) -> None:
        assert (await draft(admin, SIMPLE)).json()["id"] == (await draft(admin, SIMPLE)).json()["id"]

    async def test_what_is_queued_keeps_the_version_it_was_queued_with(self, world: World) -> None:
        async with world.shell.unit_of_work(world.tenant, actor="system:test") as uow:
            old = Rendition("Old {{ order }}", "old", "<p>old</p>")
            row = await templates.publish(
                uow, await templates.draft(uow, world.shell, NewTemplate("note", TemplateContent("en", {"en": old}, {"order": "1"})))
            )
            assert row.version == 1
        await world.send(template="note")
        async with world.shell.unit_of_work(world.tenant, actor="system:test") as uow:
            new = Rendition("New {{ order }}", "new", "<p>new</p>")
            await templates.publish(
                uow, await templates.draft(uow, world.shell, NewTemplate("note", TemplateContent("en", {"en": new}, {"order": "1"})))
            )
        await world.settle()
        assert [mail["Subject"] for mail in world.mailbox.mails()] == ["Old ORD-7731"]


class TestPreview:
    async def test_shows_what_a_reader_would_get(self, admin: httpx.AsyncClient) -> None:
        kept = (await draft(admin, SIMPLE)).json()
        shown = (await admin.post(f"/v1/templates/{kept['id']}/preview", json={"context": {"name": "<Jo>"}})).json()
        assert shown["subject"] == "Hello <Jo>" and "&lt;Jo&gt;" in shown["html"] and "Northwind" in shown["html"]
        assert shown["text"].startswith("Hello <Jo>")

    async def test_works_before_anything_is_kept(self, admin: httpx.AsyncClient) -> None:
        assert (await admin.post("/v1/templates/preview", json=SIMPLE)).json()["subject"] == "Hello Kim"
        assert (await admin.get("/v1/templates", params={"name": "hello"})).json()["items"] == []


class TestInheritance:
    async def test_a_customers_own_goes_before_the_partners_and_stays_its_own(self, world: World) -> None:
        other = await make_customer(world.shell, world.tenant, "boreal")
        own = TemplateContent("en", {"en": Rendition("Yours {{ order }}", "x", "<p>x</p>")}, {"order": "1"})
        async with world.shell.unit_of_work(world.tenant, actor="system:test") as uow:
            row = await templates.publish(uow, await templates.draft(uow, world.shell, NewTemplate("eta-offer", own, world.customer)))
            mine, theirs = [await template_for(uow, "eta-offer", customer) for customer in (world.customer, other)]
            nobody = await template_for(uow, "eta-offer", None)
        assert mine.id == row.id
        assert theirs.id == nobody.id != row.id

    @pytest.mark.parametrize(("wanted", "tag"), [("de", "de"), ("de-AT", "de"), ("DE-at", "de"), ("en-GB", "en"), ("ja", "en"), ("", "en")])
    def test_a_language_falls_back_to_the_nearest_then_to_the_default(self, wanted: str, tag: str) -> None:
        assert choose(CONTENT, wanted)[0] == tag


class TestManifest:
    YAML = "default_locale: en\nexample: {name: Kim}\nlocales:\n  en: {subject: 'Hi {{ name }}', text: hi, html: <p>hi</p>}\n"

    async def apply(self, world: World, *wanted: dict[str, Any], prune: bool = False) -> list[tuple[str, str]]:
        async with world.shell.unit_of_work(world.tenant, actor="system:test") as uow:
            made = await manifest.reconcile(uow, world.shell, list(wanted), customer_id=None, prune=prune)
        return [(change.name, change.action) for change in made]

    async def test_publishes_once_and_then_finds_nothing_to_do(self, world: World) -> None:
        entry = {"name": "hi", "content": self.YAML}
        assert await self.apply(world, entry) == [("hi", "create")]
        assert await self.apply(world, entry) == [("hi", "unchanged")]
        assert await self.apply(world, {**entry, "content": self.YAML.replace("Hi", "Hello")}) == [("hi", "update")]

    async def test_removes_only_when_told_to(self, world: World) -> None:
        entry = {"name": "hi", "content": self.YAML}
        assert await self.apply(world, entry) == [("hi", "create")]
        assert await self.apply(world, entry, prune=True) == [("hi", "unchanged"), ("eta-offer", "delete")]

    @pytest.mark.parametrize(
        ("entry", "pointer"),
        [
            ({"name": "hi", "content": "a: [b"}, "/0/content"),
            ({"name": "Not A Name", "content": YAML}, "/0/name"),
            ({"name": "hi", "content": YAML.replace("{{ name }}", "{{ nobody }}")}, "/0/locales/en"),
            ({"name": "hi", "file": "x"}, "/0/file"),
        ],
    )
    async def test_names_the_place_of_what_it_can_not_read(self, world: World, entry: dict[str, Any], pointer: str) -> None:
        with pytest.raises(Invalid) as refused:
            await self.apply(world, entry)
        assert refused.value.errors[0].pointer.startswith(pointer)


class TestNotices:
    async def test_are_listed_with_their_state_and_words(self, world: World, admin: httpx.AsyncClient) -> None:
        await world.send(template="eta-offer", context={"order": "O-1", "reason": "r", "answer_by_text": "soon", "links": {}})
        await world.settle()
        (row,) = (await admin.get("/v1/notices", params={"status": "failed"})).json()["items"]
        assert row["failure"]
        await world.send(
            Recipient("jo@acme.example"),
            template="sign-in",
            context={"url": "https://x.example/a", "expires_at": "2099-01-01T00:00:00Z"},
            key="k2",
        )
        await world.settle()
        (row,) = (await admin.get("/v1/notices", params={"status": "delivered"})).json()["items"]
        assert row["address"] == "jo@acme.example" and "Northwind" in row["subject"] and row["html"] is None
        one = (await admin.get(f"/v1/notices/{row['id']}")).json()
        assert "<h1" in one["html"] and [tried["outcome"] for tried in one["tries"]] == ["delivered"]

    async def test_ask_for_a_state_that_exists(self, admin: httpx.AsyncClient) -> None:
        assert (await admin.get("/v1/notices", params={"status": "lost"})).status_code == 400
