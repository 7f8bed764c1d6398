"""Approvals: a second person's word, before something dear or dangerous leaves.

Never given by who asked, nor by a hand of theirs (people.py); only by the role the limit names; only until it expires; once. What one
lifts, and for which effect, is lifting.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import select

from app.cases import people
from app.cases.models import Approval, Case, CaseProposal
from app.cases.people import Identity
from app.cases.status import CaseAlreadyResolved
from app.core.errors import Conflict, FieldError, Invalid, NotAllowed
from app.core.uow import UnitOfWork

WORK: Final = "approval"
Outcome = Literal["approved", "refused"]


class OwnRequest(NotAllowed):
    """Whoever asked for an approval can't give it; somebody else must decide."""


class RoleNeeded(NotAllowed):
    """Your role doesn't reach for this approval."""


class ApprovalDecided(Conflict):
    """This approval was decided already."""


class ApprovalExpired(Conflict):
    """This approval expired; ask for a new one."""


async def request(
    uow: UnitOfWork, *, case_id: UUID, kind: str, amount_minor: int | None, currency: str | None, subject: dict[str, Any], key: str,
    expires_at: datetime, requested_by: str | None = None, role: str = "approver",
) -> Approval:  # fmt: skip
    """Asks for an approval; the same `key` again returns the first. Publishes approval.requested, key `approval:<id>`.

    `requested_by` is the actor who wants it; left out, it is who proposed the same option on this case, else who asks now. `subject` says
    what is approved (`capability`, `option_id`, …): the gate compares it with what is about to happen.
    """
    known: Approval | None = (await uow.execute(select(Approval).where(Approval.key == key))).scalar_one_or_none()
    if known is not None:
        return known
    case = await uow.get(Case, case_id)
    if case.status == "resolved":
        raise CaseAlreadyResolved()
    _check(uow, amount_minor, currency, expires_at)
    proposers = await _proposers(uow, case_id, option_of(subject))
    requester = await people.behind(uow, requested_by or next(iter(proposers), uow.actor), case.customer_id)
    row = uow.add(
        Approval(
            customer_id=case.customer_id, case_id=case_id, key=key, kind=kind, role=role, amount_minor=amount_minor, currency=currency,
            subject=subject, requested_by=requester.actor, requester_id=requester.person, requested_at=uow.now, expires_at=expires_at,
            status="requested",
        )
    )  # fmt: skip
    uow.work(WORK, subject=row.id, due=expires_at, cls="deadline")
    uow.publish("approval.requested", of=row, key=f"approval:{row.id}", data=told(row) | {"role": role, "expires_at": expires_at})
    return row


def _check(uow: UnitOfWork, amount_minor: int | None, currency: str | None, expires_at: datetime) -> None:
    if amount_minor is not None and (amount_minor < 0 or not currency):
        raise Invalid("An amount is not negative and has a currency.", errors=[FieldError("/amount_minor", "negative or without currency")])
    if expires_at <= uow.now:
        raise Invalid("An approval must expire in the future.", errors=[FieldError("/expires_at", "not in the future")])


async def _proposers(uow: UnitOfWork, case_id: UUID, option: str | None) -> list[str]:
    """Who proposed this option on this case (any, when none is named), the latest first."""
    query = select(CaseProposal.proposed_by).where(CaseProposal.case_id == case_id)
    query = query if option is None else query.where(CaseProposal.option_id == option)
    return list((await uow.execute(query.order_by(CaseProposal.id.desc()))).scalars())


def option_of(subject: Mapping[str, Any]) -> str | None:
    """The option an approval is about."""
    option = subject.get("option")
    named = subject.get("option_id") or (option.get("id") if isinstance(option, Mapping) else option)
    return str(named) if named is not None else None


async def decide(uow: UnitOfWork, approval_id: UUID, outcome: Outcome, note: str | None = None) -> Approval:
    """Gives or refuses an approval. Publishes approval.decided, key `approval:<id>`.

    Raises OwnRequest, RoleNeeded (both are for the caller to record as access.denied), ApprovalDecided, ApprovalExpired, CaseAlreadyResolved.
    """
    row = await uow.get(Approval, approval_id, lock=True)
    decider = await people.behind(uow, uow.actor, row.customer_id)
    await _check_decider(uow, row, decider)
    if row.status != "requested":
        raise ApprovalExpired() if row.status == "expired" else ApprovalDecided(extra={"outcome": row.status})
    if row.expires_at <= uow.now:
        raise ApprovalExpired()
    if (await uow.get(Case, row.case_id)).status == "resolved":
        raise CaseAlreadyResolved()
    row.status, row.note, row.decided_at = outcome, note, uow.now
    row.decided_by, row.decider_id = uow.actor, decider.person
    uow.drop_work(WORK, row.id)
    uow.publish(
        "approval.decided", of=row, key=f"approval:{row.id}", data=told(row) | {"outcome": outcome, "decided_by": uow.actor, "note": note}
    )
    return row


async def _check_decider(uow: UnitOfWork, row: Approval, decider: Identity) -> None:
    # Whoever proposed the option asked for it too, also where a workflow put the question.
    for asker in {row.requested_by, *await _proposers(uow, row.case_id, option_of(row.subject))}:
        if decider.is_hand_of(await people.behind(uow, asker, row.customer_id)):
            raise OwnRequest()
    if row.role not in decider.roles:
        raise RoleNeeded(extra={"role": row.role})


async def hindrance(uow: UnitOfWork, approval_id: UUID) -> NotAllowed | None:
    """Why whoever asks can't decide this approval, for a page that shows it: OwnRequest, RoleNeeded, or nothing."""
    row = await uow.get(Approval, approval_id)
    try:
        await _check_decider(uow, row, await people.behind(uow, uow.actor, row.customer_id))
    except (OwnRequest, RoleNeeded) as refusal:
        return refusal
    return None


async def expire(uow: UnitOfWork, approval_id: UUID) -> bool:
    """Ends an approval nobody decided in time. Publishes approval.expired; quiet when there is nothing to end."""
    row = await uow.find(Approval, approval_id, lock=True)
    if row is None or row.status != "requested":
        return False
    if row.expires_at > uow.now:
        # Asked a moment early: this clock and the queue's are two.
        uow.work(WORK, subject=row.id, due=row.expires_at, cls="deadline")
        return False
    row.status = "expired"
    uow.publish("approval.expired", of=row, key=f"approval:{row.id}", data=told(row) | {"outcome": "expired"})
    return True


def told(row: Approval) -> dict[str, Any]:
    """What every event of an approval says of it."""
    known = {"approval_id": row.id, "case_id": row.case_id, "kind": row.kind, "amount_minor": row.amount_minor, "currency": row.currency}
    return known | {"subject": row.subject, "requested_by": row.requested_by}
