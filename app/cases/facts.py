"""What a rule reads when an effect is about to leave: the facts of the very order and shipment it is about, and of the case.

The order and shipment are those the call's parameters name; the case's own stand in where they name none. So an effect on a regulated
order is judged by that order, under whatever case it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from app.canonical import queries as canonical
from app.canonical.facts import Facts, make
from app.canonical.models import Shipment
from app.cases import prices
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


class Named(msgspec.Struct, frozen=True):
    """What a call's parameters name: orders, and shipments each with its order; None stands for one that isn't there."""

    orders: list[UUID | None]
    shipments: dict[UUID | None, UUID | None]

    @property
    def is_clear(self) -> bool:
        """Whether all of it is there and belongs together."""
        carried = {order for order in self.shipments.values() if order}
        return None not in self.orders and None not in self.shipments and len({*self.orders, *carried}) <= 1 and len(self.shipments) <= 1

    def is_of(self, own: Mapping[str, list[UUID]]) -> bool:
        """Whether every order is the case's, and every shipment is, or carries an order of the case."""
        orders, shipments = own.get("order", []), own.get("shipment", [])
        carried = all(shipment in shipments or order in orders for shipment, order in self.shipments.items())
        return carried and all(order in orders for order in self.orders)

    @property
    def subjects(self) -> dict[str, UUID]:
        orders = [order for order in (*self.orders, *self.shipments.values()) if order]
        shipments = [shipment for shipment in self.shipments if shipment]
        return {kind: ids[0] for kind, ids in (("order", orders), ("shipment", shipments)) if ids}


async def target(uow: UnitOfWork, customer_id: UUID, case: Case | None, params: Mapping[str, Any]) -> Target:
    """Finds the order and shipment an effect is about."""
    own = await subjects_of(uow, case) if case else {}
    named = await _named(uow, customer_id, params)
    is_own = named.is_of(own)
    rest = {kind: ids[0] for kind, ids in own.items()} if is_own else {}
    return Target(rest | named.subjects, named.is_clear, case is not None and is_own and named.is_clear)


async def _named(uow: UnitOfWork, customer_id: UUID, params: Mapping[str, Any]) -> Named:
    orders = [await canonical.order_named(uow, customer_id, params["order"])] if isinstance(params.get("order"), str) else []
    references = [params[name] for name in _SHIPMENT if isinstance(params.get(name), str)]
    shipments: dict[UUID | None, UUID | None] = {}
    for reference in references:
        found = await canonical.shipment_named(uow, customer_id, reference)
        shipments[found] = (await uow.get(Shipment, found)).order_id if found else None
    return Named(orders, shipments)


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


class Effect(msgspec.Struct, frozen=True):
    """Something that is about to leave: what it is about, and its parameters with the price as it was offered."""

    customer_id: UUID
    case: Case | None
    capability: str
    params: dict[str, Any]
    about: Target

    @classmethod
    async def of(cls, uow: UnitOfWork, customer_id: UUID, case: Case | None, capability: str, params: Mapping[str, Any]) -> Effect:
        priced = await prices.corrected(uow, case, params)
        return cls(customer_id, case, capability, priced, await target(uow, customer_id, case, params))

    async def facts(self, uow: UnitOfWork, actor: str) -> Facts:
        """Every fact a gate or limit rule may read; what the effect is about but can't be found leaves its facts out."""
        known = (
            await canonical.facts(uow, customer_id=self.customer_id, subjects=self.about.subjects, now=uow.now)
            if self.about.is_known
            else {}
        )
        own = await case_facts(uow, self.case.id) if self.case else {}
        said = call_facts(self.capability, self.params, actor, uow.now)
        return known | make("", own, f"case:{self.case.id}" if self.case else "case", uow.now) | said
