"""Shapes of the audit over HTTP."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from app.audit.verify import Finding


class AuditView(msgspec.Struct, kw_only=True):
    """Who did what, when and why, with before and after; `seq` and `hash` are null until the event is chained.

    A customer's own people see who, what and when; contents and changes can hold what colleagues wrote for themselves.
    """

    id: UUID
    type: str
    customer_id: UUID | None
    subject: str
    actor: str
    cause: str | None
    trace: str | None
    occurred_at: datetime
    recorded_at: datetime
    data: dict[str, Any] | None
    changes: dict[str, list[Any]] | None
    seq: int | None
    hash: str | None


class Verify(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which chains to verify: one customer's, or all with the partner's own."""

    customer_id: UUID | None = None


class ChainReport(msgspec.Struct, kw_only=True):
    """One chain as it was found: how far it goes and how far of that is anchored outside the database."""

    customer_id: UUID | None
    entries: int
    anchored: int
    head: str


class Report(msgspec.Struct, kw_only=True):
    """What verification found; `holds` only when there is nothing. `waiting` events were written but not chained yet."""

    holds: bool
    chains: list[ChainReport]
    findings: list[Finding]
    waiting: int
    anchored_at: datetime | None
