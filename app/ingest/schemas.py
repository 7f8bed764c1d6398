"""Shapes that cross the room's door."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from app.ingest.sources.webhook import Verification

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{1,62}$", examples=["wms"])]
Program = Annotated[str, Meta(min_length=1, max_length=65_536, description="A jq program that yields a list of canonical events.")]
SourceKind = Literal["webhook", "x12", "cloudevents"]
Reason = Literal["unreadable", "unmapped", "unattributed", "refused"]


class Receipt(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the sender of a message is told: its id here, whether it came before, and where to look how it fares."""

    id: UUID
    status_url: str
    duplicate: bool = False


class BatchItem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The answer for one event of a batch, in the batch's order: a receipt, or the problem that kept it out."""

    status: int
    receipt: Receipt | None = None
    problem: dict[str, Any] | None = None


class BatchReceipt(msgspec.Struct, kw_only=True):
    """The answer for a batch: how many were accepted, came before or were refused, and each in its place."""

    accepted: int
    duplicates: int
    refused: int
    items: list[BatchItem]


class Acknowledgment(msgspec.Struct, kw_only=True):
    """The answer to an EDI document as JSON: the receipt, what was found in it, and the 997 to pass on to the sender."""

    receipt: Receipt
    sets: int
    findings: list[dict[str, Any]]
    acknowledgment: str


class ParkedView(msgspec.Struct, kw_only=True):
    """One item that needs a person: why, and what to do before it is replayed."""

    id: UUID
    signal_id: UUID
    item: int
    label: str
    source: str
    reason: str
    detail: str
    remedy: str
    parked_at: datetime

    @classmethod
    def of(cls, row: Any) -> "ParkedView":
        return cls(**{name: getattr(row, name) for name in cls.__struct_fields__})


class ReceiptView(msgspec.Struct, kw_only=True):
    """What became of a signal."""

    id: UUID
    source: str
    kind: str
    status: str
    customer_id: UUID | None
    items: int
    events: int
    duplicates: int
    parked: int
    mapping: str | None
    mapping_version: int | None
    received_at: datetime
    settled_at: datetime | None
    problems: list[ParkedView] = []

    @classmethod
    def of(cls, row: Any, problems: list[ParkedView] | None = None) -> "ReceiptView":
        fields = {name: getattr(row, name) for name in cls.__struct_fields__ if name != "problems"}
        return cls(**fields, problems=problems or [])


class Replayed(msgspec.Struct, kw_only=True):
    """How many signals will be tried again."""

    signals: int


class ReplayMany(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which parked items to try again: by id, or all of a reason or source; at most 1,000 at once."""

    ids: Annotated[list[UUID], Meta(max_length=1000)] = []
    reason: Reason | None = None
    source: Name | None = None


class Secret(msgspec.Struct, forbid_unknown_fields=True):
    """A secret on its way in; it is sealed at once and never shown again."""

    secret: Annotated[str, Meta(min_length=1, max_length=500)]


class NewVerification(Verification, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How a source's requests are proven, with the secret to verify them."""

    secret: Secret | None = None


class NewSource(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A way in: its kind, the mapping its messages go through, and for webhooks how they are signed."""

    name: Name
    kind: SourceKind
    mapping: Name | None = None
    verify: NewVerification | None = None
    zone: Annotated[str, Meta(max_length=60)] | None = None
    strict: bool = False
    customer_id: UUID | None = None


class RotateSource(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The new signing secret, and how many seconds the old one goes on working: up to 30 days."""

    secret: Annotated[str, Meta(min_length=1, max_length=500)]
    overlap_seconds: Annotated[int, Meta(ge=0, le=30 * 86400)] = 86400


class SourceMapping(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Through which mapping the messages of a source go from now on; none parks them, or reads CloudEvents as they are."""

    mapping: Name | None = None


class SourceView(msgspec.Struct, kw_only=True):
    """A source; `path` is where its sender posts without one of our keys (webhooks with a signature only)."""

    id: UUID
    name: str
    kind: str
    status: str
    customer_id: UUID | None
    mapping: str | None
    verify: dict[str, Any]
    zone: str | None
    strict: bool
    path: str | None
    created_at: datetime

    @classmethod
    def of(cls, row: Any) -> "SourceView":
        fields = {name: getattr(row, name) for name in cls.__struct_fields__ if name != "path"}
        is_public = row.kind == "webhook" and row.verify.get("scheme", "standard_webhooks") != "key"
        return cls(**fields, path=f"/v1/in/{row.token}" if is_public else None)


class NewMapping(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A draft: the first version of a new mapping or the next of a known one."""

    name: Name
    content: Program
    customer_id: UUID | None = None


class MappingView(msgspec.Struct, kw_only=True):
    """One version of a mapping."""

    id: UUID
    name: str
    version: int
    status: str
    customer_id: UUID | None
    content: str
    content_hash: str
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, row: Any) -> "MappingView":
        return cls(**{name: getattr(row, name) for name in cls.__struct_fields__})


class TryMapping(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Try this program on a stored signal, or on a payload given here; nothing is kept."""

    content: Program
    signal_id: UUID | None = None
    payload: Any = msgspec.UNSET


class Tried(msgspec.Struct, kw_only=True):
    """What a program made of one item: its events, or why it failed and, where that is known, at which place of the program."""

    label: str
    events: list[Any] = []
    problem: str | None = None
    line: int | None = None
    column: int | None = None


class DiffMapping(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Compare this program with the published version over the newest signals that went through it."""

    content: Program
    name: Name
    signals: Annotated[int, Meta(ge=1, le=200)] = 50
    customer_id: UUID | None = None


class Difference(msgspec.Struct, kw_only=True):
    """One item two versions read differently."""

    signal_id: UUID
    label: str
    before: Tried
    after: Tried


class Diffed(msgspec.Struct, kw_only=True):
    """How many items were compared and which differ."""

    compared: int
    different: list[Difference]
