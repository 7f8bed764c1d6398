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


class Person(msgspec.Struct, frozen=True):
    """Somebody, as the partner's people know them."""

    id: UUID
    name: str


class Count(msgspec.Struct, frozen=True):
    """`number` are there, and with `more` others that weren't counted."""

    number: int
    more: bool = False

    def __str__(self) -> str:
        return f"{self.number}+" if self.more else str(self.number)


class Factor(msgspec.Struct, frozen=True):
    """One reason for a case's place: its points (negative: it can wait) and the sentence people read."""

    name: str
    points: int
    text: str


class Urgency(msgspec.Struct, frozen=True):
    """A case's place in points, and the factors that add up to it, the heaviest first."""

    score: int
    because: list[Factor]


Spoken = Literal["customer", "carrier", "warehouse", "other"]
Direction = Literal["in", "out"]
Reached = Literal["reached", "no_answer", "left_message", "refused"]
Awaited = Literal["answer", "approval", "document", "carrier", "comment", "signal"]
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Acknowledge(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody looks at it; nothing more to say."""


class Assign(msgspec.Struct, forbid_unknown_fields=True):
    """The user who owns the case from now on; null for nobody. Out of another's hands only with a reason."""

    owner_id: UUID | None
    reason: Reason | None = None


class Take(msgspec.Struct, forbid_unknown_fields=True):
    """Why one takes the case oneself; needed when somebody else works on it."""

    reason: Reason | None = None


class Decline(msgspec.Struct, forbid_unknown_fields=True):
    """Why one gives it back."""

    reason: Reason | None = None


class Snooze(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For whom a case is put aside, until when (left out: as late as its clocks allow), and what takes it up earlier."""

    awaits: Short
    until: datetime | None = None
    event: Awaited | None = None


class Unsnooze(msgspec.Struct, forbid_unknown_fields=True):
    """The case is taken up again; nothing more to say."""


class Plan(msgspec.Struct, forbid_unknown_fields=True):
    """What happens next, in a few words; null takes it back."""

    next_step: Short | None


class LogCall(msgspec.Struct, forbid_unknown_fields=True):
    """A word on the telephone: with whom, which way, what came of it, what is next; `snooze` puts the case aside in the same act."""

    who: Spoken
    direction: Direction
    outcome: Reached
    name: Short | None = None
    note: Reason | None = None
    next_step: Short | None = None
    snooze: Snooze | None = None


class HandOver(msgspec.Struct, forbid_unknown_fields=True):
    """To whom a shift's cases go, and what to say with them."""

    to_user: UUID
    case_ids: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=200)]
    note: Annotated[str, msgspec.Meta(max_length=8000)] = ""


class Comment(msgspec.Struct, forbid_unknown_fields=True):
    """What to write on the case; the customer reads it only when `visible`. It calls those it names with an @, and `mentions`."""

    text: Text
    visible: bool = False
    mentions: Annotated[list[UUID], msgspec.Meta(max_length=20)] = []


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


class NextClock(msgspec.Struct, frozen=True):
    """The clock that runs out first; `paused` while somebody outside has the ball."""

    kind: str
    due_at: datetime
    state: Literal["running", "paused", "breached"]


class NextStep(msgspec.Struct, frozen=True):
    """What happens next: somebody planned it (`planned`), is awaited (`rest`), approves (`approval`) or answers (`offer`), perhaps until `by`."""

    kind: Literal["planned", "rest", "approval", "offer"]
    text: str
    by: datetime | None = None


class Stop(msgspec.Struct, frozen=True):
    """Where something comes from or goes to, as far as it is known."""

    city: str
    country: str


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
    order: str | None = None
    shipment: str | None = None
    origin: Stop | None = None
    destination: Stop | None = None
    carrier: str | None = None
    customer: str | None = None
    clock: NextClock | None = None
    escalation: int = 0
    owner: Person | None = None
    on_it: list[Person] = []
    urgency: Urgency | None = None
    next_step: NextStep | None = None
    snoozed_until: datetime | None = None
    awaits: str | None = None
    version: int = 0


class Board(msgspec.Struct, frozen=True):
    """A page of the queue. `as_of` is the moment its order holds for: GET /v1/cases/newer tells what arrived since."""

    items: list[CaseRow]
    next: str | None
    as_of: str


class Newer(msgspec.Struct, frozen=True):
    """How many more urgent cases arrived since a page was read, up to 99."""

    count: Count


class Tabs(msgspec.Struct, frozen=True):
    """How many cases each tab of the queue holds, up to 500 each."""

    tabs: dict[str, Count]


class NextCase(msgspec.Struct, frozen=True):
    """The case that is mine from now on, or none; `says` tells why there is none."""

    case: CaseRow | None
    says: str


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
    version: int = 0
    line: CaseRow | None = None


class Facets(msgspec.Struct, frozen=True):
    """How many cases by each value; counted over at most 10,000, `is_complete` says whether that was all.

    `names`: what the customers and owners among the values are called. A lane is `DE-FR`; a case without a value is counted as `none`.
    """

    counts: dict[str, dict[str, int]]
    is_complete: bool
    names: dict[str, str] = {}


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
    who: str = ""
    mentions: list[UUID] = []


class TalkView(msgspec.Struct, frozen=True):
    """A call as it was noted."""

    id: UUID
    case_id: UUID
    who: str
    name: str | None
    direction: str
    outcome: str
    note: str | None
    next_step: str | None
    logged_by: str
    logged_at: datetime


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
