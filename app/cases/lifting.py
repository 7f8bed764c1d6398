"""How a limit is lifted: by an approval given for what is about to happen, which lets one effect pass and no other.

The effect key that passed is written on the approval before anything leaves, so whoever tries that effect again passes again, and another
effect needs an approval of its own. Only when the system refused the first effect for good, and so nothing happened, is it free again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from app.cases import approvals, money
from app.cases.facts import Effect
from app.cases.models import Approval, Case
from app.connectors.queries import call_with_key
from app.core.uow import UnitOfWork
from app.policies.gates import Boundary


class Lift(msgspec.Struct, frozen=True):
    """What lifts a boundary for an effect: an approval, or none; `is_used_up`: there was one, and another effect took it."""

    boundary: Boundary
    by: Approval | None
    is_used_up: bool


async def found(uow: UnitOfWork, effect: Effect, case: Case, boundaries: Sequence[Boundary], effect_key: str) -> list[Lift]:
    """What lifts each boundary for this effect. The caller holds the case, so two effects never look at the same moment."""
    return [await _found(uow, effect, case, boundary, effect_key) for boundary in boundaries]


async def _found(uow: UnitOfWork, effect: Effect, case: Case, boundary: Boundary, effect_key: str) -> Lift:
    given = await _given(uow, case, kind=boundary.approval_kind, role=boundary.role)
    fitting = [row for row in given if covers(row, effect.capability, effect.params)]
    own = [row for row in fitting if row.used_by == effect_key]
    free = own or [row for row in fitting if await _is_free(uow, row)]
    return Lift(boundary, free[0] if free else None, bool(fitting and not free))


async def _given(uow: UnitOfWork, case: Case, *, kind: str, role: str) -> list[Approval]:
    """The given approvals of a kind and role that hold for the case; what was asked for before it was last reopened doesn't."""
    query = select(Approval).where(Approval.case_id == case.id, Approval.status == "approved", Approval.kind == kind, Approval.role == role)
    rows = (await uow.execute(query.order_by(Approval.id))).scalars()
    return [row for row in rows if case.reopened_at is None or row.requested_at >= case.reopened_at]


async def _is_free(uow: UnitOfWork, row: Approval) -> bool:
    if row.used_by is None:
        return True
    call = await call_with_key(uow, row.used_by)
    return call is not None and call.status == "refused"


def covers(row: Approval, capability: str, params: Mapping[str, Any]) -> bool:
    """Whether an approval is for what is about to happen: the capability and option it names, and an amount it reaches.

    An amount that can't be told is covered only by an approval given without an amount, for that very option or those very parameters.
    """
    option = approvals.option_of(row.subject)
    if row.subject.get("capability") not in (None, capability) or option not in (None, params.get("option_id")):
        return False
    amount, currency = params.get("amount_minor"), params.get("currency")
    if row.amount_minor is None or not isinstance(amount, int) or not isinstance(currency, str):
        names_it = option is not None or row.subject.get("params") == params
        return row.amount_minor is None and amount is None and names_it
    return money.covers(row.amount_minor, str(row.currency), amount, currency)


def use(uow: UnitOfWork, row: Approval, capability: str, effect_key: str) -> None:
    """Notes the one effect an approval lets pass. Publishes approval.used, key `approval:<id>`; the same effect again says nothing."""
    if row.used_by == effect_key:
        return
    row.used_by, row.used_at = effect_key, uow.now
    data = approvals.told(row) | {"capability": capability, "effect_key": effect_key}
    uow.publish("approval.used", of=row, key=f"approval:{row.id}", data=data)
