"""An arrival: one message at the door, before anything was done with it, and what its sender is told."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from app.core.errors import FieldError, Invalid
from app.core.events import Event
from app.ingest import dedup

KEPT_HEADERS = frozenset({"content-type", "user-agent", "webhook-id", "webhook-timestamp", "x-request-id"})
_LONGEST_ID = 700
_LONGEST_HEADER = 2_000


class BadSenderId(Invalid):
    """The sender's id of a message is text of at most 700 characters without control characters."""

    status = 422


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """What came in, for whom and through which source; the tenant and customer come from the key or source, never from the message."""

    tenant_id: UUID
    source: str
    kind: str
    actor: str
    raw: bytes
    content_type: str
    headers: dict[str, str] = {}
    sender_id: str | None = None
    customer_id: UUID | None = None
    cause: str | None = None
    trace: str | None = None

    def __post_init__(self) -> None:
        text = self.sender_id or ""
        if len(text) > _LONGEST_ID or not text.isprintable():
            raise BadSenderId(errors=[FieldError("/id", "too long, or with control characters", "Number messages with a short text.")])

    @property
    def key(self) -> bytes:
        """What makes it the same as another one: the sender's id where there is one, else what it says."""
        if self.sender_id:
            return dedup.sender_key(self.source, self.sender_id)
        return dedup.content_key(self.source, self.raw)

    @property
    def body_hash(self) -> bytes:
        return dedup.body_hash(self.raw)

    def accepted(self, signal_id: UUID, event_id: UUID, now: datetime) -> Event:
        """The event that says this arrival was accepted as `signal_id`."""
        data: dict[str, Any] = {"source": self.source, "kind": self.kind, "content_type": self.content_type, "bytes": len(self.raw)}
        data |= {"signal_id": str(signal_id), "sender_id": self.sender_id}
        return Event(
            id=event_id, type="signal.accepted", tenant_id=self.tenant_id, customer_id=self.customer_id, subject=f"signal:{signal_id}",
            occurred_at=now, recorded_at=now, actor=self.actor, cause=self.cause, trace=self.trace, data=data, key=f"signal:{signal_id}",
        )  # fmt: skip


class Accepted(msgspec.Struct, frozen=True):
    """The answer of the lane: the signal's id; whether it had come before, and then whether with the same content."""

    id: UUID
    is_duplicate: bool
    is_same: bool


def kept_headers(headers: dict[str, str], more: frozenset[str] = frozenset()) -> dict[str, str]:
    """Return the headers worth keeping, without anything that authenticates; names in lower case, values cut at 2,000 characters."""
    wanted = KEPT_HEADERS | more
    return {name: value[:_LONGEST_HEADER] for name, value in headers.items() if name in wanted or name.startswith("ce-")}
