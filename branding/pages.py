"""What a link page says: plain data given by whoever owns the link's action; `branding.render` gives it words, form and colours."""

from datetime import datetime
from typing import Literal

import msgspec

Kind = Literal["offer", "document", "confirm", "answered", "expired", "used", "unknown", "error"]
STATUS: dict[str, int] = {"expired": 410, "used": 409, "unknown": 404, "error": 500}


class Choice(msgspec.Struct, frozen=True):
    """One option of an offer: what it is called, when it holds, what it costs in minor units, and whether silence takes it."""

    value: str
    label: str
    detail: str = ""
    at: datetime | None = None
    until: datetime | None = None
    cost_minor: int | None = None
    currency: str = ""
    is_default: bool = False


class Fact(msgspec.Struct, frozen=True):
    """One line of what the reader should know; a moment is shown in the reader's language and zone."""

    label: str
    value: str | datetime


class Page(msgspec.Struct, frozen=True):
    """A page behind a link. An empty title or lead takes our neutral words in `locale`."""

    kind: Kind
    title: str = ""
    lead: str = ""
    facts: tuple[Fact, ...] = ()
    choices: tuple[Choice, ...] = ()
    answer_by: datetime | None = None
    answer: str = ""
    error: str = ""
    locale: str = ""
    zone: str = ""

    @property
    def is_answer(self) -> bool:
        """Whether the matter is settled with this page; a form shown again leaves it open."""
        return self.kind == "answered"

    @property
    def status(self) -> int:
        """The HTTP status this page goes out with: 422 when it shows what was wrong with the answer."""
        return STATUS.get(self.kind, 422 if self.error else 200)
