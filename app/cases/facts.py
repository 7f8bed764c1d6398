"""What a rule reads when an effect is about to leave: the facts of the very order and shipment it is about, and of the case.

The order and shipment are those the call's parameters name; the case's own stand in where they name none. So an effect on a regulated
order is judged by that order, under whatever case it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from app.canonical import queries as canonical
from app.canonical.facts import Facts, make
from app.canonical.models import Order, Shipment, ShipmentReference
from app.cases.models import Case, CaseSignal, CaseSubject
from app.core.uow import UnitOfWork
from app.policies.gates import call_facts

_SHIPMENT: Final = ("shipment", "booking", "tracking")
"""The parameters that name a shipment, by any of its references."""


class Target(msgspec.Struct, frozen=True):
    """What an effect is about. `is_known` is False when its parameters name something that isn't there or isn't clear."""

    subjects: dict[str, UUID]
    is_known: bool
    is_of_case: bool


async def target(uow: UnitOfWork, customer_id: UUID, case: Case | None, params: Mapping[str, Any]) -> Target:
    """Finds the order and shipment an effect is about."""
    own = await subjects_of(uow, case) if case else {}
    named, is_known = await _named(uow, customer_id, params)
    is_own = all(subject in own.get(kind, []) for kind, subject in named.items())
    rest = {kind: ids[0] for kind, ids in own.items()} if is_own else {}
    return Target(rest | named, is_known, case is not None and is_own and is_known)


async def _named(uow: UnitOfWork, customer_id: UUID, params: Mapping[str, Any]) -> tuple[dict[str, UUID], bool]:
    """What the parameters name, a shipment with its order; and whether all of it was found, unambiguously."""
    orders: set[UUID] = set()
    shipments: dict[UUID, UUID | None] = {}
    lost = False
    if isinstance(params.get("order"), str):
        found = await _orders(uow, customer_id, params["order"])
        orders |= found
        lost = not found
    for name in _SHIPMENT:
        if isinstance(params.get(name), str):
            carried = await _shipments(uow, customer_id, params[name])
            shipments |= carried
            lost = lost or not carried
    orders |= {order for order in shipments.values() if order}
    named = {kind: next(iter(ids)) for kind, ids in (("order", orders), ("shipment", set(shipments))) if ids}
    return named, not lost and len(orders) <= 1 and len(shipments) <= 1


async def _orders(uow: UnitOfWork, customer_id: UUID, number: str) -> set[UUID]:
    query = select(Order.id).where(Order.customer_id == customer_id, Order.number_key == number.lower())
    return set((await uow.execute(query)).scalars())


async def _shipments(uow: UnitOfWork, customer_id: UUID, reference: str) -> dict[UUID, UUID | None]:
    query = (
        select(Shipment.id, Shipment.order_id)
        .join(ShipmentReference, (ShipmentReference.tenant_id == Shipment.tenant_id) & (ShipmentReference.shipment_id == Shipment.id))
        .where(ShipmentReference.customer_id == customer_id, ShipmentReference.value_key == reference.lower())
    )
    return dict((await uow.session.execute(query)).tuples().all())


async def subjects_of(uow: UnitOfWork, case: Case) -> dict[str, list[UUID]]:
    """The orders and shipments a case is about, first joined first."""
    rows = await uow.session.execute(
        select(CaseSubject.kind, CaseSubject.subject_id).where(CaseSubject.case_id == case.id).order_by(CaseSubject.id)
    )
    subjects: dict[str, list[UUID]] = {}
    for kind, subject in rows:
        subjects.setdefault(kind, []).append(subject)
    return subjects


async def case_facts(uow: UnitOfWork, case_id: UUID) -> dict[str, Any]:
    """What policies may read of a case."""
    case = await uow.get(Case, case_id)
    signals = await uow.session.scalar(select(func.count()).select_from(CaseSignal).where(CaseSignal.case_id == case_id))
    return {"case.type": case.exception_type, "case.status": case.status, "case.signals": int(signals or 0)}


async def at_the_gate(
    uow: UnitOfWork,
    *,
    customer_id: UUID,
    case: Case | None,
    about: Target,
    capability: str,
    params: Mapping[str, Any],
    actor: str,
    now: datetime,
) -> Facts:
    """Every fact a gate or limit rule may read about this effect. What it is about but can't be found leaves its facts out."""
    facts = await canonical.facts(uow, customer_id=customer_id, subjects=about.subjects, now=now) if about.is_known else {}
    own = await case_facts(uow, case.id) if case else {}
    return facts | make("", own, f"case:{case.id}" if case else "case", now) | call_facts(capability, params, actor, now)
