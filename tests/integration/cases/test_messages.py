"""Mail to people outside: it shows who gets it, is held, and what is undone never leaves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from app.cases import messages
from app.cases.messages import Addressee, Draft, MessageUnsendable, TooLateToUndo
from app.cases.models import HeldMessage
from app.core.errors import NotFound
from app.notifications.models import Notice
from branding.commands import ensure_platform_host, publish_brand
from tests.integration.cases.test_desk import named
from tests.integration.cases.world import World
from tests.integration.notifications.conftest import BRAND, Mailbox

pytestmark = pytest.mark.feature("M214")


class Post(Mailbox):
    """A mail server that lets something happen when a letter's reader was named and before the letter is handed over."""

    before_the_letter: Callable[[], Awaitable[None]] | None = None

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if self.before_the_letter:
            await self.before_the_letter()
        return await super().handle_RCPT(server, session, envelope, address, options)

    def by_reader(self) -> dict[str, EmailMessage]:
        return {str(mail["to"]).rpartition("<")[2].rstrip(">"): mail for mail in self.mails()}


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    box = Post()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box, enable_SMTPUTF8=True, ident="mail"), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    yield box
    server.close()


@pytest.fixture
async def writing(world: World, post: Post) -> World:
    """The same world with a brand to write in, and a mail server."""
    world.shell = world.shell.but(settings=replace(world.shell.settings, smtp_url=f"smtp://127.0.0.1:{post.port}"))
    async with world.act() as uow:
        await publish_brand(uow, BRAND)
        await ensure_platform_host(uow, world.shell.settings)
    return world


async def people_of(world: World, *names: str) -> list[str]:
    return [await named(world, name, "customer_user", customer=world.customer) for name in names]


def _words(mail: EmailMessage) -> dict[str, str]:
    parts = {kind: mail.get_body((kind,)) for kind in ("plain", "html")}
    return {kind: part.get_content() for kind, part in parts.items() if part is not None}


async def due_now(world: World) -> None:
    """The ten seconds are over."""
    await world.shell.boundary.dispatch(
        "update core.work set due = clock_timestamp(), ready = true where tenant_id = $1 and kind = 'notice'", world.tenant
    )
    await world.work_off()


class TestPreview:
    async def test_shows_who_gets_it_about_which_cases_and_who_is_left_out(self, world: World) -> None:
        await people_of(world, "Carl", "Cora")
        await named(world, "Bea Blind", "no_such_role", customer=world.customer)
        empty = await World.make(world.shell, world.tenant, slug="boreal")
        one, two, lost = await world.opened(order="ORD-1"), await world.opened(order="ORD-2"), await empty.opened(order="ORD-3")
        async with world.act() as uow:
            shown = await messages.prepare(uow, Draft([one.id, two.id, lost.id], "Delay", "We are on it."))
        assert [(reader.name, reader.address, set(reader.cases)) for reader in shown.readers] == [
            ("Carl", "carl@example.test", {one.id, two.id}), ("Cora", "cora@example.test", {one.id, two.id}),
        ]  # fmt: skip
        assert [(out.case_id, out.why) for out in shown.left_out] == [(lost.id, "Boreal has nobody who may see cases.")]
        assert await world.rows(Notice) == []

    async def test_finds_no_case_of_another_tenant(self, world: World, other_tenant: UUID) -> None:
        case = await world.opened(order="ORD-1")
        with pytest.raises(NotFound):
            async with world.shell.unit_of_work(other_tenant, actor="user:x") as uow:
                await messages.prepare(uow, Draft([case.id], "x", "y"))

    async def test_of_a_counterparty_needs_an_address(self, world: World) -> None:
        case = await world.opened(order="ORD-1")
        async with world.act() as uow:
            with pytest.raises(MessageUnsendable):
                await messages.prepare(uow, Draft([case.id], "x", "y", audience="counterparty"))
            shown = await messages.prepare(uow, Draft([case.id], "x", "y", audience="counterparty", addresses=[Addressee("desk@dhl.test")]))
        assert [reader.address for reader in shown.readers] == ["desk@dhl.test"]


