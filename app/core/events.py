"""Events: facts named `noun.past_participle`, written with the change they tell of.

The stored envelope is what listeners read and what the audit chains, so it is plain JSON: text, whole numbers, booleans, lists, maps.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

SCHEMA_VERSION = 1


class Event(msgspec.Struct, kw_only=True):
    """What happened, to what, because of whom; `changes` holds before and after of every changed column.

    `acting_for` is the customer that the actor, a person of the partner, acted for with its consent.
    """

    id: UUID
    type: str
    tenant_id: UUID
    customer_id: UUID | None
    subject: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    cause: str | None
    trace: str | None
    data: dict[str, Any]
    changes: dict[str, list[Any]] = {}
    key: str | None = None
    schema_version: int = SCHEMA_VERSION
    acting_for: UUID | None = None

    def envelope(self) -> dict[str, Any]:
        """The stored form: everything but the tenant (its own column) and the moment of recording (the database's clock)."""
        return {
            "id": str(self.id), "type": self.type, "customer_id": str(self.customer_id) if self.customer_id else None, "subject": self.subject,
            "occurred_at": self.occurred_at.isoformat(), "actor": self.actor, "cause": self.cause, "trace": self.trace,
            "data": plain(self.data), "changes": self.changes, "key": self.key, "schema_version": self.schema_version,
            **({"acting_for": str(self.acting_for)} if self.acting_for else {}),
        }  # fmt: skip

    @classmethod
    def read(cls, tenant_id: UUID, recorded_at: datetime, envelope: dict[str, Any]) -> "Event":
        """Rebuild an event from its stored envelope."""
        return msgspec.convert({**envelope, "tenant_id": tenant_id, "recorded_at": recorded_at}, cls)


def plain(value: Any) -> Any:
    """`value` as JSON holds it: ids and times as text, bytes as their length (content never travels in events)."""
    match value:
        case dict():
            return {str(k): plain(v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(v) for v in value]
        case UUID():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case bytes() | memoryview():
            return f"{len(value)} bytes"
        case msgspec.Struct():
            return plain(msgspec.to_builtins(value))
        case _:
            return value
