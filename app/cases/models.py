"""The tables of cases; `migrations/initial/51_cases.sql` says the same in SQL, with the reasons of its indexes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.tables import TenantRow

_OPERATIONAL: Final = {"data_class": "operational", "retention": "P400D", "erasure": "with_customer"}
_EVIDENCE: Final = {"data_class": "evidence", "retention": "P400D", "erasure": "with_customer"}
_PERSONAL: Final = {"data_class": "personal", "retention": "P400D", "erasure": "with_person"}
_CONFIGURATION: Final = {"data_class": "configuration", "retention": "forever", "erasure": "none"}
_LIVE = text("status <> 'resolved'")
_SNOOZE: Final = "num_nulls(snoozed_until, snoozed_at, snoozed_by, awaits) in (0, 4) and (wakes_on is null or awaits is not null)"
_LANE: Final = ("tenant_id", "origin_country", "destination_country")


def _to_case() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", "case_id"], ["cases.case.tenant_id", "cases.case.id"])


def _to_user(column: str = "user_id") -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", column], ["tenants.user.tenant_id", "tenants.user.id"])


def _of_customer(table: str) -> Index:
    return Index(f"{table}_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id")


class Case(TenantRow):
    """The work opened for one exception. `inputs` and `missing` are those of the decision that holds; `round` counts reopenings;
    `touched` says that a person or an integration worked on it (touch.py); `version` moves on by one with every event said of the case
    (telling.py); `urgent_at` (seconds) is its place in the queue (urgency.py). Snoozed, it `awaits` somebody until `snoozed_until` or until
    what `wakes_on` names happens.
    """

    __tablename__ = "case"
    customer_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(default="open", server_default="open")
    title: Mapped[str]
    exception_type: Mapped[str]
    reason: Mapped[str | None]
    responsible: Mapped[str | None]
    priority_level: Mapped[str]
    priority_score: Mapped[int]
    priority_provisional: Mapped[bool]
    money_at_risk_minor: Mapped[int | None]
    currency: Mapped[str | None]
    group_key: Mapped[str]
    decision_id: Mapped[UUID]
    inputs: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    missing: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    owner_id: Mapped[UUID | None]
    previous_id: Mapped[UUID | None]
    order_id: Mapped[UUID | None]
    shipment_id: Mapped[UUID | None]
    escalation: Mapped[int] = mapped_column(default=0, server_default="0")
    breached: Mapped[bool] = mapped_column(default=False, server_default="false")
    round: Mapped[int] = mapped_column(default=0, server_default="0")
    opened_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    reopened_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None]
    outcome: Mapped[str | None]
    cause: Mapped[str | None]
    evidence_call_id: Mapped[UUID | None]
    deviation: Mapped[str | None]
    touched: Mapped[bool] = mapped_column(default=False, server_default="false")
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    urgent_at: Mapped[int] = mapped_column(default=0, server_default="0")
    ranked_by: Mapped[int] = mapped_column(default=0, server_default="0")
    surfaced_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    carrier: Mapped[str | None]
    origin_country: Mapped[str | None]
    destination_country: Mapped[str | None]
    snoozed_until: Mapped[datetime | None]
    snoozed_at: Mapped[datetime | None]
    snoozed_by: Mapped[str | None]
    awaits: Mapped[str | None]
    wakes_on: Mapped[str | None]
    next_step: Mapped[str | None]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["tenants.customer.tenant_id", "tenants.customer.id"]),
        ForeignKeyConstraint(["tenant_id", "owner_id"], ["tenants.user.tenant_id", "tenants.user.id"]),
        ForeignKeyConstraint(["tenant_id", "previous_id"], ["cases.case.tenant_id", "cases.case.id"]),
        ForeignKeyConstraint(["tenant_id", "order_id"], ["canonical.order.tenant_id", "canonical.order.id"]),
        ForeignKeyConstraint(["tenant_id", "shipment_id"], ["canonical.shipment.tenant_id", "canonical.shipment.id"]),
        Index("case_live_group", "tenant_id", "customer_id", "group_key", unique=True, postgresql_where=_LIVE),
        Index("case_group", "tenant_id", "customer_id", "group_key", "id"),
        Index("case_urgent", "tenant_id", "urgent_at", "id", postgresql_where=_LIVE),
        Index("case_of_priority", "tenant_id", "priority_level", "urgent_at", "id", postgresql_where=_LIVE),
        Index("case_of_type", "tenant_id", "exception_type", "urgent_at", "id", postgresql_where=_LIVE),
        Index("case_of_carrier", "tenant_id", "carrier", "urgent_at", "id", postgresql_where=text(f"{_LIVE} and carrier is not null")),
        Index("case_of_lane", *_LANE, "urgent_at", "id", postgresql_where=text(f"{_LIVE} and origin_country is not null")),
        Index("case_breached", "tenant_id", "urgent_at", "id", postgresql_where=text("breached is true and status <> 'resolved'")),
        Index("case_at_rest", "tenant_id", "urgent_at", "id", postgresql_where=text("status = 'waiting' or snoozed_until is not null")),
        Index(
            "case_owned", "tenant_id", "owner_id", "urgent_at", "id", postgresql_where=text("owner_id is not null and status <> 'resolved'")
        ),
        Index("case_of_customer", "tenant_id", "customer_id", "urgent_at", "id", postgresql_where=_LIVE),
        Index("case_ended", "tenant_id", "resolved_at", "id", postgresql_where=text("status = 'resolved'")),
        Index("case_type", "tenant_id", "exception_type", "id"),
        Index("case_owner", "tenant_id", "owner_id", "id", postgresql_where=text("owner_id is not null")),
        Index("case_previous", "tenant_id", "previous_id", postgresql_where=text("previous_id is not null")),
        Index("case_order", "tenant_id", "order_id", postgresql_where=text("order_id is not null")),
        Index("case_shipment", "tenant_id", "shipment_id", postgresql_where=text("shipment_id is not null")),
        Index("case_decision", "tenant_id", "decision_id"),
        _of_customer("case"),
        CheckConstraint(_SNOOZE, name="case_snooze"),
        CheckConstraint("(money_at_risk_minor is null) = (currency is null)", name="case_money"),
        CheckConstraint("(status = 'resolved') = (resolved_at is not null and outcome is not null and cause is not null)", name="case_end"),
        {"schema": "cases", "info": _OPERATIONAL},
    )


class CaseSubject(TenantRow):
    """An order or shipment the case is about."""

    __tablename__ = "case_subject"
    customer_id: Mapped[UUID]
    case_id: Mapped[UUID]
    kind: Mapped[str]
    subject_id: Mapped[UUID]

    __table_args__ = (
        _to_case(),
        UniqueConstraint("tenant_id", "case_id", "kind", "subject_id"),
        Index("case_subject_of", "tenant_id", "subject_id", "case_id"),
        _of_customer("case_subject"),
        {"schema": "cases", "info": _OPERATIONAL},
    )


class CaseSignal(TenantRow):
    """A signal that belongs to the case, with the event it became and the decision taken on it."""

    __tablename__ = "case_signal"
    customer_id: Mapped[UUID]
    case_id: Mapped[UUID]
    signal_id: Mapped[UUID | None]
    event_id: Mapped[UUID | None]
    decision_id: Mapped[UUID]
    joined_at: Mapped[datetime]

    __table_args__ = (
        _to_case(),
        UniqueConstraint("tenant_id", "decision_id"),
        Index("case_signal_of", "tenant_id", "case_id", "id"),
        _of_customer("case_signal"),
        {"schema": "cases", "info": _EVIDENCE},
    )


class CaseClock(TenantRow):
    """A promise to the customer with the calendar it was made on, so that a later change of the contract doesn't move it."""

    __tablename__ = "case_clock"
    customer_id: Mapped[UUID]
    case_id: Mapped[UUID]
    kind: Mapped[str]
    round: Mapped[int]
    target: Mapped[str]
    calendar: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    started_at: Mapped[datetime]
    due_at: Mapped[datetime]
    warn_at: Mapped[datetime]
    paused_at: Mapped[datetime | None]
    left_seconds: Mapped[int | None]
    stopped_at: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]
    breached_at: Mapped[datetime | None]

    __table_args__ = (
        _to_case(),
        UniqueConstraint("tenant_id", "case_id", "kind", "round"),
        CheckConstraint("(paused_at is null) = (left_seconds is null)", name="case_clock_pause"),
        _of_customer("case_clock"),
        {"schema": "cases", "info": _OPERATIONAL},
    )


