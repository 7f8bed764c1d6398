"""Runs for cases: started with the case, asking people and systems through the default catalog."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.cases import approvals, offers
from app.cases.commands import comment
from app.cases.models import Approval, Offer
from app.workflows.models import WorkflowRun
from tests.integration.workflows.conftest import Desk

pytestmark = pytest.mark.feature("M3", "M30")


async def run_of(desk: Desk, case_id: UUID) -> WorkflowRun:
    (run,) = await desk.world.rows(WorkflowRun, case_id=case_id)
    return run


class TestStart:
    async def test_begins_with_the_case_whose_decision_names_it(self, desk: Desk) -> None:
        await desk.define(
            "do: [{look: {set: '${ {type: .case.type, level: .case.priority.level, slug: .customer.slug, to: .customer.contacts} }'}}]",
            name="cutoff-missed",
        )
        await desk.world.person("customer_admin", customer=desk.world.customer)
        case = await desk.world.opened(workflow={"name": "cutoff-missed"})
        run = await desk.drive((await run_of(desk, case.id)).id)
        assert run.status == "completed", run.problem
        assert (run.output["type"], run.output["slug"], len(run.output["to"])) == (case.exception_type, "acme", 1)

    async def test_says_so_when_there_is_no_such_workflow(self, desk: Desk) -> None:
        await desk.world.opened(workflow={"name": "nowhere"})
        (missed,) = await desk.world.told("workflow.missed")
        assert missed.data["name"] == "nowhere"
        assert await desk.world.rows(WorkflowRun) == []

    async def test_uses_only_its_own_customers_definitions_and_the_shared(self, desk: Desk) -> None:
        other = await type(desk.world).make(desk.shell, desk.tenant, slug="other")
        await desk.define("do: [{a: {set: {x: 1}}}]", name="theirs", customer=other.customer)
        await desk.world.opened(workflow={"name": "theirs"})
        assert await desk.world.rows(WorkflowRun) == []

    @pytest.mark.feature("M13")
    async def test_starts_on_an_event_once_where_the_definition_says_so(self, desk: Desk, settle: Any) -> None:
        await desk.define(
            "schedule: {on: {one: {with: {type: thing.done, data: {kind: big}}}}}\ndo: [{keep: {set: '${ {n: .[0].data.n, type: .[0].type} }'}}]"
        )
        async with desk.world.act() as uow:
            uow.publish("thing.done", key="a", data={"kind": "big", "n": 1}, customer_id=desk.world.customer)
            uow.publish("thing.done", key="b", data={"kind": "small", "n": 2}, customer_id=desk.world.customer)
        await settle(desk.tenant)
        (run,) = await desk.world.rows(WorkflowRun)
        assert (run.status, run.output) == ("completed", {"n": 1, "type": "thing.done"})

    async def test_stops_runs_that_start_each_other(self, desk: Desk, settle: Any) -> None:
        await desk.define(
            "schedule: {on: {one: {with: {type: case.commented}}}}\ndo: [{say: {call: 'case:1.0.0@default', with: {action: comment, text: again}}}]"
        )
        case = await desk.world.opened()
        async with desk.world.act(await desk.world.person("operator")) as uow:
            await comment(uow, case.id, "first")
        await settle(desk.tenant)
        runs = await desk.world.rows(WorkflowRun)
        assert sorted(run.depth for run in runs) == list(range(9))
        assert {run.status for run in runs} == {"completed"}
        (missed,) = await desk.world.told("workflow.missed")
        assert missed.data["depth"] == 9


class TestApproval:
    BODY = """
do:
  - sign: {call: 'approval:1.0.0@default', with: {kind: expedite, amount_minor: 90000, currency: EUR, subject: {option_id: B}}}
  - note: {call: 'case:1.0.0@default', with: {action: comment, text: '${ .outcome }'}}
