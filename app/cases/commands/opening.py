"""How a case begins: a decision opens it or joins one that is unfinished, and later decisions move its priority."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.cases import clocks, findable, grouping, priority, routing, urgency, weights
from app.cases.models import Case, CaseClock, CaseSignal, CaseSubject
from app.cases.telling import held, tell
from app.core.errors import Invalid, Unavailable
from app.core.events import Event
from app.core.uow import UnitOfWork
from tenants.models import Customer

_SEEN: Final = ("priority_level", "priority_score", "priority_provisional", "money_at_risk_minor", "currency", "missing")


class CaseWithoutCustomer(Invalid):
    """A case belongs to a customer; attribute the signal first."""


class GroupUnsettled(Unavailable):
    """This case is being opened and closed at the same moment; try again."""


async def open_case(uow: UnitOfWork, *, decision_event: Event) -> Case:
    """Opens a case for what a policy decided, or joins the unfinished one of the same group.

    Two that arrive at the same moment make one case: the later waits at the unique index and joins. The same decision twice changes nothing.
    Publishes case.opened or case.grouped (and case.reprioritised when the join moved it), key `case:<id>`.
    """
    if decision_event.customer_id is None:
        raise CaseWithoutCustomer()
    for _ in range(3):
        latest, is_noted = await _latest_of_group(uow, decision_event)
        if latest is not None and (is_noted or latest.status != "resolved"):
            return latest if is_noted else await _join(uow, latest, decision_event)
        customer = await uow.find(Customer, decision_event.customer_id)
        promised = clocks.promised(uow, customer.sla if customer else None)
        opened = await _insert(uow, decision_event, promised, previous=latest)
        if opened is not None:
            return await _begin(uow, opened, decision_event, promised)
    raise GroupUnsettled()


async def _latest_of_group(uow: UnitOfWork, decision: Event) -> tuple[Case | None, bool]:
    """The group's unfinished case, else its last one, held; and whether this very decision was noted before."""
    noted = select(CaseSignal.id).where(CaseSignal.decision_id == decision.id).exists()
    query = select(Case, noted).where(
        Case.customer_id == decision.customer_id, Case.group_key == grouping.stored_key(decision.data["group_key"])
    )
    unfinished_first = query.order_by((Case.status == "resolved").asc(), Case.id.desc()).limit(1)
    held = unfinished_first.with_for_update(key_share=True, of=Case).execution_options(populate_existing=True)
    row = (await uow.session.execute(held)).one_or_none()
    return (row[0], bool(row[1])) if row else (None, False)


async def _insert(uow: UnitOfWork, decision: Event, promised: list[CaseClock], *, previous: Case | None) -> Case | None:
    values = _identity(uow, decision) | decided(decision) | {"previous_id": previous.id if previous else None}
    values |= await routing.of(uow, values["shipment_id"], values["order_id"]) | await _place(uow, values, promised)
    statement = insert(Case).values(**values).on_conflict_do_nothing(
        index_elements=["tenant_id", "customer_id", "group_key"], index_where=text("status <> 'resolved'")
    )  # fmt: skip
    return (await uow.session.scalars(statement.returning(Case))).one_or_none()


async def _place(uow: UnitOfWork, values: dict[str, Any], promised: list[CaseClock]) -> dict[str, Any]:
    """The place in the queue, known before the row is: so that it is written once."""
    version, chosen = await weights.in_force(uow)
    stands = urgency.standing(Case(**values), promised)
    return {"urgent_at": urgency.urgent_at(stands, chosen), "ranked_by": version, "surfaced_at": uow.now}


def _identity(uow: UnitOfWork, decision: Event) -> dict[str, Any]:
    data, exception = decision.data, decision.data["exception"]
    subjects = grouping.subjects(data.get("subjects") or {})
    return {
        "tenant_id": uow.tenant_id, "id": uow.new_id(), "customer_id": decision.customer_id, "title": data["title"], "opened_at": uow.now,
        "exception_type": exception["type"], "reason": exception.get("reason"), "responsible": exception.get("responsible"),
        "group_key": grouping.stored_key(data["group_key"]), "order_id": subjects.get("order"), "shipment_id": subjects.get("shipment"),
    }  # fmt: skip


