"""Somebody signed in on a partner's host, without a browser: a cookie, the session's token for forms, pages as text."""

from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import httpx

from app.core.ids import new_id
from app.core.services import Shell
from branding import commands as brands
from branding.schemas import Brand, Tokens, Voice
from tenants import sessions
from tenants.commands.sign_in import start_session
from tenants.commands.users import create_user
from tenants.principal import Principal
from tenants.roles import BUILT_IN
from tenants.schemas import NewUser


class Person:
    """Somebody with a session; `get` and `post` go to their partner's host, forms carry the session's token."""

    def __init__(self, app: Any, host: str, token: str, user_id: UUID, customer_id: UUID | None) -> None:
        self.host, self.token, self.user_id, self.customer_id = host, token, user_id, customer_id
        self.csrf = sessions.csrf_of(token)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url=f"http://{host}",
            headers={"cookie": f"{sessions.COOKIE}={token}", "accept": "text/html"},
        )

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.client.get(path, **more)

    async def post(self, path: str, fields: dict[str, Any] | None = None, *, files: Any = None, csrf: bool = True) -> httpx.Response:
        """Send a form as this person's own page would."""
        given = {**({"csrf": self.csrf, "once": str(new_id())} if csrf else {}), **(fields or {})}
        return await self.client.post(path, data=given, files=files)


async def branded_host(shell: Shell, tenant: UUID, name: str = "Northwind Logistics Care", primary: str = "#0B5FFF") -> str:
    """Publish a brand for the tenant and return its verified host."""
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        voice = Voice(name=name, mail_from="care@northwind.example", support_email="help@northwind.example", zone="Europe/Berlin")
        await brands.publish_brand(uow, Brand(voice=voice, tokens=Tokens(primary=primary)), logo=None)
        domain = await brands.ensure_platform_host(uow, shell.settings)
        return domain.host


async def sign_in(
    shell: Shell, app: Any, tenant: UUID, host: str, role: str, *, customer: UUID | None = None, name: str = "Kim Doe"
) -> Person:
    """Make a user with this role and a session of theirs."""
    maker = Principal(tenant, "system:test", "partner", BUILT_IN["partner_admin"].permissions)
    email = f"{role}-{new_id().hex[-8:]}@people.example"
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        user = await create_user(uow, NewUser(email=email, role=role, customer_id=customer, name=name), maker=maker)
        made = await start_session(uow, user.id, customer, host, strength="email")
        uow.publish("session.started", of=made.session, key=f"user:{user.id}", customer_id=customer)
    return Person(app, host, made.token.text, user.id, customer)


class Page(HTMLParser):
    """What a page holds: its visible text, its links, its forms' fields."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.actions: list[str] = []
        self.fields: dict[str, str] = {}
        self._text: list[str] = []
        self._hidden = 0
        self.feed(html)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._text).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self._hidden += 1
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "form":
            self.actions.append(given.get("action", ""))
        if tag == "input" and "name" in given:
            self.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._text.append(data)
