"""Shapes that cross the room's door."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,62}$", examples=["carrier-express"])]
Secret = Annotated[str, Meta(min_length=1, max_length=8192)]
CapabilityName = Annotated[str, Meta(max_length=100)]
Config = dict[str, Annotated[str, Meta(max_length=2000)]]


class NewConnection(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A connector made ready: what it may be asked, with which secret. Without a customer it is the partner's own, shared by all."""

    name: Name
    connector: Annotated[str, Meta(max_length=100)]
    capabilities: Annotated[list[CapabilityName], Meta(min_length=1, max_length=100)]
    config: Config = {}
    secret: Secret | None = None
    customer_id: UUID | None = None
    precedence: Annotated[int, Meta(ge=0, le=10000)] = 100
    rate_per_minute: Annotated[int, Meta(ge=1, le=100000)] = 600


class ConnectionChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Everything of a connection that can change without making another one; its secret is rotated by itself."""

    capabilities: Annotated[list[CapabilityName], Meta(min_length=1, max_length=100)]
    config: Config = {}
    precedence: Annotated[int, Meta(ge=0, le=10000)] = 100
    rate_per_minute: Annotated[int, Meta(ge=1, le=100000)] = 600


class NewSecret(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The new secret; the old one is gone at once."""

    secret: Secret


class BreakerView(msgspec.Struct, kw_only=True):
    state: str
    failures: int
    retry_at: datetime | None


class ConnectionView(msgspec.Struct, kw_only=True):
    """A connection; its secret is never shown, only whether there is one and since when."""

    id: UUID
    name: str
    connector: str
    version: int
    status: str
    customer_id: UUID | None
    config: dict[str, Any]
    capabilities: list[str]
    precedence: int
    rate_per_minute: int
    secret_rotated_at: datetime | None
    breaker: BreakerView | None
    created_at: datetime
    changed_at: datetime


class Tested(msgspec.Struct, kw_only=True):
    """How a connection's test went: what was asked, what came back (redacted), and what to do when it didn't work."""

    ok: bool
    detail: str
    status: int | None
    took_ms: int
    asked: str = ""
    answer: Any = None
    remedy: str = ""


class ConnectorView(msgspec.Struct, kw_only=True):
    """A connector to choose, with how far it is proven."""

    name: str
    title: str
    proof: dict[str, str]
    auth: str
    config: dict[str, str]
    capabilities: list[str]


class CapabilityView(msgspec.Struct, kw_only=True):
    """A capability and the connectors that can do it."""

    name: str
    summary: str
    effect: bool
    gated: bool
    params: dict[str, Any]
    response: dict[str, Any]
    connectors: list[str]


class Invocation(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A capability asked for by hand: the same gates, the same record."""

    params: dict[str, Any]
    customer_id: UUID | None = None
    case_id: UUID | None = None


class OutcomeView(msgspec.Struct, kw_only=True):
    status: str
    response: Any
    error: dict[str, Any] | None
    call_id: UUID | None
    connection: str | None


class Settlement(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a person found out about an unanswered call: it took effect (`done`, with what the system said) or it did not (`failed`)."""

    outcome: Literal["done", "failed"]
    note: Annotated[str, Meta(min_length=1, max_length=2000)]
    response: Any = None


class CallView(msgspec.Struct, kw_only=True):
    """One recorded use; bodies are redacted and cut."""

    id: UUID
    capability: str
    connection_id: UUID
    connection_version: int
    connector: str
    operation: str
    status: str
    has_effect: bool
    effect_key: str
    actor: str
    customer_id: UUID | None
    case_id: UUID | None
    run_id: UUID | None
    attempts: int
    params: dict[str, Any]
    request: dict[str, Any] | None
    answer: dict[str, Any] | None
    response: Any
    error: dict[str, Any] | None
    mediation: dict[str, Any]
    settled_by: str | None
    note: str | None
    started_at: datetime
    sent_at: datetime | None
    finished_at: datetime | None
    took_ms: int | None
