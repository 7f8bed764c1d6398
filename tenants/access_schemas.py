"""Sessions, consent and acting as they are asked for and shown."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

Why = Annotated[str, Meta(min_length=3, max_length=500, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$")]
Minutes = Annotated[int, Meta(ge=5, le=480)]


class OpenSession(msgspec.Struct, kw_only=True):
    """Where somebody is signed in: since when, roughly with what, last used when; `is_this` is the one that asks."""

    id: UUID
    host: str
    device: str
    strength: str
    started_at: datetime
    used_at: datetime | None
    expires_at: datetime
    is_this: bool = False


class Focus(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The one customer to work for in this session; null goes back to the whole tenant, for those who serve it."""

    customer_id: UUID | None = None


class FocusChoice(msgspec.Struct, kw_only=True):
    """One customer somebody of the partner may work for."""

    customer_id: UUID
    name: str
    is_chosen: bool


class AskConsent(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A customer is asked that the asking person may act for it, for so many minutes from the moment it agrees."""

    customer_id: UUID
    reason: Why
    minutes: Minutes = 60


class GrantAhead(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A customer agrees before being asked: anybody of the partner who may ask can act for it from now on, for so many minutes."""

    reason: Why
    minutes: Minutes = 60


class ConsentView(msgspec.Struct, kw_only=True):
    """A consent. `status` is requested, granted, declined, withdrawn or expired; `who` is "" when anybody may use it."""

    id: UUID
    customer_id: UUID
    user_id: UUID | None
    who: str
    status: str
    reason: str
    minutes: int
    asked_at: datetime
    answer_by: datetime
    decided_at: datetime | None
    expires_at: datetime | None
    closed_at: datetime | None
    is_live: bool


class StartActing(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    consent_id: UUID


class ActingView(msgspec.Struct, kw_only=True):
    """One stretch of acting under a consent."""

    id: UUID
    consent_id: UUID
    customer_id: UUID
    who: str
    started_at: datetime
    ended_at: datetime | None
    ended_because: str | None


class EntryView(msgspec.Struct, kw_only=True):
    """One thing done while acting."""

    id: UUID
    acting_id: UUID
    who: str
    type: str
    subject: str
    at: datetime
