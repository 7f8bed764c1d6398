"""Shapes that cross the room's door: inputs, decisions, and what the routes take and give."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from app.canonical.taxonomy import Level, Responsible


class Input(msgspec.Struct, frozen=True):
    """One fact a decision was made from. `source` is an address (`order:<id>`, `signal:<id>`, `call:<id>`, `customer:<id>`)."""

    name: str
    value: Any
    source: str
    observed_at: datetime
    age_seconds: int = 0


class ExceptionFound(msgspec.Struct, frozen=True):
    """What went wrong: type × reason × responsible party."""

    type: str
    reason: str
    responsible: Responsible


class PriorityFound(msgspec.Struct, frozen=True):
    """Level and score (0…1000); provisional while something the policy needs is missing. `factors` add up to the score."""

    level: Level
    score: int
    provisional: bool
    factors: list[dict[str, Any]] = []


class Money(msgspec.Struct, frozen=True):
    """An amount in minor units."""

    minor: int
    currency: str


class WorkflowChosen(msgspec.Struct, frozen=True):
    """The workflow a decision asks for."""

    name: str


class Differs(msgspec.Struct, frozen=True):
    """One thing a later decision sees differently."""

    name: str
    before: Any
    after: Any


class Decision(msgspec.Struct, kw_only=True):
    """What a policy concluded, with every input's value, source and age, and what was missing.

    `id` is that of the event decision.made, once it is published; `earlier` that of the decision it replaces.
    """

    id: UUID | None = None
    policy: str
    version: int
    policy_id: UUID
    rule: str
    customer_id: UUID | None
    exception: ExceptionFound
    group_key: str
    priority: PriorityFound
    money_at_risk: Money | None
    title: str
    workflow: WorkflowChosen | None
    inputs: list[Input]
    missing: list[str]
    considered: list[dict[str, Any]] = []
    subjects: dict[str, str] = {}
    event_type: str
    signal_id: str | None = None
    event_id: str | None = None
    earlier: UUID | None = None
    changes: list[Differs] = []
    occurred_at: datetime
    decided_at: datetime


class DecisionView(msgspec.Struct, kw_only=True):
    """A kept decision."""

    id: UUID
    policy: str
    version: int
    rule: str
    exception: ExceptionFound
    group_key: str
    priority: PriorityFound
    money_at_risk: Money | None
    title: str
    workflow: WorkflowChosen | None
    inputs: list[Input]
    missing: list[str]
    considered: list[dict[str, Any]]
    subjects: dict[str, str]
    event_type: str
    signal_id: str | None
    event_id: str | None
    earlier: UUID | None
    changes: list[Differs]
    occurred_at: datetime
    decided_at: datetime


Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256 * 1024)]
Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,62}$")]


class SavePolicy(msgspec.Struct, forbid_unknown_fields=True):
    """A policy document as YAML text; `customer` makes it one customer's own. Publishing is a step of its own."""

    content: Text
    customer: UUID | None = None


class Simulate(msgspec.Struct, forbid_unknown_fields=True):
    """How far back to ask a version what it would have decided."""

    days: Annotated[int, msgspec.Meta(ge=1, le=90)] = 7
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 500


class SimulateText(msgspec.Struct, forbid_unknown_fields=True):
    """A document that isn't kept, and how far back to ask it; `customer` makes it one customer's own."""

    content: Text
    customer: UUID | None = None
    days: Annotated[int, msgspec.Meta(ge=1, le=90)] = 7
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 500


class PolicyView(msgspec.Struct, kw_only=True):
    """One version of a policy."""

    id: UUID
    name: str
    title: str
    version: int
    status: str
    customer: UUID | None
    content: str | None
    content_hash: str
    created_at: datetime
    created_by: str
    published_at: datetime | None


class FactView(msgspec.Struct, kw_only=True):
    """A fact a policy may read."""

    name: str
    type: str
    meaning: str
    source: str


class Difference(msgspec.Struct, kw_only=True):
    """One past event a version would have judged otherwise; None stands for no exception."""

    event_id: str
    occurred_at: datetime
    event_type: str
    was: str | None
    would_be: str | None
    was_level: str | None = None
    would_be_level: Level | None = None
    title: str = ""


class SimulatedCase(msgspec.Struct, kw_only=True):
    """One case a version would have opened, and how many events would have joined it."""

    title: str
    type: str
    rule: str
    level: Level
    score: int
    customer_id: UUID | None
    money: Money | None
    events: int
    occurred_at: datetime


class Simulation(msgspec.Struct, kw_only=True):
    """What a version would have decided on past events, beside what was decided.

    `cases` are those it would have opened (`cases_before` were), with the money at risk in them; `exceptions` names at most a hundred.
    """

    events: int
    opened: int
    differ: int
    undecided: int
    differences: list[Difference]
    cases: int = 0
    cases_before: int = 0
    money: list[Money] = []
    exceptions: list[SimulatedCase] = []