"""

    async def test_waits_for_a_second_person_and_goes_on(self, desk: Desk, settle: Any) -> None:
        await desk.define(self.BODY, name="approve")
        case = await desk.world.opened(workflow={"name": "approve"})
        await settle(desk.tenant)
        run = await run_of(desk, case.id)
        (asked,) = await desk.world.rows(Approval)
        assert (run.status, run.waiting_for, asked.status) == ("running", ["/do/0/sign"], "requested")
        approver = await desk.world.person("approver")
        async with desk.world.act(approver) as uow:
            await approvals.decide(uow, asked.id, "approved", "fine")
        await settle(desk.tenant)
        run = await run_of(desk, case.id)
        assert run.status == "completed", run.problem
        assert await desk.log(run.id) == [("sign", "completed"), ("note", "completed")]
        (commented,) = await desk.world.told("case.commented")
        assert commented.actor == f"run:{run.id}"

    async def test_makes_the_approval_and_its_wait_in_one_commit(self, desk: Desk) -> None:
        await desk.define(self.BODY, name="approve")
        case = await desk.world.opened(workflow={"name": "approve"})
        run = await desk.drive((await run_of(desk, case.id)).id)
        rows = await desk.rows(
            "select (select xmin::text from cases.approval) = (select min(xmin::text) from workflows.wait where run_id = :run) as same",
            run=run.id,
        )
        assert rows[0]["same"] is True

    async def test_catches_what_the_case_refuses(self, desk: Desk) -> None:
        await desk.define(
            "do: [{guard: {try: [{finish: {call: 'case:1.0.0@default', with: {action: resolve, outcome: done, cause: other}}}], catch: {do: [{tell: {set: {status: '${ $error.status }', at: '${ $error.instance }'}}}]}}}]",
            name="resolve",
        )
        case = await desk.world.opened(workflow={"name": "resolve"})
        run = await desk.drive((await run_of(desk, case.id)).id)
        assert run.status == "completed", run.problem
        assert run.output["at"] == "/do/0/guard/try/0/finish"
        assert 400 <= run.output["status"] < 500


class TestOffer:
    BODY = """
do:
  - ask:
      call: 'offer:1.0.0@default'
      with:
        to: {address: kim@acme.example}
        options: [{id: A, label: Wednesday}, {id: B, label: Tuesday}]
        default: A
        expires_in: PT4H
"""

    async def test_goes_on_with_the_answer_given_in_the_customers_own_transaction(self, desk: Desk, settle: Any) -> None:
        await desk.define(self.BODY, name="ask")
        case = await desk.world.opened(workflow={"name": "ask"})
        await settle(desk.tenant)
        (offer,) = await desk.world.rows(Offer)
        assert offer.expires_at - offer.made_at == timedelta(hours=4)
        async with desk.world.act("link:1", customer=desk.world.customer, case=case.id) as uow:
            await offers.answer(uow, offer.id, "B", "kim")
        run = await run_of(desk, case.id)
        assert await desk.is_due(run.id)
        run = await desk.drive(run.id)
        assert (run.output["outcome"], run.output["option_id"]) == ("answered", "B")

    async def test_faults_when_its_mail_has_no_template_and_makes_no_offer(self, desk: Desk) -> None:
        await desk.define(self.BODY + "        template: nowhere\n", name="ask")
        case = await desk.world.opened(workflow={"name": "ask"})
        run = await desk.drive((await run_of(desk, case.id)).id)
        assert (run.status, run.problem["status"]) == ("faulted", 404)
        assert await desk.world.rows(Offer) == []


class TestCapability:
    async def test_asks_a_connected_system_and_names_its_call(self, desk: Desk) -> None:
        desk.peer.answers["/v1/accounts/ACME-01"] = (200, {"segment": "gold", "owner": {"name": "Kim"}, "customer_since": "2019-04-01"})
        body = "do: [{tier: {call: 'capability:1.0.0@default', with: {name: crm.customer_tier, params: {account: ACME-01}}}}]"
        run = await desk.drive(await desk.start(body))
        assert run.status == "completed", run.problem
        assert (run.output["response"]["tier"], run.output["connection"]) == ("gold", "our-crm")
        calls = await desk.rows("select id, effect_key, run_id from connectors.call")
        assert [(str(call["id"]), call["run_id"]) for call in calls] == [(run.output["call_id"], run.id)]

    async def test_turns_a_capability_nobody_grants_into_an_authorization_error(self, desk: Desk) -> None:
        run = await desk.drive(
            await desk.start(
                "do: [{a: {call: 'capability:1.0.0@default', with: {name: carrier.amend, params: {shipment: S, option_id: B}}}}]"
            )
        )
        assert run.problem["type"].endswith("/authorization")

    async def test_goes_round_no_gate_by_a_plain_call(self, desk: Desk) -> None:
        from app.connectors.commands import create_connection
        from app.connectors.schemas import NewConnection

        async with desk.world.act() as uow:
            wanted = NewConnection(
                name="our-carrier", connector="sim-carrier", capabilities=["carrier.amend"], secret="s",
                config={"base_url": desk.peer.url, "client_id": "acme"},
            )  # fmt: skip
            await create_connection(uow, desk.shell.vault, wanted)
        run = await desk.drive(await desk.start("do: [{a: {call: http, with: {method: post, endpoint: 'PEER/v2/bookings/S/amendments'}}}]"))
        assert (run.status, run.problem["status"]) == ("faulted", 403)
        assert desk.peer.ledger == []
