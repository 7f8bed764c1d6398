"""From rows to what readers get; a customer gets plain words and what is theirs to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal
from uuid import UUID

import msgspec

from app.cases import money
from app.cases.models import Approval, Case, CaseClock, CaseComment, CaseProposal, CaseTalk, Offer
from app.cases.schemas import (
    Amount,
    ApprovalView,
    CaseRow,
    CaseView,
    ClockView,
    CommentView,
    NextClock,
    OfferView,
    Priority,
    ProposalView,
    TalkView,
    WentWrong,
)
from app.cases.timeline import Audience, called

SAYS: Final = {
    "open": "We know about it",
    "acknowledged": "We are working on it",
    "waiting": "We are waiting for an answer",
    "resolved": "It is solved",
}


def amount(minor: int | None, currency: str | None) -> Amount | None:
    return Amount(minor, currency, money.text(minor, currency)) if minor is not None and currency else None


def case_row(row: Case, clocks: Sequence[CaseClock], audience: Audience) -> CaseRow:
    """What every reader of a list sees of a case; board.py adds what the queue's line tells the partner's people."""
    running = [clock.due_at for clock in clocks if clock.stopped_at is None and clock.paused_at is None]
    shown = CaseRow(
        id=row.id, status=row.status, says=SAYS[row.status], title=row.title, type=row.exception_type, priority=_priority(row, audience),
        opened_at=row.opened_at, customer_id=row.customer_id, due_at=min(running, default=None),
        order_id=row.order_id, shipment_id=row.shipment_id,
    )  # fmt: skip
    if audience == "customer":
        return shown
    return msgspec.structs.replace(
        shown, money_at_risk=amount(row.money_at_risk_minor, row.currency), breached=row.breached, owner_id=row.owner_id, carrier=row.carrier,
        escalation=row.escalation, snoozed_until=row.snoozed_until, awaits=row.awaits, version=row.version, clock=next_clock(clocks),
    )  # fmt: skip


def next_clock(clocks: Sequence[CaseClock]) -> NextClock | None:
    """The clock that runs out first of those not stopped; one that stands still only when no other runs."""
    going = [clock for clock in clocks if clock.stopped_at is None]
    first = min(going, key=lambda clock: (clock.paused_at is not None, clock.due_at), default=None)
    if first is None:
        return None
    return NextClock(first.kind, first.due_at, "paused" if first.paused_at else "breached" if first.breached_at else "running")


def case_view(row: Case, clocks: Iterable[CaseClock], subjects: dict[str, list[UUID]], signals: int, audience: Audience) -> CaseView:
    is_partner = audience == "partner"
    shown = CaseView(
        id=row.id, status=row.status, says=SAYS[row.status], title=row.title, priority=_priority(row, audience), opened_at=row.opened_at,
        exception=WentWrong(row.exception_type, row.reason if is_partner else None, row.responsible if is_partner else None),
        customer_id=row.customer_id, clocks=[clock_view(clock) for clock in clocks], subjects=subjects,
        previous_id=row.previous_id, acknowledged_at=row.acknowledged_at, reopened_at=row.reopened_at, resolved_at=row.resolved_at,
        outcome=row.outcome, cause=row.cause, signals=signals,
    )  # fmt: skip
    if not is_partner:
        return shown
    return msgspec.structs.replace(
        shown, money_at_risk=amount(row.money_at_risk_minor, row.currency), owner_id=row.owner_id, evidence_call_id=row.evidence_call_id,
        deviation=row.deviation, escalation=row.escalation, breached=row.breached, group_key=row.group_key, decision_id=row.decision_id,
        inputs=row.inputs, missing=row.missing, version=row.version,
    )  # fmt: skip


def clock_view(row: CaseClock) -> ClockView:
    return ClockView(row.kind, _state(row), row.due_at, row.target, row.stopped_at)


def _state(row: CaseClock) -> Literal["running", "paused", "met", "breached"]:
    if row.breached_at is not None or (row.stopped_at is not None and row.paused_at is None and row.stopped_at > row.due_at):
        return "breached"
    if row.stopped_at is not None:
        return "met"
    return "paused" if row.paused_at is not None else "running"


def _priority(row: Case, audience: Audience) -> Priority:
    return Priority(row.priority_level, row.priority_provisional, row.priority_score if audience == "partner" else None)


def proposal_view(row: CaseProposal, approvals: list[UUID]) -> ProposalView:
    return ProposalView(
        id=row.id, case_id=row.case_id, capability=row.capability, params=row.params, proposed_by=row.proposed_by, proposed_at=row.proposed_at,
        approvals=approvals, option_id=row.option_id, note=row.note,
    )  # fmt: skip


def comment_view(row: CaseComment, names: Mapping[str, str] | None = None, mentions: Sequence[UUID] = ()) -> CommentView:
    who = called(row.author, names) if names else ""
    return CommentView(row.id, row.case_id, row.author, row.text, row.customer_id is not None, row.written_at, who, list(mentions))


def talk_view(row: CaseTalk) -> TalkView:
    return TalkView(
        row.id, row.case_id, row.who, row.name, row.direction, row.outcome, row.note, row.next_step, row.logged_by, row.logged_at
    )  # fmt: skip


def approval_view(row: Approval) -> ApprovalView:
    return ApprovalView(
        id=row.id, case_id=row.case_id, kind=row.kind, status=row.status, role=row.role, amount=amount(row.amount_minor, row.currency),
        subject=row.subject, requested_by=row.requested_by, requested_at=row.requested_at, expires_at=row.expires_at, decided_by=row.decided_by,
        decided_at=row.decided_at, note=row.note, used_by=row.used_by, used_at=row.used_at,
    )  # fmt: skip


def offer_view(row: Offer) -> OfferView:
    return OfferView(
        id=row.id, case_id=row.case_id, status=row.status, options=row.options, default=row.default_option, made_at=row.made_at,
        expires_at=row.expires_at, option=row.option, answered_at=row.answered_at,
    )  # fmt: skip
