"""The gate's answer: gate rules of the policies in force, limit rules with the approvals given, judged now, whoever asks.

A doubt refuses: a missing fact, an unknown order, an error in a rule. Refusals are verdicts; whoever asked records them.
"""

from __future__ import annotations

import msgspec

from app.cases import lifting
from app.cases.facts import Effect
from app.cases.models import Case
from app.core.gate import GateRequest, Verdict
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.policies.gates import Boundary, judge
from app.policies.queries import gate_rules

UNKNOWN_CASE = Verdict(False, "This case isn't known here.", "case", "Name the case the action belongs to.")
ANOTHER_CUSTOMERS = Verdict(
    False, "This action and its case belong to different customers.", "case", "Name the case the action belongs to."
)
WITHOUT_CUSTOMER = Verdict(False, "Rules hold for this action, and without a customer they can't be asked.", "customer", "Name the case.")


class CaseGate:
    """Implements app.core.gate.Gate from policies and approvals."""

    async def verdict(self, shell: Shell, request: GateRequest) -> Verdict:
        """Whether this effect may leave now. Reads with the partner's eyes, so that a customer's run meets the partner's rules too.

        Yes because of an approval uses it up for `request.effect_key`, committed before the answer: the same key passes again.
        """
        async with shell.read(request.tenant_id, actor=request.actor) as uow:
            case = await uow.find(Case, request.case_id) if request.case_id else None
            if request.case_id and case is None:
                return UNKNOWN_CASE
            if case and request.customer_id not in (None, case.customer_id):
                return ANOTHER_CUSTOMERS
            judged = await _judged(shell, uow, request, case)
        return judged if isinstance(judged, Verdict) else await _lifted(shell, request, judged)


class _Bounded(msgspec.Struct, frozen=True):
    """An effect that goes beyond limits."""

    effect: Effect
    boundaries: tuple[Boundary, ...]


async def _judged(shell: Shell, uow: UnitOfWork, request: GateRequest, case: Case | None) -> Verdict | _Bounded:
    customer_id = case.customer_id if case else request.customer_id
    rules = await gate_rules(uow, customer_id)
    if not rules.gates(request.capability) and not rules.limits(request.capability):
        return Verdict(True)
    if customer_id is None:
        return WITHOUT_CUSTOMER
    effect = await Effect.of(uow, customer_id, case, request.capability, request.params)
    judgement = await judge(shell.sandbox, rules, request.capability, await effect.facts(uow, request.actor))
    for refusal in judgement.refusals:
        return Verdict(False, refusal.reason, f"{refusal.policy}/{refusal.rule}", refusal.remedy)
    return _Bounded(effect, judgement.boundaries) if judgement.boundaries else Verdict(True)


async def _lifted(shell: Shell, request: GateRequest, bounded: _Bounded) -> Verdict:
    """An approval lifts a limit for the case's own order and shipment only, and for one effect."""
    effect = bounded.effect
    if effect.case is None or not effect.about.is_of_case:
        return _held_by(bounded.boundaries[0])
    async with shell.unit_of_work(request.tenant_id, actor=request.actor) as uow:
        # Two effects that want the same approval take turns at their case.
        case = await uow.get(Case, effect.case.id, lock=True)
        lifts = await lifting.found(uow, effect, case, bounded.boundaries, request.effect_key)
        for lift in lifts:
            if lift.by is None:
                return _used_up(lift.boundary) if lift.is_used_up else _held_by(lift.boundary)
        for row in [lift.by for lift in lifts if lift.by]:
            lifting.use(uow, row, request.capability, request.effect_key)
    return Verdict(True)


def _held_by(boundary: Boundary) -> Verdict:
    remedy = f"Propose it on its case and have it approved by somebody else with the role {boundary.role}."
    return Verdict(False, boundary.reason, f"{boundary.policy}/{boundary.rule}", remedy)


def _used_up(boundary: Boundary) -> Verdict:
    reason = "Its approval let another effect pass already; an approval is for one."
    remedy = f"Propose it again and have it approved by somebody else with the role {boundary.role}."
    return Verdict(False, reason, f"{boundary.policy}/{boundary.rule}", remedy)
