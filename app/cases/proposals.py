"""Proposals: somebody wants an effect; where a limit says so, a second person is asked at once."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from app.cases import approvals, people, touch
from app.cases.commands.working import acknowledge
from app.cases.facts import Effect
from app.cases.models import Approval, CaseProposal
from app.cases.telling import live, tell
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.policies.gates import Boundary, judge
from app.policies.queries import gate_rules

TIME_TO_DECIDE: Final = timedelta(hours=24)


async def propose(
    shell: Shell,
    uow: UnitOfWork,
    case_id: UUID,
    *,
    capability: str,
    params: dict[str, Any],
    note: str | None = None,
    expected: int | None = None,
) -> tuple[CaseProposal, list[Approval]]:
    """Puts an effect forward; proposing is also a first response. Nothing leaves by it: whoever does it later meets the gate.

    Publishes case.proposed, key `case:<id>`, with the approvals it asked for (`approval_id` is the first, null when no limit speaks).
    """
    case = await live(uow, case_id, expected)
    await acknowledge(uow, case_id)
    touch.note(uow, case)
    effect = await Effect.of(uow, case.customer_id, case, capability, params)
    proposer = await people.behind(uow, uow.actor, case.customer_id)
    option = params.get("option_id")
    row = uow.add(
        CaseProposal(
            customer_id=case.customer_id, case_id=case_id, round=case.round, capability=capability, params=effect.params, note=note,
            option_id=option if isinstance(option, str) else None, proposed_by=uow.actor, proposer_id=proposer.person, proposed_at=uow.now,
        )
    )  # fmt: skip
    judgement = await judge(shell.sandbox, await gate_rules(uow, case.customer_id), capability, await effect.facts(uow, uow.actor))
    asked = [await _ask(uow, row, boundary) for boundary in judgement.boundaries]
    ids = [approval.id for approval in asked]
    data = {"proposal_id": row.id, "capability": capability, "params": row.params, "option_id": row.option_id, "note": note}
    await tell(uow, case, "proposed", data | {"approvals": ids, "approval_id": ids[0] if ids else None}, of=row)
    return row, asked


async def _ask(uow: UnitOfWork, row: CaseProposal, boundary: Boundary) -> Approval:
    amount, currency = row.params.get("amount_minor"), row.params.get("currency")
    told = isinstance(amount, int) and isinstance(currency, str)
    key = hashlib.sha256(f"{row.id}|{boundary.policy}|{boundary.rule}".encode()).hexdigest()
    return await approvals.request(
        uow, case_id=row.case_id, kind=boundary.approval_kind, role=boundary.role, amount_minor=amount if told else None, currency=currency if told else None,
        subject={"capability": row.capability, "option_id": row.option_id, "params": row.params, "proposal_id": str(row.id), "reason": boundary.reason},
        key=f"proposal:{key}", expires_at=uow.now + TIME_TO_DECIDE, requested_by=row.proposed_by,
    )  # fmt: skip