class CaseProposal(TenantRow):
    """An effect somebody wants: the capability with its parameters, and who stands behind it."""

    __tablename__ = "case_proposal"
    customer_id: Mapped[UUID]
    case_id: Mapped[UUID]
    round: Mapped[int]
    capability: Mapped[str]
    params: Mapped[dict[str, Any]]
    option_id: Mapped[str | None]
    note: Mapped[str | None]
    proposed_by: Mapped[str]
    proposer_id: Mapped[UUID | None]
    proposed_at: Mapped[datetime]

    __table_args__ = (
        _to_case(),
        Index("case_proposal_of", "tenant_id", "case_id", "id"),
        _of_customer("case_proposal"),
        {"schema": "cases", "info": _EVIDENCE},
    )


class CaseComment(TenantRow):
    """What somebody wrote on the case; without a customer it is the partner's own."""

    __tablename__ = "case_comment"
    customer_id: Mapped[UUID | None]
    case_id: Mapped[UUID]
    author: Mapped[str]
    text: Mapped[str]
    written_at: Mapped[datetime]

    __table_args__ = (
        _to_case(),
        Index("case_comment_of", "tenant_id", "case_id", "id"),
        _of_customer("case_comment"),
        {"schema": "cases", "info": _PERSONAL},
    )


class CaseMention(TenantRow):
    """Somebody a comment calls by name; `customer_id` is the comment's."""

    __tablename__ = "case_mention"
    customer_id: Mapped[UUID | None]
    case_id: Mapped[UUID]
    comment_id: Mapped[UUID]
    user_id: Mapped[UUID]

    __table_args__ = (
        _to_case(),
        ForeignKeyConstraint(["tenant_id", "comment_id"], ["cases.case_comment.tenant_id", "cases.case_comment.id"]),
        _to_user(),
        UniqueConstraint("tenant_id", "comment_id", "user_id"),
        Index("case_mention_case", "tenant_id", "case_id", "id"),
        Index("case_mention_user", "tenant_id", "user_id", "id"),
        _of_customer("case_mention"),
        {"schema": "cases", "info": _PERSONAL},
    )


