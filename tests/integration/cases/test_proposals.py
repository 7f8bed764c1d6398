"""Proposals: somebody wants an effect; whoever wants it does not approve it."""

import pytest

from app.cases import approvals, proposals
from app.cases.approvals import OwnRequest
from app.cases.models import Approval
from tests.integration.cases.bounded import CHEAP, DEAR, OpenCase
from tests.integration.cases.world import World


@pytest.mark.feature("M118")
class TestPropose:
    async def test_asks_for_an_approval_only_above_the_boundary(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        operator = await held.person("operator")
        for params, asked in ((CHEAP, 0), (DEAR, 1)):
            async with held.act(operator) as uow:
                _, found = await proposals.propose(held.shell, uow, case.id, capability="carrier.amend", params=params)
            assert len(found) == asked
        cheap, dear = await held.told("case.proposed")
        assert cheap.data["approval_id"] is None
        [row] = await held.rows(Approval, case_id=case.id)
        assert dear.data["approval_id"] == str(row.id)
        assert (row.amount_minor, row.requested_by, row.role, row.kind) == (90000, operator, "approver", "expedite")

    async def test_acknowledges_the_case(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        async with held.act(await held.person("operator")) as uow:
            await proposals.propose(held.shell, uow, case.id, capability="carrier.amend", params=CHEAP)
        assert (await held.case(case.id)).status == "acknowledged"

    async def test_makes_the_proposer_the_asker_of_what_a_workflow_asks_for(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        both = await held.person("approver")
        async with held.act(both) as uow:
            await proposals.propose(held.shell, uow, case.id, capability="carrier.amend", params=DEAR)
        async with held.act("run:1") as uow:
            row = await approvals.request(
                uow, case_id=case.id, kind="expedite", amount_minor=90000, currency="EUR", subject={"option_id": "air"}, key="effect-1",
                expires_at=uow.now + proposals.TIME_TO_DECIDE,
            )  # fmt: skip
        with pytest.raises(OwnRequest):
            async with held.act(both) as uow:
                await approvals.decide(uow, row.id, "approved")

    async def test_makes_the_proposer_an_asker_though_the_workflow_names_another(self, held: World, open_case: OpenCase) -> None:
        case, _ = await open_case()
        both, stranger = await held.person("approver"), await held.person("operator")
        async with held.act(both) as uow:
            await proposals.propose(held.shell, uow, case.id, capability="carrier.amend", params=DEAR)
        for number, asker in enumerate((stranger, "user:nobody", "run:1")):
            async with held.act("run:1") as uow:
                row = await approvals.request(
                    uow, case_id=case.id, kind="expedite", amount_minor=90000, currency="EUR", subject={"option": {"id": "air"}}, key=f"effect-{number}",
                    expires_at=uow.now + proposals.TIME_TO_DECIDE, requested_by=asker,
                )  # fmt: skip
            with pytest.raises(OwnRequest):
                async with held.act(both) as uow:
                    await approvals.decide(uow, row.id, "approved")
