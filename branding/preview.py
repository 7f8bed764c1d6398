"""A brand looked at before it is published: what can't be read, and a page and a mail as they would be."""

from datetime import datetime, timedelta

import msgspec

from app.core.errors import FieldError
from branding.pages import Choice, Page
from branding.render import mail_html, page
from branding.schemas import Brand
from branding.theme import faults, theme

_BODY = '<h1>{title}</h1><p>{lead}</p><p><a class="button" href="#">{title}</a></p>'


class Preview(msgspec.Struct, frozen=True):
    """Colours that fail with their remedies, the variables, and two examples; examples are empty while something fails."""

    faults: list[FieldError]
    light: dict[str, str] = {}
    dark: dict[str, str] = {}
    page: str = ""
    mail: str = ""


def preview(brand: Brand, *, now: datetime) -> Preview:
    """Return how `brand` would look, or what stands in its way."""
    if found := faults(brand.tokens):
        return Preview(found)
    made = theme(brand.tokens)
    return Preview([], dict(made.light), dict(made.dark), _page(brand, now), _mail(brand))


def _page(brand: Brand, now: datetime) -> str:
    choices = tuple(
        Choice(value, f"Option {value}", at=now + timedelta(hours=hours), cost_minor=cost, currency="EUR", is_default=value == "A")
        for value, hours, cost in (("A", 20, 0), ("B", 8, 24000))
    )
    return page(Page(kind="offer", choices=choices, answer_by=now + timedelta(hours=4)), brand).html


def _mail(brand: Brand) -> str:
    body = _BODY.format(title="Order 4711 will be late", lead="This is how your mail looks.")
    return mail_html(brand, locale=brand.voice.locale, subject="Order 4711 will be late", body=body, logo_url=None)
