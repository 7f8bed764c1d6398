"""How a case ends: with outcome and cause, after its source was looked at again; and how it begins anew."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.cases import clocks, snoozing, status, touch
from app.cases.models import Case
from app.cases.telling import held, live, tell
from app.connectors.models import Call
from app.core.errors import Conflict, FieldError, Invalid
from app.core.uow import UnitOfWork
from tenants.models import Customer


class SourceNotChecked(Invalid):
    """A case closes after its source was looked at again: name the call that did, or say why it can't be."""


class GroupAlreadyOpen(Conflict):
    """Another unfinished case stands for the same exception; work on that one."""


async def resolve(
    uow: UnitOfWork,
    case_id: UUID,
    *,
    outcome: str,
    cause: str,
    evidence_call_id: UUID | None,
    override_reason: str | None = None,
    expected: int | None = None,
) -> Case:
    """Ends the case. The evidence is a call of this case that answered after the case was (last) opened.

    Without one, `override_reason` says how else it is known; that is recorded as a deviation. All clocks stop. Publishes case.resolved
    (`touched`: whether anybody but the automation worked on it) and, for an override, deviation.recorded.
    """
    case = await live(uow, case_id, expected)
    if evidence_call_id is not None:
        await _check_evidence(uow, case, evidence_call_id)
    elif not override_reason:
        raise SourceNotChecked(errors=[FieldError("/evidence_call_id", "missing", "Give the call, or override_reason.")])
    case.status = status.moved(case.status, "resolve")  # type: ignore[arg-type]
    case.outcome, case.cause, case.evidence_call_id = outcome, cause, evidence_call_id
    case.resolved_at, case.resolved_by, case.deviation = uow.now, uow.actor, None if evidence_call_id else override_reason
    touch.note(uow, case)
    snoozing.rest(uow, case)
    stopped = await clocks.stop(uow, case_id)
    told = {"outcome": outcome, "cause": cause, "evidence_call_id": evidence_call_id, "breached": case.breached}
    told |= {"touched": await touch.is_touched(uow, case)}
    await tell(uow, case, "resolved", told, also=stopped)
    if case.deviation:
        data = {"case_id": case_id, "reason": case.deviation, "what": "resolved without a check of the source", "internal": True}
        uow.publish("deviation.recorded", of=case, key=f"case:{case_id}", data=data)
    return case


async def _check_evidence(uow: UnitOfWork, case: Case, call_id: UUID) -> None:
    call = await uow.find(Call, call_id)
    since = case.reopened_at or case.opened_at
    is_look = call is not None and call.case_id == case.id and call.status == "done" and not call.has_effect
    if call is None or not is_look or call.started_at < since:
        detail = "This is no look at the source, for this case, that was answered after it was opened."
        remedy = "Check the source through a capability and give that call."
        raise SourceNotChecked(errors=[FieldError("/evidence_call_id", detail, remedy)])


async def reopen(uow: UnitOfWork, case_id: UUID, reason: str, *, expected: int | None = None) -> Case:
    """Takes a resolved case up again with fresh clocks; its signals, timeline and approvals stay. Publishes case.reopened."""
    case = await held(uow, case_id, expected)
    case.status = status.moved(case.status, "reopen")  # type: ignore[arg-type]
    ended = {"outcome": case.outcome, "cause": case.cause, "resolved_at": case.resolved_at}
    case.round, case.reopened_at = case.round + 1, uow.now
    case.acknowledged_at = case.acknowledged_by = case.resolved_at = case.resolved_by = None
    case.outcome = case.cause = case.evidence_call_id = case.deviation = None
    case.breached = False
    touch.note(uow, case)
    await _take_group(uow, case)
    customer = await uow.find(Customer, case.customer_id)
    started = clocks.start(uow, case, customer.sla if customer else None)
    # Back in the queue it is news to who works there, whatever its place was before.
    case.surfaced_at = uow.now
    await tell(
        uow, case, "reopened", {"reason": reason, "ended": ended, "due": {clock.kind: clock.due_at for clock in started}}, also=started
    )
    return case


async def _take_group(uow: UnitOfWork, case: Case) -> None:
    with uow.session.no_autoflush:
        other = select(Case.id).where(
            Case.customer_id == case.customer_id, Case.group_key == case.group_key, Case.status != "resolved", Case.id != case.id
        )
        standing = (await uow.execute(other)).scalar_one_or_none()
    if standing is not None:
        raise GroupAlreadyOpen(extra={"case_id": str(standing)})
    try:
        await uow.session.flush()
    except IntegrityError:
        # Another one was opened between the look and the write; the unique index had the last word.
        raise GroupAlreadyOpen() from None