def decided(decision: Event) -> dict[str, Any]:
    """The columns of a case that hold its latest decision."""
    data, level, money = decision.data, decision.data["priority"], decision.data.get("money_at_risk") or {}
    return {
        "decision_id": decision.id, "priority_level": level["level"], "priority_score": level["score"], "priority_provisional": level["provisional"],
        "money_at_risk_minor": money.get("minor"), "currency": money.get("currency"),
        "inputs": list(data.get("inputs") or []), "missing": list(data.get("missing") or []),
    }  # fmt: skip


async def _begin(uow: UnitOfWork, case: Case, decision: Event, promised: list[CaseClock]) -> Case:
    await _link(uow, case, decision, is_new=True)
    started = clocks.begin(uow, case, promised)
    told = _told(case, decision) | {
        "title": case.title, "exception": decision.data["exception"], "group_key": case.group_key, "workflow": decision.data.get("workflow"),
        "order_id": case.order_id, "shipment_id": case.shipment_id, "previous_id": case.previous_id, "missing": case.missing,
        "due": {clock.kind: clock.due_at for clock in started},
    }  # fmt: skip
    uow.publish("case.opened", of=case, also=started, key=f"case:{case.id}", data=told | _priority(case))
    return case


async def _join(uow: UnitOfWork, case: Case, decision: Event) -> Case:
    await _link(uow, case, decision, is_new=False)
    await tell(uow, case, "grouped", _told(case, decision))
    # A decision taken on less than the case knows by now doesn't take it back, and one that sees it the same needs no word.
    if (case.priority_provisional or not decision.data["priority"]["provisional"]) and _differs(case, decided(decision)):
        await update_priority(uow, case.id, decision)
    return case


async def _link(uow: UnitOfWork, case: Case, decision: Event, *, is_new: bool) -> None:
    """Notes the signal and its subjects, by which the case is found from now on."""
    scope = {"tenant_id": uow.tenant_id, "customer_id": case.customer_id, "case_id": case.id}
    signal = {
        "signal_id": _id(decision, "signal_id"),
        "event_id": _id(decision, "event_id"),
        "decision_id": decision.id,
        "joined_at": uow.now,
    }
    await uow.execute(insert(CaseSignal).values(id=uow.new_id(), **scope, **signal))
    subjects = grouping.subjects(decision.data.get("subjects") or {})
    rows = [{"id": uow.new_id(), "kind": kind, "subject_id": subject, **scope} for kind, subject in subjects.items()]
    link = insert(CaseSubject).on_conflict_do_nothing().returning(CaseSubject.subject_id)
    added = (await uow.execute(link.values(rows))).scalars().all() if rows else []
    await findable.note(uow, case, added, is_new=is_new)


def _told(case: Case, decision: Event) -> dict[str, Any]:
    return {"case_id": case.id, "decision_id": decision.id, **{name: decision.data.get(name) for name in ("signal_id", "event_id")}}


def _id(decision: Event, name: str) -> UUID | None:
    value = decision.data.get(name)
    return UUID(str(value)) if value else None


def _priority(case: Case) -> dict[str, Any]:
    risk = {"minor": case.money_at_risk_minor, "currency": case.currency} if case.currency else None
    return {"level": case.priority_level, "score": case.priority_score, "provisional": case.priority_provisional, "money_at_risk": risk}


def _differs(case: Case, wanted: dict[str, Any]) -> bool:
    return any(getattr(case, name) != wanted[name] for name in _SEEN)


async def update_priority(uow: UnitOfWork, case_id: UUID, decision: Event) -> Case:
    """Lets a later decision hold: priority, money at risk, what is still missing; says what changed and by which input.

    A decision that sees and says the same changes nothing, and a resolved case keeps the one it was resolved on. Publishes
    case.reprioritised.
    """
    case = await held(uow, case_id)
    wanted, before = decided(decision), _priority(case)
    changed = priority.changes(case.inputs, wanted["inputs"])
    if case.status == "resolved" or not (changed or _differs(case, wanted)):
        return case
    for column, value in wanted.items():
        setattr(case, column, value)
    data = {"decision_id": decision.id, "before": before, "missing": case.missing, "changed": msgspec.to_builtins(changed)}
    await tell(uow, case, "reprioritised", data | _priority(case))
    return case
