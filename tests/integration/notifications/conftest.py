"""A tenant with a brand, a customer and a template, and a real mail server to send to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast
from uuid import UUID

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from app.core.gate import GateRequest, OpenGate, Verdict
from app.core.services import Shell
from app.notifications.commands import send, templates
from app.notifications.links import Form, Link
from app.notifications.models import Notice
from app.notifications.schemas import NewTemplate, Recipient, Rendition, TemplateContent
from branding.commands import ensure_platform_host, publish_brand
from branding.pages import Choice, Page
from branding.schemas import Brand, Tokens, Voice
from tests.integration.tenants.conftest import make_customer

BRAND = Brand(
    Voice(name="Northwind", mail_from="care@northwind.example", support_email="help@northwind.example", zone="Europe/Berlin"),
    Tokens(primary="#0B5FFF"),
)
ENGLISH = Rendition(
    subject="Order {{ order }} is late",
    text="Hello {{ recipient.name }}, choose by {{ answer_by_text }}: {{ links.offer }}",
    html='<h1>Order {{ order }}</h1><p>{{ reason }}</p><p><a class="button" href="{{ links.offer }}">Choose</a></p>',
)
GERMAN = Rendition(subject="Auftrag {{ order }} verspätet", text="Guten Tag: {{ links.offer }}", html="<p>{{ links.offer }}</p>")
EXAMPLE = {"order": "ORD-1", "reason": "x", "answer_by": "2026-11-24T18:00:00+01:00", "links": {"offer": "https://care.example/l/x"}}
CONTEXT = {"order": "ORD-7731", "reason": "Missed the cutoff.", "answer_by": "2099-11-24T18:00:00+01:00"}
CONTENT = TemplateContent("en", {"en": ENGLISH, "de": GERMAN}, EXAMPLE)


@dataclass
class Mailbox:
    """A mail server's memory, and what it answers: set `rcpt` or `data` to refuse, `hang_up` to cut the line after DATA."""

    port: int = 0
    letters: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    greetings: list[str] = field(default_factory=list)
    rcpt: str = "250 OK"
    data: str = "250 taken"
    hang_up: bool = False
    before_answer: Callable[[], Awaitable[None]] | None = None

    async def handle_EHLO(self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]) -> list[str]:
        self.greetings.append(hostname)
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.before_answer:
            await self.before_answer()
        if self.data.startswith("250") or self.hang_up:
            self.letters.append((envelope.mail_from or "", list(envelope.rcpt_tos), cast(bytes, envelope.original_content)))
        if self.hang_up and server.transport:
            server.transport.abort()
        return self.data

    def mails(self) -> list[EmailMessage]:
        return [cast(EmailMessage, message_from_bytes(raw, policy=default)) for _, _, raw in self.letters]


class StrictGate(OpenGate):
    """A gate that holds everything back, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[GateRequest] = []

    async def verdict(self, shell: Shell, request: GateRequest) -> Verdict:
        self.asked.append(request)
        return Verdict(False, "The certificate is missing.", rule="regulated", remedy="Upload it.")


class TwoOptions:
    """A link action that keeps its answers in a list, as an offer keeps them in a table."""

    kind = "offer"

    def __init__(self) -> None:
        self.answers: list[tuple[UUID, str]] = []

    async def show(self, shell: Shell, uow: Any, link: Link) -> Page:
        return Page(
            kind="offer", title="Order ORD-7731 is late", choices=(Choice("a", "Wednesday", is_default=True), Choice("b", "Tuesday"))
        )

    async def act(self, shell: Shell, uow: Any, link: Link, form: Form) -> Page:
        from app.core.errors import Invalid

        chosen = form.fields.get("option", "")
        if chosen not in ("a", "b"):
            raise Invalid("Choose one of the two options.")
        self.answers.append((link.subject_id, chosen))
        return Page(kind="answered", answer=chosen)


@dataclass
class World:
    """One tenant, ready to write to people."""

    shell: Shell
    tenant: UUID
    customer: UUID
    mailbox: Mailbox
    actions: TwoOptions
    host: str
    settle: Callable[[], Awaitable[None]]

    async def send(self, *to: Recipient, key: str = "k1", template: str = "eta-offer", **more: Any) -> list[Notice]:
        people = list(to) or [Recipient("kim@acme.example", "Kim")]
        async with self.shell.unit_of_work(self.tenant, actor="system:test") as uow:
            return await send(
                uow, **{"template": template, "to": people, "context": CONTEXT, "key": key, "customer_id": self.customer, **more}
            )

    async def notice(self, id: UUID) -> Notice:
        async with self.shell.read(self.tenant) as uow:
            return await uow.get(Notice, id)

    async def again_now(self) -> None:
        """Let every waiting try be due at once, then work."""
        async with self.shell.unit_of_work(self.tenant, actor="system:test") as uow:
            from sqlalchemy import select

            for id in (await uow.execute(select(Notice.id).where(Notice.settled_at.is_(None)))).scalars():
                uow.work("notice", subject=id)
        await self.settle()


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    box = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box, enable_SMTPUTF8=True, ident="mail"), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    yield box
    server.close()


@pytest.fixture
async def world(shell: Shell, tenant: UUID, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> World:
    from worker.serve import serve

    actions = TwoOptions()
    monkeypatch.setitem(shell.extras, "links", [actions])
    own = shell.but(settings=replace(shell.settings, smtp_url=f"smtp://127.0.0.1:{mailbox.port}"), gate=OpenGate())
    customer = await make_customer(shell, tenant)
    async with own.unit_of_work(tenant, actor="system:test") as uow:
        await publish_brand(uow, BRAND)
        host = (await ensure_platform_host(uow, own.settings)).host
        await templates.publish(uow, await templates.draft(uow, own, NewTemplate("eta-offer", CONTENT)))

    async def settle() -> None:
        for _ in range(20):
            await own.boundary.dispatch("select core.wake_due()")
            await serve(own, tenant)
            ready = "select 1 from core.work where tenant_id = $1 and ready and due <= clock_timestamp() limit 1"
            if not await own.boundary.dispatch(ready, tenant):
                return

    return World(own, tenant, customer, mailbox, actions, host, settle)
