"""The gate's answer: gate rules of the policies in force, limit rules with the approvals given, judged now, whoever asks.

A doubt refuses: a missing fact, an unknown order, an error in a rule. Refusals are verdicts; whoever asked records them.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.cases import approvals
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
        """Whether this effect may leave now. Reads with the partner's eyes, so that a customer's run meets the partner's rules too."""
        async with shell.read(request.tenant_id, actor=request.actor) as uow:
            case = await uow.find(Case, request.case_id) if request.case_id else None
            if request.case_id and case is None:
                return UNKNOWN_CASE
            if case and request.customer_id not in (None, case.customer_id):
                return ANOTHER_CUSTOMERS
            return await _judged(shell, uow, request, case)


async def _judged(shell: Shell, uow: UnitOfWork, request: GateRequest, case: Case | None) -> Verdict:
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
    standing = [boundary for boundary in judgement.boundaries if not await _is_lifted(uow, effect, boundary)]
    return _held_by(standing) if standing else Verdict(True)


async def _is_lifted(uow: UnitOfWork, effect: Effect, boundary: Boundary) -> bool:
    """An approval lifts a limit for the case's own order and shipment only."""
    if effect.case is None or not effect.about.is_of_case:
        return False
    given = await approvals.covering(uow, effect.case, kind=boundary.approval_kind, role=boundary.role)
    return any(approvals.covers(row, effect.capability, effect.params) for row in given)


def _held_by(boundaries: Sequence[Boundary]) -> Verdict:
    first = boundaries[0]
    remedy = f"Propose it on its case and have it approved by somebody else with the role {first.role}."
    return Verdict(False, first.reason, f"{first.policy}/{first.rule}", remedy)
