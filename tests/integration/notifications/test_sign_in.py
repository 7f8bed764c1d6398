"""The sign-in mail: in the partner's name, its address never stored in the clear."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text as sql

from app.notifications.sign_in import SignInMailer
from tests.integration.notifications.conftest import World
from tests.services import Database

pytestmark = pytest.mark.feature("M54")
TOKEN = "s3cr3t-t0ken-that-nobody-may-read"


class TestSignInMail:
    async def test_brings_the_link_in_the_readers_language(self, world: World) -> None:
        await ask(world, locale="de")
        await world.settle()
        (mail,) = world.mailbox.mails()
        assert mail["Subject"] == "Ihr Anmeldelink für Northwind" and mail["From"] == "Northwind <care@northwind.example>"
        text = next(mail.iter_parts()).get_content()  # type: ignore[attr-defined]
        assert f"http://{world.host}/sign-in/{TOKEN}" in text

    async def test_leaves_the_token_nowhere_neither_waiting_nor_afterwards(self, world: World, database: Database) -> None:
        await ask(world)
        assert await found_in_the_clear(world) == 0
        await world.settle()
        assert len(world.mailbox.letters) == 1
        assert await found_in_the_clear(world) == 0


async def ask(world: World, locale: str | None = None) -> None:
    mailer = SignInMailer(world.shell.vault)
    async with world.shell.unit_of_work(world.tenant, actor="system:test") as uow:
        url = f"http://{world.host}/sign-in/{TOKEN}"
        await mailer.send(
            uow,
            to="kim@acme.example",
            name="Kim",
            locale=locale,
            url=url,
            expires_at=datetime.now(UTC) + timedelta(minutes=20),
            customer_id=None,
        )


async def found_in_the_clear(world: World) -> int:
    """How many rows of notices and events hold the token readably."""
    async with world.shell.read(world.tenant) as uow:
        query = sql(
            "select (select count(*) from notifications.notice n where n::text like :token) + (select count(*) from core.event e where e::text like :token)"
        )
        return int(await uow.session.scalar(query, {"token": f"%{TOKEN}%"}) or 0)
