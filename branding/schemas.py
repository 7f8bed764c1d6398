"""What a brand is made of, as sent, stored and shown: design tokens and voice, never CSS."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

Colour = Annotated[str, msgspec.Meta(pattern="^#[0-9A-Fa-f]{6}$", description="sRGB as #RRGGBB")]
Line = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
Address = Annotated[str, msgspec.Meta(max_length=254, pattern=r"^[^\s@<>\"(),:;\[\]\\\x00-\x1f\x7f]+@[A-Za-z0-9.-]+$")]
WebAddress = Annotated[str, msgspec.Meta(max_length=500, pattern=r"^https://[^\s\"'<>\\\x00-\x1f\x7f]+$")]
Locale = Annotated[str, msgspec.Meta(max_length=16, pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description="BCP 47, such as de or de-AT")]
Font = Literal["system", "humanist", "geometric", "grotesque", "serif", "slab", "mono"]


class Tokens(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The design tokens a partner sets; everything else about colour is derived from them and checked."""

    primary: Colour
    accent: Colour | None = None
    surface: Colour = "#FFFFFF"
    text: Colour = "#14181D"
    radius: Annotated[int, msgspec.Meta(ge=0, le=24, description="corner radius in px")] = 8
    font: Font = "system"


FALLBACK_TOKENS = Tokens(primary="#1F4B7A")
"""Quiet colours for hosts and tenants without a brand."""


class Voice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who speaks: the name people see, where they write back to, and the lines a footer owes them."""

    name: Name
    mail_from: Address
    mail_name: Line = ""
    support_email: Address | None = None
    support_url: WebAddress | None = None
    terms_url: WebAddress | None = None
    privacy_url: WebAddress | None = None
    legal: Line = ""
    locale: Locale = "en"
    zone: Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[A-Za-z0-9_+\-/]+$", description="IANA time zone")] = "UTC"


class Brand(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One version of a brand: its tokens and its voice."""

    voice: Voice
    tokens: Tokens


class BrandForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A brand as sent in one call. `logo` is a picture file in base64, null for none, absent to keep the one there is."""

    voice: Voice
    tokens: Tokens
    logo: Annotated[str, msgspec.Meta(max_length=1_400_000)] | msgspec.UnsetType | None = msgspec.UNSET

    @property
    def brand(self) -> Brand:
        return Brand(voice=self.voice, tokens=self.tokens)


class LogoView(msgspec.Struct, frozen=True):
    """The logo served at `path` on every verified host."""

    path: str
    width: int
    height: int


class BrandView(msgspec.Struct, frozen=True):
    """The published brand; version 0 and no voice before the first one."""

    version: int
    voice: Voice | None = None
    tokens: Tokens | None = None
    logo: LogoView | None = None


class NewDomain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A host name, without scheme or port."""

    host: Annotated[str, msgspec.Meta(min_length=3, max_length=253)]


class DomainView(msgspec.Struct, frozen=True):
    """A host and, while it is unverified, the file that proves it: put `content` at `url`."""

    id: UUID
    host: str
    is_primary: bool
    verified_at: datetime | None
    proof: dict[str, str] | None = None
