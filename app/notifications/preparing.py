"""From a queued notice to a letter: the gate's word, fresh links, the template rendered in the sandbox, the brand's frame."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec

from app.core.errors import Fault, Invalid, LimitReached
from app.core.gate import GateRequest, Verdict
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.notifications import queries, templates
from app.notifications.commands.settle import Issued, Prepared
from app.notifications.links import new_token
from app.notifications.mail import Letter, letter
from app.notifications.models import Notice
from app.notifications.schemas import LinkSpec, Recipient, Rendered, TemplateContent
from branding import queries as brands
from branding.queries import Shown
from branding.render import LOGO_PATH

_TABLE = "notifications.notice"
SIGN_IN = "sign-in"
"""The one template that goes out before a brand is published: somebody must come in to publish it."""


class Unsendable(Exception):
    """This notice can't become a letter; trying again would not help."""


async def verdict(shell: Shell, notice: Notice) -> Verdict:
    """Ask the gate whether this notice may leave now."""
    request = GateRequest(
        tenant_id=notice.tenant_id, customer_id=notice.about_customer_id, case_id=notice.case_id, capability=f"notice:{notice.template}",
        params={"audience": notice.audience, "channel": notice.channel}, effect_key=f"notice:{notice.id}", actor="system:notices",
    )  # fmt: skip
    return await shell.gate.verdict(shell, request)


async def prepare(shell: Shell, notice: Notice) -> Prepared:
    """Return the notice's letter: the sealed one when it went out before, else made now. Raises Unsendable with the reason."""
    async with shell.read(notice.tenant_id, actor="system:notices") as uow:
        if notice.sealed_letter:
            opened = await shell.vault.open(uow, table=_TABLE, row=notice.id, field="sealed_letter", sealed=notice.sealed_letter)
            return Prepared(msgspec.msgpack.decode(opened, type=Letter), notice.spoken or "en")
        content = await queries.pinned(uow, notice)
        find = brands.shown if notice.template != SIGN_IN else partial(brands.shown_or_plain, settings=shell.settings)
        shown, origin = await find(uow), await brands.origin(uow, shell.settings)
        hidden = await _hidden_context(shell, uow, notice)
    try:
        return await _make(shell, notice, content, shown, origin, hidden)
    except (Invalid, LimitReached) as wrong:
        raise Unsendable(_reason(wrong)) from wrong


async def seal(shell: Shell, uow: UnitOfWork, notice: Notice, prepared: Prepared) -> bytes | None:
    """Seal a letter made just now, so that a retry sends the very same one."""
    if prepared.rendered is None:
        return None
    plain = msgspec.msgpack.encode(prepared.letter)
    sealed: bytes = await shell.vault.seal(
        uow, table=_TABLE, row=notice.id, field="sealed_letter", plain=plain, customer_id=notice.about_customer_id
    )
    return sealed


async def _make(
    shell: Shell, notice: Notice, content: TemplateContent, shown: Shown, origin: str | None, hidden: dict[str, Any]
) -> Prepared:
    if shown.brand is None:
        raise Unsendable("No brand is published yet, so nobody is known to write in the name of.")
    links = _links(notice, origin, shell.clock.now())
    voice = shown.brand.voice
    locale, words = templates.choose(content, notice.locale or voice.locale)
    context = {
        **notice.context, **hidden, "recipient": {"name": notice.recipient_name, "address": notice.address},
        "links": _standing_links(notice) | {issued.spec.name: f"{origin}/l/{issued.token}" for issued in links},
    }  # fmt: skip
    said = await templates.render(
        words, context, brand=shown.brand, locale=locale, zone=notice.zone or voice.zone,
        logo_url=f"{origin}{LOGO_PATH}" if shown.has_logo and origin else None, sandbox=shell.sandbox,
    )  # fmt: skip
    to = Recipient(notice.address, notice.recipient_name)
    made = letter(voice, to, said, identity=f"{notice.tenant_id}|{notice.key}|{notice.address_key}", locale=locale, at=shell.clock.now())
    return Prepared(made, locale, _without(said, [issued.token for issued in links] + _secrets(hidden)), links)


def _standing_links(notice: Notice) -> dict[str, str]:
    """A test mail shows the addresses of its example, which lead nowhere; every other notice has only the links issued for it."""
    given = notice.context.get("links") if notice.key.startswith("template-test:") else None
    return given if isinstance(given, dict) else {}


def _links(notice: Notice, origin: str | None, now: datetime) -> list[Issued]:
    specs = msgspec.convert(notice.links, list[LinkSpec])
    if any(spec.expires_at <= now for spec in specs):
        raise Unsendable("What it asks for is over: a link in it has expired.")
    if specs and origin is None:
        raise Unsendable("No domain is verified yet, so links have nowhere to lead.")
    return [Issued(spec, new_token()) for spec in specs]


async def _hidden_context(shell: Shell, uow: UnitOfWork, notice: Notice) -> dict[str, Any]:
    if not notice.sealed_context:
        return {}
    opened = await shell.vault.open(uow, table=_TABLE, row=notice.tenant_id, field="sealed_context", sealed=notice.sealed_context)
    return msgspec.json.decode(opened, type=dict[str, Any])


def _secrets(hidden: dict[str, Any]) -> list[str]:
    """The parts of hidden values that must not be kept: of an address its last segment, which is the token."""
    texts = [value for value in hidden.values() if isinstance(value, str)]
    return [urlsplit(text).path.rpartition("/")[2] or text if "://" in text else text for text in texts]


def _without(said: Rendered, secrets: Sequence[str]) -> Rendered:
    """The same words with every secret blotted out: what may be kept."""

    def blotted(text: str) -> str:
        for secret in filter(None, secrets):
            text = text.replace(secret, "…")
        return text

    return Rendered(blotted(said.subject), blotted(said.text), blotted(said.html))


def _reason(wrong: Fault) -> str:
    return "; ".join([wrong.detail, *(error.detail for error in wrong.errors)])