class CaseTalk(TenantRow):
    """A word with somebody on the telephone, as it was noted: who, which way, what came of it, what is next."""

    __tablename__ = "case_talk"
    case_id: Mapped[UUID]
    who: Mapped[str]
    name: Mapped[str | None]
    direction: Mapped[str]
    outcome: Mapped[str]
    note: Mapped[str | None]
    next_step: Mapped[str | None]
    logged_by: Mapped[str]
    logged_at: Mapped[datetime]

    __table_args__ = (
        _to_case(),
        Index("case_talk_of", "tenant_id", "case_id", "id"),
        {"schema": "cases", "info": _PERSONAL},
    )


class CaseDecline(TenantRow):
    """Until when somebody isn't given a case again that they gave back; follows from case.declined."""

    __tablename__ = "case_decline"
    case_id: Mapped[UUID]
    user_id: Mapped[UUID]
    until: Mapped[datetime]

    __table_args__ = (
        _to_case(),
        _to_user(),
        UniqueConstraint("tenant_id", "user_id", "case_id"),
        Index("case_decline_case", "tenant_id", "case_id"),
        {"schema": "cases", "info": _PERSONAL | {"derived": True}},
    )


class Presence(TenantRow):
    """Who has a case open and was last seen there when; nothing that happened, so no event tells of it."""

    __tablename__ = "presence"
    case_id: Mapped[UUID]
    user_id: Mapped[UUID]
    seen_at: Mapped[datetime]

    __table_args__ = (
        _to_case(),
        _to_user(),
        UniqueConstraint("tenant_id", "case_id", "user_id"),
        Index("presence_user", "tenant_id", "user_id", "seen_at"),
        {"schema": "cases", "info": _PERSONAL | {"derived": True}},
    )


class QueueWeights(TenantRow):
    """One version of what decides the queue's order (urgency.Weights); `ordered_to` is the last case put in
    its place by it, `ordered_at` when every case stood in its own.
    """

    __tablename__ = "queue_weights"
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
    note: Mapped[str | None]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    ordered_to: Mapped[UUID | None]
    ordered_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "version"),
        {"schema": "cases", "info": _CONFIGURATION},
    )


class HeldMessage(TenantRow):
    """Mail to people outside on one or many cases, held before it leaves. `readers` says who gets it, about which cases."""

    __tablename__ = "held_message"
    status: Mapped[str]
    audience: Mapped[str]
    template: Mapped[str]
    subject: Mapped[str] = mapped_column(info={"secret": True})
    text: Mapped[str] = mapped_column(info={"secret": True})
    case_ids: Mapped[list[UUID]]
    readers: Mapped[list[Any]] = mapped_column(info={"secret": True})
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    leaves_at: Mapped[datetime]
    undone_by: Mapped[str | None]
    undone_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(status = 'undone') = (undone_at is not null)", name="held_message_undone"),
        {"schema": "cases", "info": _PERSONAL},
    )