class TestSending:
    async def test_holds_ten_seconds_then_leaves_one_letter_a_reader_about_their_own_cases(self, writing: World, post: Post) -> None:
        world = writing
        await people_of(world, "Carl", "Cora")
        other = await World.make(world.shell, world.tenant, slug="boreal")
        await named(world, "Bo", "customer_user", customer=other.customer)
        mine, theirs = await world.opened(order="ORD-1"), await other.opened(order="ORD-9")
        me = await named(world, "Ann")
        async with world.act(me) as uow:
            row = await messages.send_held(uow, Draft([mine.id, theirs.id], "A new <time>", "First line.\n\nSecond <b>line</b>."))
            assert row.leaves_at == uow.now + timedelta(seconds=10)
        await world.work_off()
        assert post.letters == []
        async with world.look() as uow:
            assert (await messages.view(uow, await uow.get(HeldMessage, row.id))).status == "held"
        await due_now(world)
        letters = post.by_reader()
        assert set(letters) == {"carl@example.test", "cora@example.test", "bo@example.test"}
        assert letters["carl@example.test"]["subject"] == "A new <time>"
        carls, bos = (_words(letters[f"{name}@example.test"]) for name in ("carl", "bo"))
        assert "ORD-1" in carls["plain"] and "ORD-9" not in carls["plain"]
        assert "ORD-9" in bos["plain"] and "ORD-1" not in bos["plain"]
        assert "Second &lt;b&gt;line&lt;/b&gt;." in carls["html"]
        async with world.look() as uow:
            seen = await messages.view(uow, await uow.get(HeldMessage, row.id))
        assert (seen.status, seen.delivery) == ("left", {"delivered": 3})
        titles = [entry.title for entry in await world.timeline_of(mine.id)]
        assert "Message to 2 readers: A new <time>" in titles
        assert (await world.case(mine.id)).touched is True
        with pytest.raises(TooLateToUndo):
            async with world.act(me) as uow:
                await messages.undo(uow, row.id)

    async def test_that_nobody_would_get_is_refused(self, world: World) -> None:
        case = await world.opened(order="ORD-1")
        with pytest.raises(MessageUnsendable):
            async with world.act() as uow:
                await messages.send_held(uow, Draft([case.id], "x", "y"))


class TestUndo:
    async def test_means_it_never_leaves(self, writing: World, post: Post) -> None:
        world = writing
        await people_of(world, "Carl", "Cora")
        case, me = await world.opened(order="ORD-1"), await named(world, "Ann")
        async with world.act(me) as uow:
            row = await messages.send_held(uow, Draft([case.id], "Delay", "We are on it."))
        for _ in range(2):
            async with world.act(me) as uow:
                undone = await messages.undo(uow, row.id)
        assert (undone.status, undone.undone_by) == ("undone", me)
        await due_now(world)
        assert post.letters == []
        assert {notice.status for notice in await world.rows(Notice)} == {"withdrawn"}
        assert len(await world.told("message.undone")) == 1
        assert "Message taken back before it left: Delay" in [entry.title for entry in await world.timeline_of(case.id)]

    async def test_wins_over_a_worker_that_has_it_in_hand_already(self, writing: World, post: Post) -> None:
        """The letter is made and the server asked when the message is taken back: it is not handed over."""
        world = writing
        await people_of(world, "Carl")
        case, me = await world.opened(order="ORD-1"), await named(world, "Ann")
        async with world.act(me) as uow:
            row = await messages.send_held(uow, Draft([case.id], "Delay", "We are on it."))

        async def take_back() -> None:
            async with world.act(me) as uow:
                await messages.undo(uow, row.id)

        post.before_the_letter = take_back
        await due_now(world)
        assert post.letters == []
        [notice] = await world.rows(Notice)
        assert (notice.status, notice.attempts) == ("withdrawn", 0)

    async def test_of_a_message_elsewhere_finds_nothing(self, world: World, other_tenant: UUID) -> None:
        await people_of(world, "Carl")
        case = await world.opened(order="ORD-1")
        async with world.act() as uow:
            row = await messages.send_held(uow, Draft([case.id], "Delay", "We are on it."))
        with pytest.raises(NotFound):
            async with world.shell.unit_of_work(other_tenant, actor="user:x") as uow:
                await messages.undo(uow, row.id)
