"""Templates: which language a reader gets, what is refused at save, and rendering through the sandbox.

A template is written by a partner or its customer, so it only ever runs in the sandbox. Its HTML is a fragment:
the frame, and with it style and logo, is the brand's.
"""

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any, Protocol

from app.core.errors import FieldError, Invalid, LimitReached
from app.notifications.readable import readable
from app.notifications.schemas import Rendered, Rendition, TemplateContent
from branding.render import mail_html, mail_text
from branding.schemas import Brand

FORBIDDEN_TAGS = frozenset(
    [
        "html",
        "head",
        "body",
        "base",
        "link",
        "meta",
        "script",
        "style",
        "iframe",
        "object",
        "embed",
        "form",
        "input",
        "button",
        "textarea",
        "select",
        "svg",
        "math",
    ]
)
FORBIDDEN_SCHEMES = ("javascript:", "data:", "vbscript:", "file:")
MAX_SUBJECT = 200
STANDING: dict[str, Any] = {"recipient": {"name": "", "address": "someone@example.com"}, "links": {}}  # there in every context


class TemplateUnusable(Invalid):
    """This template can't be used."""

    status = 422


class Renderer(Protocol):
    """What of the sandbox is needed here."""

    async def render(self, template: str, context: dict[str, Any], *, html: bool) -> str: ...
    async def check_template(self, template: str) -> None: ...
    async def inline_css(self, html: str) -> str: ...


def choose(content: TemplateContent, wanted: str) -> tuple[str, Rendition]:
    """Return the language `wanted` finds and its words: itself, then shorter (`de-AT`, `de`), then the default."""
    by_tag = {tag.lower(): tag for tag in content.locales}
    parts = wanted.lower().split("-")
    tags = [by_tag.get("-".join(parts[:length])) for length in range(len(parts), 0, -1)]
    tag = next((tag for tag in tags if tag), content.default_locale)
    return tag, content.locales[tag]


async def lint(content: TemplateContent, brand: Brand, sandbox: Renderer) -> None:
    """Refuse what could not be sent: bad structure, forbidden HTML, syntax errors, or a language the example doesn't render."""
    found = await faults(content, brand, sandbox)
    if found:
        raise TemplateUnusable(errors=found)


async def faults(content: TemplateContent, brand: Brand, sandbox: Renderer) -> list[FieldError]:
    """Everything that keeps a template from being sent, with a pointer to each place."""
    found = list(_structure(content))
    for tag, words in content.locales.items():
        found += [fault async for fault in _unrenderable(content, tag, words, brand, sandbox)]
    return found


async def render(
    words: Rendition, context: Mapping[str, Any], *, brand: Brand, locale: str, zone: str, logo_url: str | None, sandbox: Renderer
) -> Rendered:
    """Render one language with `context`; raises the sandbox's refusal when the template fails, TemplateUnusable on a bad result."""
    told = readable(dict(context), locale, zone) | {"locale": locale, "brand": _voice(brand)}
    subject = " ".join((await sandbox.render(words.subject, told, html=False)).split())
    if not subject or len(subject) > MAX_SUBJECT:
        raise TemplateUnusable(f"The subject came out with {len(subject)} characters; 1 to {MAX_SUBJECT} are needed.")
    text = mail_text(brand, locale=locale, body=await sandbox.render(words.text, told, html=False))
    body = await sandbox.render(words.html, told, html=True)
    if forbidden := sorted(_forbidden(body)):
        raise TemplateUnusable(f"The HTML came out with {forbidden[0]}, which mail may not carry.")
    framed = mail_html(brand, locale=locale, subject=subject, body=body, logo_url=logo_url)
    return Rendered(subject=subject, text=text, html=await sandbox.inline_css(framed))


def _voice(brand: Brand) -> dict[str, str]:
    voice = brand.voice
    return {"name": voice.name, "support_email": voice.support_email or "", "support_url": voice.support_url or ""}


def _structure(content: TemplateContent) -> Iterator[FieldError]:
    if content.default_locale not in content.locales:
        known = ", ".join(sorted(content.locales))
        yield FieldError("/default_locale", f"There are no words for {content.default_locale}.", f"Add them or name one of: {known}.")
    for tag, words in content.locales.items():
        for found in sorted(_forbidden(words.html)):
            yield FieldError(
                f"/locales/{tag}/html", f"{found} is not allowed.", "Write a fragment; frame, style and logo come from the brand."
            )


async def _unrenderable(content: TemplateContent, tag: str, words: Rendition, brand: Brand, sandbox: Renderer) -> Any:
    for part in ("subject", "text", "html"):
        try:
            await sandbox.check_template(getattr(words, part))
        except (Invalid, LimitReached) as refused:
            line = refused.extra.get("line")
            place = f"line {line}: " if line else ""
            yield FieldError(f"/locales/{tag}/{part}", place + refused.detail, "Correct the template at the place named.")
            return
    try:
        await render(words, STANDING | content.example, brand=brand, locale=tag, zone=brand.voice.zone, logo_url=None, sandbox=sandbox)
    except (Invalid, LimitReached) as refused:
        yield FieldError(
            f"/locales/{tag}", f"The example doesn't render: {refused.detail}", "Give every name the template uses in `example`."
        )


def _forbidden(html: str) -> set[str]:
    found = _Finder()
    found.feed(re.sub(r"{[{%#].*?[}%#]}", "", html, flags=re.S))
    found.close()
    return found.forbidden


class _Finder(HTMLParser):
    """Gathers what a mail body may not carry: active elements, handlers, own style, anything fetched on opening."""

    def __init__(self) -> None:
        super().__init__()
        self.forbidden: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FORBIDDEN_TAGS:
            self.forbidden.add(f"<{tag}>")
        for name, value in attrs:
            address = re.sub(r"[\x00-\x20]", "", value or "").lower()
            if name.startswith("on") or name in ("srcset", "background", "srcdoc"):
                self.forbidden.add(f"the attribute {name}")
            elif name == "src" or (name in ("href", "action") and address.startswith(FORBIDDEN_SCHEMES)):
                self.forbidden.add(f"{name}={(value or '')[:40]!r}")
            elif name == "style" and ("url(" in address or "expression(" in address or "@import" in address):
                self.forbidden.add("a style that loads something")
