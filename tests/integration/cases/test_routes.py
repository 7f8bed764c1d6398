"""Cases, approvals and offers over HTTP: what each sort of caller sees and may do."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.cases import approvals, offers
from app.cases.models import Case
from app.core.ids import new_id
from app.core.paging import encode_cursor
from tenants.commands.keys import create_key
from tenants.principal import Principal
from tenants.roles import BUILT_IN
from tenants.schemas import NewKey
from tests.integration.cases.test_offers import OPTIONS
from tests.integration.cases.world import World


class Caller:
    """A client with a key of its own."""

    def __init__(self, client: httpx.AsyncClient, key: str, actor: str) -> None:
        self.client, self.actor = client, actor
        self._headers = {"authorization": f"Bearer {key}"}

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.client.get(path, params=query, headers=self._headers)

    async def post(self, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return await self.client.post(path, json=body or {}, headers=self._headers)


async def caller(world: World, client: httpx.AsyncClient, *roles: str, customer: UUID | None = None) -> Caller:
    maker = Principal(world.tenant, "user:admin", "partner", frozenset().union(*(role.permissions for role in BUILT_IN.values())))
    new = NewKey(name="test", scope="customer" if customer else "partner", roles=list(roles), customer_id=customer)
    async with world.act("system:provisioning") as uow:
        row, key = await create_key(uow, new, maker=maker)
    return Caller(client, key.text, f"key:{row.id}")


@pytest.fixture
async def operator(world: World, client: httpx.AsyncClient) -> Caller:
    return await caller(world, client, "operator")


@pytest.fixture
async def customer(world: World, client: httpx.AsyncClient) -> Caller:
    return await caller(world, client, "customer_user", customer=world.customer)


async def _offer(world: World, case: Case) -> UUID:
    async with world.act("run:1") as uow:
        row = await offers.make(
            uow, case_id=case.id, to={}, options=OPTIONS, default=None, expires_at=datetime.now(UTC) + timedelta(hours=1), key=str(new_id())
        )
    return row.id


async def _approval(world: World, case: Case, by: str) -> UUID:
    async with world.act(by) as uow:
        row = await approvals.request(
            uow, case_id=case.id, kind="expedite", amount_minor=90000, currency="EUR", subject={}, key=str(new_id()),
            expires_at=datetime.now(UTC) + timedelta(hours=1), requested_by=by,
        )  # fmt: skip
    return row.id


class TestListCases:
    async def test_puts_the_riskiest_first_and_pages_by_keyset(self, world: World, operator: Caller) -> None:
        for number, score in enumerate((200, 900, 500, 500, 700)):
            await world.opened(order=f"ORD-{number}", score=score)
        seen: list[int] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await operator.get("/v1/cases", limit=2, **cursor)).json()
            seen += [item["priority"]["score"] for item in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert seen == [900, 700, 500, 500, 200]

    async def test_filters_by_what_people_ask_for(self, world: World, operator: Caller) -> None:
        other = await World.make(world.shell, world.tenant, slug="boreal")
        urgent = await world.opened(order="ORD-1", level="P1")
        await world.opened(order="ORD-2", level="P3")
        await other.opened(order="ORD-3", level="P3")
        done = await world.opened(order="ORD-4")
        await operator.post(
            f"/v1/cases/{done.id}/resolve", {"outcome": "rerouted", "cause": "warehouse.late", "override_reason": "by phone"}
        )

        async def ids(**query: Any) -> list[str]:
            return [item["id"] for item in (await operator.get("/v1/cases", **query)).json()["items"]]

        assert len(await ids()) == 3
        assert await ids(priority="P1") == [str(urgent.id)]
        assert len(await ids(customer=str(other.customer))) == 1
        assert await ids(status="resolved") == [str(done.id)]
        assert len(await ids(status="all")) == 4
        assert await ids(breached="true") == []
        assert len(await ids(type="cutoff.missed")) == 3
        assert await ids(owner=str(new_id())) == []

    @pytest.mark.parametrize(
        "query",
        [
            {"status": "closed"},
            {"priority": "P9"},
            {"customer": "x"},
            {"limit": "0"},
            {"limit": "201"},
            {"limit": "-1"},
            {"limit": "many"},
            {"cursor": "x"},
            {"colour": "red"},
            {"type": "X"},
            {"cursor": encode_cursor([2**64 - 1, new_id()])},
            {"cursor": encode_cursor([None, new_id()])},
            {"cursor": encode_cursor([500, None])},
            {"cursor": encode_cursor(["500", new_id()])},
            {"cursor": encode_cursor([500, "x"])},
            {"cursor": encode_cursor([new_id()])},
            {"cursor": encode_cursor([500, new_id()]), "sort": "time"},
            {"cursor": encode_cursor([None]), "sort": "time"},
        ],
    )
    async def test_names_the_parameter_that_makes_no_sense(self, operator: Caller, query: dict[str, str]) -> None:
        answer = await operator.get("/v1/cases", **query)
        assert answer.status_code == 400
        assert next(iter(query)) in answer.text

    async def test_refuses_to_order_finished_work_by_risk(self, operator: Caller) -> None:
        assert (await operator.get("/v1/cases", status="all", sort="risk")).status_code == 400

    async def test_counts_what_there_is(self, world: World, operator: Caller) -> None:
        await world.opened(order="ORD-1", level="P1")
        await world.opened(order="ORD-2", level="P2")
        counts = (await operator.get("/v1/cases/facets")).json()
        assert counts["is_complete"] is True
        assert counts["counts"] == {
            "status": {"open": 2}, "type": {"cutoff.missed": 2}, "priority": {"P1": 1, "P2": 1}, "breached": {"false": 2},
            "customer": {str(world.customer): 2}, "carrier": {"none": 2}, "owner": {"none": 2}, "lane": {},
        }  # fmt: skip


class TestGetCase:
    @pytest.mark.feature("M34")
    async def test_shows_the_partner_all_with_inputs_and_what_is_missing(self, world: World, operator: Caller) -> None:
        case = await world.opened()
        body = (await operator.get(f"/v1/cases/{case.id}")).json()
        assert body["money_at_risk"] == {"minor": 4520000, "currency": "EUR", "text": "€45,200.00"}
        assert body["missing"] == ["customer.tier"]
        assert body["inputs"][0]["source"] == "order:1"
        assert body["exception"] == {"type": "cutoff.missed", "reason": "past_cutoff", "responsible": "warehouse"}
        assert {clock["kind"]: clock["state"] for clock in body["clocks"]} == {"first_response": "running", "resolution": "running"}

    async def test_shows_the_customer_plain_words(self, world: World, customer: Caller) -> None:
        case = await world.opened()
        body = (await customer.get(f"/v1/cases/{case.id}")).json()
        assert body["says"] == "We know about it"
        assert not body.keys() & {"inputs", "missing", "money_at_risk", "owner_id", "decision_id", "group_key", "escalation", "deviation"}
        assert body["priority"]["score"] is None

    async def test_of_somebody_else_is_as_missing_as_one_that_never_was(
        self, world: World, customer: Caller, client: httpx.AsyncClient
    ) -> None:
        other = await World.make(world.shell, world.tenant, slug="boreal")
        theirs = await other.opened()
        foreign, missing = await customer.get(f"/v1/cases/{theirs.id}"), await customer.get(f"/v1/cases/{new_id()}")
        assert foreign.status_code == missing.status_code == 404
        same = [{key: value for key, value in answer.json().items() if key not in ("instance", "trace")} for answer in (foreign, missing)]
        assert same[0] == same[1]


class TestWork:
    async def test_goes_from_acknowledged_to_resolved_and_back(self, world: World, operator: Caller) -> None:
        case = await world.opened()
        path = f"/v1/cases/{case.id}"
        assert (await operator.post(f"{path}/acknowledge")).json()["status"] == "acknowledged"
        assert (await operator.post(f"{path}/comment", {"text": "A courier is on the way.", "visible": True})).status_code == 201
        assert (await operator.post(f"{path}/escalate", {"reason": "big customer"})).json()["escalation"] == 1
        assert (await operator.post(f"{path}/resolve", {"outcome": "rerouted", "cause": "warehouse.late"})).status_code == 400
        done = await operator.post(f"{path}/resolve", {"outcome": "rerouted", "cause": "warehouse.late", "override_reason": "by phone"})
        assert (done.status_code, done.json()["status"], done.json()["deviation"]) == (200, "resolved", "by phone")
        refused = await operator.post(f"{path}/acknowledge")
        assert (refused.status_code, refused.json()["detail"]) == (409, "This case is resolved; reopen it before adding work.")
        assert (await operator.post(f"{path}/reopen", {"reason": "It came back."})).json()["status"] == "open"

    @pytest.mark.parametrize(
        ("verb", "body"),
        [("resolve", {"outcome": "Über", "cause": "x"}), ("comment", {"text": ""}), ("assign", {"owner_id": "kim"}), ("escalate", {}), ("reopen", {"why": 1}),
         ("propose", {"capability": "../x", "params": {}})],
    )  # fmt: skip
    async def test_names_the_field_that_makes_no_sense(self, world: World, operator: Caller, verb: str, body: dict[str, Any]) -> None:
        case = await world.opened()
        answer = await operator.post(f"/v1/cases/{case.id}/{verb}", body)
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("application/problem+json")

    async def test_is_not_the_customers(self, world: World, customer: Caller) -> None:
        case = await world.opened()
        for verb, body in (("acknowledge", {}), ("escalate", {"reason": "x"}), ("reopen", {"reason": "x"})):
            assert (await customer.post(f"/v1/cases/{case.id}/{verb}", body)).status_code == 403

    async def test_lets_the_customer_write_what_the_customer_reads(self, world: World, customer: Caller) -> None:
        case = await world.opened()
        written = await customer.post(f"/v1/cases/{case.id}/comment", {"text": "When does it come?"})
        assert (written.status_code, written.json()["visible"]) == (201, True)

    async def test_stands_on_the_timeline(self, world: World, operator: Caller, customer: Caller) -> None:
        case = await world.opened()
        await operator.post(f"/v1/cases/{case.id}/acknowledge")
        await world.work_off()
        for caller, titles in (
            (operator, ["A policy decided", "Case opened: Order ORD-7731 missed the warehouse cutoff", "Acknowledged"]),
            (customer, ["We noticed a problem: Order ORD-7731 missed the warehouse cutoff", "Our team is looking at it"]),
        ):
            lines = (await caller.get(f"/v1/cases/{case.id}/timeline")).json()["items"]
            assert [line["title"] for line in lines] == titles


@pytest.mark.feature("M118")
class TestApprovals:
    async def test_of_ones_own_request_are_refused_and_recorded(self, world: World, client: httpx.AsyncClient) -> None:
        both, second = await caller(world, client, "approver"), await caller(world, client, "approver")
        case = await world.opened()
        approval = await _approval(world, case, both.actor)
        refused = await both.post(f"/v1/approvals/{approval}/decide", {"outcome": "approved"})
        assert (refused.status_code, refused.json()["type"].rpartition("/")[2].rpartition(":")[2]) == (403, "own-request")
        [denied] = await world.told("access.denied")
        assert (denied.actor, denied.key, denied.data["rule"]) == (both.actor, f"approval:{approval}", "own-request")
        allowed = await second.post(f"/v1/approvals/{approval}/decide", {"outcome": "approved", "note": "go"})
        assert (allowed.status_code, allowed.json()["status"]) == (200, "approved")
        assert [item["id"] for item in (await second.get("/v1/approvals", status="approved")).json()["items"]] == [str(approval)]

    async def test_are_not_for_operators_or_customers(self, world: World, operator: Caller, customer: Caller) -> None:
        approval = await _approval(world, await world.opened(), "run:1")
        for caller in (operator, customer):
            assert (await caller.post(f"/v1/approvals/{approval}/decide", {"outcome": "approved"})).status_code == 403
        assert (await customer.get(f"/v1/approvals/{approval}")).status_code == 403


class TestOffers:
    async def test_are_answered_by_the_customer_once(self, world: World, customer: Caller) -> None:
        offer = await _offer(world, await world.opened())
        assert [item["id"] for item in (await customer.get("/v1/offers", status="open")).json()["items"]] == [str(offer)]
        wrong = await customer.post(f"/v1/offers/{offer}/answer", {"option": "boat"})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "/option")
        assert (await customer.post(f"/v1/offers/{offer}/answer", {"option": "air"})).json()["option"] == "air"
        assert (await customer.post(f"/v1/offers/{offer}/answer", {"option": "wait"})).status_code == 409

    async def test_of_another_customer_are_not_there(self, world: World, customer: Caller) -> None:
        other = await World.make(world.shell, world.tenant, slug="boreal")
        offer = await _offer(world, await other.opened())
        assert (await customer.get(f"/v1/offers/{offer}")).status_code == 404
        assert (await customer.post(f"/v1/offers/{offer}/answer", {"option": "air"})).status_code == 404
