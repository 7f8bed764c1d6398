"""The whole way in a real browser: from a page that asks for a session to the provider on another site and back to that page."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import uvicorn
from playwright.async_api import async_playwright

from app.core.embedded import free_port
from app.core.services import Shell
from app.main.application import create_app
from tenants.models import User
from tests.integration.identity.conftest import said
from tests.real import real

pytestmark = pytest.mark.feature("M193")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@asynccontextmanager
async def serving(shell: Shell) -> AsyncIterator[tuple[Shell, int]]:
    """The application on a port that browsers reach, its absolute addresses with that port."""
    port = free_port()
    here = shell.but(settings=replace(shell.settings, public_port=port))
    server = uvicorn.Server(uvicorn.Config(create_app(here), host="127.0.0.1", port=port, log_level="warning", lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.05)
    try:
        yield here, port
    finally:
        server.should_exit = True
        await running


class TestAPerson:
    async def test_goes_to_the_provider_and_comes_back_to_the_page_they_wanted(
        self, shell: Shell, tenant: UUID, host: str, issuer: Any, make_provider: Any, signed_in: Any
    ) -> None:
        kim = await signed_in("customer_admin")
        async with shell.read(tenant) as uow:
            email = (await uow.get(User, kim.user_id)).email
        provider = await make_provider(issuer, name="Acme account", customer_id=kim.customer_id, domains=["people.example"])
        issuer.sign_in_as("u-1", email=email, email_verified=True)
        async with serving(shell) as (_, port), async_playwright() as playwright:
            home = f"http://{host}:{port}"
            issuer.accept(f"{home}/sign-in/callback/{provider.id}")
            browser = await playwright.chromium.launch(executable_path=real("chromium"), args=QUIET)
            try:
                page = await browser.new_page(java_script_enabled=False)
                refused: list[str] = []
                page.on("console", lambda message: refused.append(message.text))
                await page.goto(f"{home}/settings/sessions")
                assert page.url == f"{home}/sign-in?next=%2Fsettings%2Fsessions"
                await page.fill("input[name=email]", email)
                await page.click("button.main")
                await page.click("text=Acme account")
                await page.wait_for_url(f"{home}/settings/sessions", timeout=30_000)
                cookies = {cookie["name"]: cookie for cookie in await page.context.cookies()}
                assert "Chrom" in await page.inner_text("main")
            finally:
                await browser.close()
        session = cookies["__Host-session"]
        assert session["httpOnly"] and session["secure"] and "__Host-sign-in" not in cookies and refused == []
        started = await said(shell, tenant, "session.started")
        assert started[-1]["data"]["strength"] == "provider"