class Handover(TenantRow):
    """Cases one person gave to another at the end of a shift, with what they said."""

    __tablename__ = "handover"
    from_user: Mapped[UUID]
    to_user: Mapped[UUID]
    case_ids: Mapped[list[UUID]]
    note: Mapped[str]
    made_at: Mapped[datetime]

    __table_args__ = (
        _to_user("from_user"),
        _to_user("to_user"),
        Index("handover_from", "tenant_id", "from_user", "id"),
        Index("handover_to", "tenant_id", "to_user", "id"),
        {"schema": "cases", "info": _PERSONAL},
    )


class InboxEntry(TenantRow):
    """Something that waits for a person's eyes; it follows from an event. `settled_at`: what it asked for is done, by whomever."""

    __tablename__ = "inbox"
    customer_id: Mapped[UUID | None]
    user_id: Mapped[UUID]
    event_id: Mapped[UUID]
    kind: Mapped[str]
    case_id: Mapped[UUID | None]
    subject_id: Mapped[UUID | None]
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    happened_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        _to_case(),
        _to_user(),
        UniqueConstraint("tenant_id", "user_id", "event_id"),
        Index("inbox_of", "tenant_id", "user_id", "id"),
        Index("inbox_unread", "tenant_id", "user_id", "id", postgresql_where=text("read_at is null")),
        Index("inbox_subject", "tenant_id", "subject_id", postgresql_where=text("subject_id is not null and settled_at is null")),
        Index("inbox_case", "tenant_id", "case_id", postgresql_where=text("case_id is not null")),
        _of_customer("inbox"),
        {"schema": "cases", "info": _PERSONAL | {"derived": True}},
    )


class Approval(TenantRow):
    """A second person's word on something dear or dangerous. `requester_id` and `decider_id` are the people behind the actors;
    `used_by` is the key of the one effect it let pass.
    """

    __tablename__ = "approval"
    customer_id: Mapped[UUID]
    case_id: Mapped[UUID]
    key: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str] = mapped_column(default="requested", server_default="requested")
    role: Mapped[str]
    amount_minor: Mapped[int | None]
    currency: Mapped[str | None]
    subject: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    requested_by: Mapped[str]
    requester_id: Mapped[UUID | None]
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decider_id: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    note: Mapped[str | None]
    used_by: Mapped[str | None]
    used_at: Mapped[datetime | None]

    __table_args__ = (
        _to_case(),
        UniqueConstraint("tenant_id", "key"),
        Index("approval_of_case", "tenant_id", "case_id", "id"),
        Index("approval_open", "tenant_id", "id", postgresql_where=text("status = 'requested'")),
        _of_customer("approval"),
        CheckConstraint("amount_minor is null or currency is not null", name="approval_money"),
        CheckConstraint("(used_by is null) = (used_at is null) and (used_by is null or status = 'approved')", name="approval_use"),
        CheckConstraint(
            "decided_by is null or (decided_by <> requested_by and (decider_id is null or requester_id is null or decider_id <> requester_id))",
            name="approval_four_eyes",
        ),
        {"schema": "cases", "info": _EVIDENCE},
    )


class Offer(TenantRow):
    """Options put to a customer or counterparty, answered once or never."""

    __tablename__ = "offer"
    customer_id: Mapped[UUID]
    case_id: Mapped[UUID]
    key: Mapped[str]
    status: Mapped[str] = mapped_column(default="open", server_default="open")
    recipient: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    options: Mapped[list[Any]]
    default_option: Mapped[str | None]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    option: Mapped[str | None]
    answered_by: Mapped[str | None]
    answered_at: Mapped[datetime | None]

    __table_args__ = (
        _to_case(),
        UniqueConstraint("tenant_id", "key"),
        Index("offer_of_case", "tenant_id", "case_id", "id"),
        Index("offer_open", "tenant_id", "id", postgresql_where=text("status = 'open'")),
        _of_customer("offer"),
        CheckConstraint("(status = 'answered') = (answered_at is not null)", name="offer_answer"),
        {"schema": "cases", "info": _EVIDENCE},
    )


class CaseEvent(TenantRow):
    """An event's place on a case's timeline; no event tells of these rows, since each follows from one."""

    __tablename__ = "case_event"
    customer_id: Mapped[UUID | None]
    case_id: Mapped[UUID]
    event_id: Mapped[UUID]

    __table_args__ = (
        _to_case(),
        UniqueConstraint("tenant_id", "case_id", "event_id"),
        _of_customer("case_event"),
        {"schema": "cases", "info": _EVIDENCE | {"derived": True}},
    )
