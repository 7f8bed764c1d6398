"""What is sent to and shown by this room."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from branding.schemas import Address, Line, Locale

TemplateName = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{0,62}$", description="lower-case letters, digits and dashes")]
Subject = Annotated[str, msgspec.Meta(min_length=1, max_length=400, pattern=r"^[^\r\n\x00]+$", description="one line")]
Body = Annotated[str, msgspec.Meta(min_length=1, max_length=65_536, pattern=r"^[^\x00]*$")]


Audience = Literal["customer", "counterparty", "internal"]
Channel = Literal["email"]
Status = Literal["queued", "sending", "delivered", "failed", "unknown", "withdrawn", "withheld"]


Hour = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["22:00"])]


class Preferences(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What somebody wishes of our mails by topic: `now`, `later` (not in their quiet hours) or `never` (the inbox is enough).

    Choices with a deadline always go at once. Quiet hours are in the reader's own zone, `quiet_until` may be on the next day.
    """

    documents: Literal["now", "later"] = "now"
    updates: Literal["now", "later", "never"] = "now"
    mentions: Literal["now", "later", "never"] = "now"
    quiet_from: Hour | None = None
    quiet_until: Hour | None = None


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
    """Whom a notice goes to; language and zone, when not given, are the brand's.

    Only notices to the audience `customer` can be seen by that customer's own users.
    """

    address: Address
    name: Line = ""
    locale: Locale | None = None
    zone: str | None = None
    audience: Audience = "customer"


class LinkSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A link to be issued for a notice when it is rendered; the template finds its address in `links.<name>`."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,31}$")]
    kind: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{0,31}$")]
    subject_id: UUID
    expires_at: datetime
    payload: dict[str, Any] = {}
    to: str = ""


class Rendered(msgspec.Struct, frozen=True):
    """A template rendered for one reader: plain subject and text, and HTML with its style inlined."""

    subject: str
    text: str
    html: str


class NewTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new version of a template, the partner's own or, with `customer_id`, one customer's."""

    name: TemplateName
    content: TemplateContent
    customer_id: UUID | None = None


class TemplateView(msgspec.Struct, frozen=True):
    """One version of a template."""

    id: UUID
    name: str
    version: int
    status: str
    customer_id: UUID | None
    content: TemplateContent
    created_at: datetime
    created_by: str


class PreviewForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With what to render a template: a language, and values that go before those of its example."""

    locale: Locale | None = None
    zone: str | None = None
    context: dict[str, Any] = {}


class TestMail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In which of its languages a template is sent to oneself; the person's own, else the brand's, when not given."""

    locale: Locale | None = None


class NoticeView(msgspec.Struct, frozen=True):
    """A message to one person and how far it got; bodies as sent, with the tokens of links blotted out."""

    id: UUID
    status: str
    channel: str
    audience: str
    template: str
    customer_id: UUID | None
    case_id: UUID | None
    address: str
    name: str
    locale: str | None
    subject: str | None
    text: str | None
    message_id: str | None
    attempts: int
    tries: list[dict[str, Any]]
    failure: str | None
    queued_at: datetime
    settled_at: datetime | None
    html: str | None = None
