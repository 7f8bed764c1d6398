"""Effects with bounds: a policy with a gate and a limit, two options of a carrier, the gate asked, an approval given."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from app.cases import approvals, proposals
from app.cases.gate import CaseGate
from app.cases.models import Approval, Case
from app.core.gate import GateRequest, Verdict
from tests.integration.cases.world import World

OpenCase = Callable[..., Awaitable[tuple[Case, UUID]]]
POLICY = """
name: handling
title: How effects are bounded
gate:
  - rule: regulated-goods-need-their-certificate
    capability: [carrier.amend, erp.amend_order, "notice:reroute-done"]
    when: order.regulated
    require: '"compliance_certificate" in document.verified'
    reason: Regulated goods stay held until their certificate is verified.
    remedy: Upload the certificate.
limit:
  - rule: expedite-boundary
    capability: [carrier.amend]
    amount: call.amount_minor
    currency: EUR
    above_minor: 50000
    approval: {kind: expedite, role: approver}
    reason: An option above 500.00 EUR needs a second person.
"""
DEAR = {"shipment": "SHP-1", "option_id": "air", "amount_minor": 90000, "currency": "EUR"}
CHEAP = {"shipment": "SHP-1", "option_id": "road", "amount_minor": 20000, "currency": "EUR"}


async def ask(
    world: World, params: dict[str, Any], *, case: UUID | None = None, capability: str = "carrier.amend", actor: str = "run:1", **more: Any
) -> Verdict:
    request = {
        "tenant_id": world.tenant,
        "customer_id": world.customer,
        "case_id": case,
        "capability": capability,
        "effect_key": "k",
        "actor": actor,
    }
    return await CaseGate().verdict(world.shell, GateRequest(params=params, **{**request, **more}))


async def approved(world: World, case: Case, params: dict[str, Any]) -> Approval:
    proposer, approver = await world.person("operator"), await world.person("approver")
    async with world.act(proposer) as uow:
        _, [asked] = await proposals.propose(world.shell, uow, case.id, capability="carrier.amend", params=params)
    async with world.act(approver) as uow:
        return await approvals.decide(uow, asked.id, "approved")
