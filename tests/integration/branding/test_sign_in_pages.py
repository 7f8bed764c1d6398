"""Signing in looks like the partner, from the first page on."""

from uuid import UUID

import pytest

from app.core.services import Shell
from branding.commands import ensure_platform_host, publish_brand
from branding.schemas import Brand, Tokens, Voice
from branding.sign_in_pages import Step, sign_in_page

pytestmark = pytest.mark.feature("M180")


@pytest.fixture
async def host(shell: Shell, tenant: UUID) -> str:
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        await publish_brand(uow, Brand(Voice(name="Northwind", mail_from="care@northwind.example", locale="de"), Tokens(primary="#0B5FFF")))
        return (await ensure_platform_host(uow, shell.settings)).host


class TestSignInPages:
    @pytest.mark.parametrize(
        ("step", "status", "title"), [("confirm", 200, "Anmelden"), ("unusable", 404, "gilt nicht mehr"), ("done", 200, "angemeldet")]
    )
    async def test_speak_as_the_partner(self, shell: Shell, host: str, step: Step, status: int, title: str) -> None:
        made = await sign_in_page(shell, host, step)
        assert made.status == status and title in made.html and "Northwind" in made.html
        assert ("<form" in made.html) == (step == "confirm")

    async def test_name_nobody_on_a_strangers_host(self, shell: Shell, host: str) -> None:
        made = await sign_in_page(shell, "stranger.example", "confirm")
        assert "Northwind" not in made.html and "Sign in" in made.html
