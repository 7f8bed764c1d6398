"""What is sent to and shown by this room."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from branding.schemas import Address, Line, Locale

TemplateName = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{0,62}$", description="lower-case letters, digits and dashes")]
Subject = Annotated[str, msgspec.Meta(min_length=1, max_length=400, pattern=r"^[^\r\n\x00]+$", description="one line")]
Body = Annotated[str, msgspec.Meta(min_length=1, max_length=65_536, pattern=r"^[^\x00]*$")]


class Rendition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One language of a template: Jinja text each; `html` is a fragment that goes into the brand's frame."""

    subject: Subject
    text: Body
    html: Body


class TemplateContent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A template: its languages, the one to fall back to, and an example context that every language must render with."""

    default_locale: Locale
    locales: Annotated[dict[Locale, Rendition], msgspec.Meta(min_length=1, max_length=40)]
    example: dict[str, Any] = {}


class Recipient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom a notice goes to; language and zone, when not given, are the brand's."""

    address: Address
    name: Line = ""
    locale: Locale | None = None
    zone: str | None = None


class LinkSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A link to be issued for a notice when it is rendered; the template finds its address in `links.<name>`."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,31}$")]
    kind: str
    subject_id: UUID
    expires_at: datetime
    payload: dict[str, Any] = {}
    to: str = ""


class Rendered(msgspec.Struct, frozen=True):
    """A template rendered for one reader: plain subject and text, and HTML with its style inlined."""

    subject: str
    text: str
    html: str
