"""The hash chain: each link binds an event's whole content, its place and everything before it.

    genesis = sha256("audit-chain/1\n" + tenant + "/" + (customer or "partner"))
    link    = sha256(previous link + canonical bytes of {"event": …, "seq": …})

Canonical bytes are JSON with sorted keys, no spaces and UTF-8, written by the standard library, so that anybody can
recompute a chain without our code.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from uuid import UUID

from app.core.events import Event

FIELDS = (
    "id",
    "type",
    "tenant_id",
    "customer_id",
    "subject",
    "occurred_at",
    "recorded_at",
    "actor",
    "cause",
    "trace",
    "schema_version",
    "data",
    "changes",
    "key",
)
"""What of an event is evidence, in the first version of the chain. A field added to events later needs a second version."""


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of a chain: the event it binds, its place (1, 2, 3 …), the link before it and its own."""

    event_id: UUID
    seq: int
    prev: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: the place of its last link, 0 for none, and that link."""

    seq: int
    hash: bytes


def genesis(tenant_id: UUID, customer_id: UUID | None) -> Head:
    """Return the head of an empty chain. It differs from chain to chain, so that no chain passes for another."""
    name = f"audit-chain/1\n{tenant_id}/{customer_id or 'partner'}"
    return Head(0, hashlib.sha256(name.encode()).digest())


def canonical(event: Mapping[str, Any], seq: int) -> bytes:
    """Return the bytes that stand for `event` (plain JSON values) at place `seq`; an absent field counts as null."""
    entry = {"event": {name: event.get(name) for name in FIELDS}, "seq": seq}
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def link_of(prev: bytes, event: Mapping[str, Any], seq: int) -> bytes:
    return hashlib.sha256(prev + canonical(event, seq)).digest()


def evidence(event: Event) -> dict[str, Any]:
    """Return an event as the plain JSON values that the chain binds, times in UTC where the database gives them."""
    return {**event.envelope(), "tenant_id": str(event.tenant_id), "recorded_at": event.recorded_at.astimezone(UTC).isoformat()}


def extend(head: Head, event: Mapping[str, Any]) -> Link:
    """Return the link that binds `event` behind `head`."""
    seq = head.seq + 1
    return Link(UUID(str(event["id"])), seq, head.hash, link_of(head.hash, event, seq))


def head_of(link: Link) -> Head:
    return Head(link.seq, link.hash)
