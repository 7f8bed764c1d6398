"""Link pages and the mail frame in the partner's voice, from our own templates in `defaults/`.

These templates are ours and run here, with autoescaping on and undefined names refused; what a tenant writes
is rendered in the sandbox only. Pages need no script and no request but the logo, so their
Content-Security-Policy allows nothing else.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from branding import formats
from branding.pages import Page
from branding.schemas import FALLBACK_TOKENS, Brand, Tokens
from branding.theme import Theme, theme
from branding.words import spoken_as, words

LOGO_PATH = "/brand/logo.png"
MAX_UPLOAD_MEGABYTES = 25
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Rendered:
    """A page ready to send: status, headers and HTML."""

    status: int
    headers: Mapping[str, str]
    html: str


def page(page: Page, brand: Brand | None, *, has_logo: bool = False) -> Rendered:
    """Render `page` as `brand` speaks; without a brand (a host nobody owns) the page is neutral and names nobody."""
    nonce = secrets.token_urlsafe(18)
    voice = brand.voice if brand else None
    locale = page.locale or (voice.locale if voice else "en")
    say = partial(_say, words(locale))
    html = (
        _templates()
        .get_template(f"{page.kind}.html")
        .render(
            page=page,
            voice=voice,
            logo=LOGO_PATH if has_logo and voice else None,
            nonce=nonce,
            css=Markup(themed(brand).css() + _sheet("page.css")),  # ours, no input
            say=say,
            title=page.title or say(f"{page.kind}_title"),
            lead=page.lead or say(f"{page.kind}_lead"),
            moment=partial(_moment, locale, page.zone or (voice.zone if voice else "UTC")),
            money=lambda minor, currency: formats.money(minor, currency, locale),
            mail_link=_mail_link(voice.support_email) if voice and voice.support_email else "",
            language=spoken_as(locale),
            direction=formats.direction(spoken_as(locale)),
            letters=_LETTERS,
            megabytes=MAX_UPLOAD_MEGABYTES,
        )
    )
    return Rendered(status=page.status, headers=page_headers(nonce), html=html)


def page_headers(nonce: str) -> dict[str, str]:
    """Return the headers every link page carries: nothing runs, nothing loads but style and logo, nothing is kept or told on."""
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
    }


def mail_html(brand: Brand, *, locale: str, subject: str, body: str, logo_url: str | None) -> str:
    """Put a rendered mail body (HTML the sandbox made) into the brand's frame; the style is still to be inlined by the sandbox."""
    return (
        _templates()
        .get_template("mail.html")
        .render(
            voice=brand.voice,
            subject=subject,
            body=Markup(body),  # escaped where the sandbox rendered it
            logo=logo_url,
            colours=themed(brand).light,
            language=locale,
            direction=formats.direction(locale),
            say=partial(_say, words(locale)),
            mail_link=_mail_link(brand.voice.support_email) if brand.voice.support_email else "",
        )
    )


def mail_text(brand: Brand, *, locale: str, body: str) -> str:
    """Return the plain body with the footer the brand owes its readers."""
    voice = brand.voice
    footer = [voice.legal] if voice.legal else []
    if voice.support_email:
        footer.insert(0, words(locale)["help"].format(address=voice.support_email))
    return body.strip() + "\n\n-- \n" + "\n".join([voice.name, *footer]) + "\n"


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("branding", "defaults"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def themed(brand: Brand | None) -> Theme:
    """Return the theme of a brand; without one, the neutral theme."""
    return _themed(brand.tokens if brand else FALLBACK_TOKENS)


@lru_cache(maxsize=512)
def _themed(tokens: Tokens) -> Theme:
    return theme(tokens)


@lru_cache(maxsize=4)
def _sheet(name: str) -> str:
    return (resources.files("branding") / "defaults" / name).read_text("utf-8")


def _say(words: Mapping[str, str], key: str, **values: object) -> Markup:
    """Our sentence `key` with `values` put in, escaped and kept apart from the text's writing direction."""
    inserted = {name: Markup("<bdi>{}</bdi>").format(value) for name, value in values.items()}
    return Markup(escape(words[key])).format(**inserted)


def _moment(locale: str, zone: str, at: datetime, until: datetime | None = None) -> str:
    return formats.moment(at, locale, zone, until=until)


def _mail_link(address: str) -> Markup:
    return Markup('<a href="mailto:{0}">{0}</a>').format(address)
