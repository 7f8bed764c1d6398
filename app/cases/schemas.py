"""Shapes that come in and go out of the cases' routes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=8000)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$", max_length=80)]
Capability = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$", max_length=80)]


class Acknowledge(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody looks at it; nothing more to say."""


class Assign(msgspec.Struct, forbid_unknown_fields=True):
    """The user who owns the case from now on; null for nobody."""

    owner_id: UUID | None


class Comment(msgspec.Struct, forbid_unknown_fields=True):
    """What to write on the case; the customer reads it only when `visible`."""

    text: Text
    visible: bool = False


class Escalate(msgspec.Struct, forbid_unknown_fields=True):
    """Why the case must climb."""

    reason: Reason


class Propose(msgspec.Struct, forbid_unknown_fields=True):
    """The effect somebody wants: a capability and its parameters (`option_id`, `amount_minor`, `currency` are what limits read)."""

    capability: Capability
    params: dict[str, Any]
    note: Reason | None = None


class Resolve(msgspec.Struct, forbid_unknown_fields=True):
    """Outcome and cause as codes (`rerouted`, `carrier.late_pickup`), and the call that looked at the source again, or why there is none."""

    outcome: Code
    cause: Code
    evidence_call_id: UUID | None = None
    override_reason: Reason | None = None


class Reopen(msgspec.Struct, forbid_unknown_fields=True):
    """Why the case isn't over."""

    reason: Reason


class Decide(msgspec.Struct, forbid_unknown_fields=True):
    """A second person's word."""

    outcome: Literal["approved", "refused"]
    note: Reason | None = None


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """The id of the option taken."""

    option: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Amount(msgspec.Struct, frozen=True):
    """Money in minor units, and as people read it."""

    minor: int
    currency: str
    text: str


class Priority(msgspec.Struct, frozen=True):
    """How urgent: P1 to P4; provisional while `missing` of the case isn't empty. The score (0 to 1000) is the partner's."""

    level: str
    provisional: bool
    score: int | None = None


class ClockView(msgspec.Struct, frozen=True):
    """A promise: when it is due, and what became of it."""

    kind: str
    state: Literal["running", "paused", "met", "breached"]
    due_at: datetime
    target: str
    stopped_at: datetime | None = None


class CaseRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A case in a list. What only the partner's people see is absent for a customer."""

    id: UUID
    status: str
    says: str
    title: str
    type: str
    priority: Priority
    opened_at: datetime
    customer_id: UUID
    money_at_risk: Amount | None = None
    due_at: datetime | None = None
    breached: bool = False
    owner_id: UUID | None = None
    order_id: UUID | None = None
    shipment_id: UUID | None = None


class WentWrong(msgspec.Struct, frozen=True):
    """What went wrong: type, reason, and who is responsible."""

    type: str
    reason: str | None = None
    responsible: str | None = None


class CaseView(msgspec.Struct, frozen=True, omit_defaults=True):
    """One case with all that is known of it. What only the partner's people see is absent for a customer."""

    id: UUID
    status: str
    says: str
    title: str
    exception: WentWrong
    priority: Priority
    opened_at: datetime
    customer_id: UUID
    clocks: list[ClockView]
    subjects: dict[str, list[UUID]]
    money_at_risk: Amount | None = None
    owner_id: UUID | None = None
    previous_id: UUID | None = None
    acknowledged_at: datetime | None = None
    reopened_at: datetime | None = None
    resolved_at: datetime | None = None
    outcome: str | None = None
    cause: str | None = None
    evidence_call_id: UUID | None = None
    deviation: str | None = None
    escalation: int = 0
    breached: bool = False
    signals: int = 0
    group_key: str | None = None
    decision_id: UUID | None = None
    inputs: list[Any] = []
    missing: list[str] = []


class Facets(msgspec.Struct, frozen=True):
    """How many unfinished cases by each value; counted over at most 10,000, `is_complete` says whether that was all."""

    counts: dict[str, dict[str, int]]
    is_complete: bool


class ProposalView(msgspec.Struct, frozen=True):
    """A proposal and the approvals it waits for."""

    id: UUID
    case_id: UUID
    capability: str
    params: dict[str, Any]
    proposed_by: str
    proposed_at: datetime
    approvals: list[UUID]
    option_id: str | None = None
    note: str | None = None


class CommentView(msgspec.Struct, frozen=True):
    """A comment as it was written."""

    id: UUID
    case_id: UUID
    author: str
    text: str
    visible: bool
    written_at: datetime


class ApprovalView(msgspec.Struct, frozen=True):
    """An approval: what for, who asked, who may decide, what they said, and the key of the one effect it let pass."""

    id: UUID
    case_id: UUID
    kind: str
    status: str
    role: str
    amount: Amount | None
    subject: dict[str, Any]
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    used_by: str | None
    used_at: datetime | None


class OfferView(msgspec.Struct, frozen=True):
    """An offer: its options, what holds on silence, and the answer."""

    id: UUID
    case_id: UUID
    status: str
    options: list[Any]
    default: str | None
    made_at: datetime
    expires_at: datetime
    option: str | None
    answered_at: datetime | None
