"""The sign-in mail: in the partner's name, its address never stored in the clear."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text as sql

from app.core.ids import new_id
from app.core.services import Shell
from app.notifications.sign_in import SignInMailer
from tenants import platform
from tenants.commands.sign_in import request_sign_in
from tenants.commands.users import create_user
from tenants.manifest import PartnerEntry
from tenants.schemas import NewPartner, NewUser
from tests.integration.notifications.conftest import Mailbox, World
from tests.integration.tenants.conftest import admin
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


class TestBeforeThereIsABrand:
    @pytest.mark.feature("M188")
    async def test_the_first_administrator_is_written_to_under_the_name_the_partner_is_registered_by(
        self, shell: Shell, mailbox: Mailbox
    ) -> None:
        """A new environment has its address on the platform's domain at once, and somebody can come in to publish its brand."""
        from worker.serve import serve

        partner = NewPartner(slug=f"quay-{new_id().hex[-8:]}", name="Quay Partners", type="msp", event_namespace=f"q{new_id().hex[-8:]}")
        entry = PartnerEntry(slug=partner.slug, name=partner.name, type=partner.type, event_namespace=partner.event_namespace)
        async with shell.boundary.platform(actor="system:test", reason="a new partner") as connection:
            tenant = await platform.create_partner(connection, entry, "live")
        own = shell.but(settings=replace(shell.settings, smtp_url=f"smtp://127.0.0.1:{mailbox.port}"))
        async with own.unit_of_work(tenant, actor="system:test") as uow:
            await platform.announce(own, uow, partner.slug, "live")
        host = f"{partner.slug}.{shell.settings.public_domain}"
        rows = await shell.boundary.look_up("select tenant_id from core.find_tenant_by_host($1)", host)
        assert [row["tenant_id"] for row in rows] == [tenant]
        async with own.unit_of_work(tenant, actor="system:test") as uow:
            await create_user(uow, NewUser(email="ada@quay.example", role="partner_admin"), maker=admin(tenant))
            assert (
                await request_sign_in(uow, SignInMailer(own.vault), email="ada@quay.example", host=host, origin=own.settings.origin(host))
                == 1
            )
        await own.boundary.dispatch("select core.wake_due()")
        while not mailbox.letters:
            await serve(own, tenant)
        (mail,) = mailbox.mails()
        assert mail["Subject"] == "Your sign-in link for Quay Partners" and "Quay Partners" in mail["From"]


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
