"""The operator's hour over HTTP: versions in ETags, refusals with what helps, and who may do what."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.cases.urgency import Weights
from app.core.ids import new_id
from tenants.models import ApiKey
from tests.integration.cases.test_desk import id_of, named
from tests.integration.cases.test_routes import Caller, caller
from tests.integration.cases.world import World


class Hands(Caller):
    """A caller who also sends headers, puts and deletes."""

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        sent = {**self._headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.client.request(method, path, json=body, headers=sent)


@pytest.fixture
async def operator(world: World, client: httpx.AsyncClient) -> Hands:
    """An integration of a person: its key is that person's hand."""
    person = await named(world, "Ann")
    found = await caller(world, client, "operator")
    async with world.act() as uow:
        key = await uow.get(ApiKey, UUID(found.actor.partition(":")[2]))
        key.created_by = person
        uow.publish("key.changed", of=key)
    return Hands(client, found._headers["authorization"].removeprefix("Bearer "), person)


@pytest.fixture
async def customer(world: World, client: httpx.AsyncClient) -> Caller:
    return await caller(world, client, "customer_user", customer=world.customer)


@pytest.mark.feature("M208")
class TestIfMatch:
    async def test_guards_every_verb_and_tells_what_happened_meanwhile(self, world: World, operator: Hands) -> None:
        case = await world.opened(order="ORD-1")
        path = f"/v1/cases/{case.id}"
        read = await operator.ask("GET", path)
        assert read.headers["etag"] == '"1"'
        done = await operator.ask("POST", f"{path}/plan", {"next_step": "ask DHL"}, if_match='"1"')
        assert (done.status_code, done.headers["etag"], done.json()["version"]) == (200, '"2"', 2)
        late = await operator.ask("POST", f"{path}/acknowledge", {}, if_match='"1"')
        problem = late.json()
        assert (late.status_code, problem["type"].rpartition("/")[2], problem["version"], problem["expected"]) == (
            412,
            "case-changed",
            2,
            1,
        )
        assert [(line["title"], line["who"]) for line in problem["meanwhile"]] == [("Next: ask DHL", "test")]
        again = await operator.ask("POST", f"{path}/acknowledge", {}, if_match='"2"')
        assert (again.status_code, again.headers["etag"]) == (200, '"3"')
        assert (await operator.ask("GET", path)).headers["etag"] == '"3"'

    @pytest.mark.parametrize("tag", ["7", '"x"', '""', "W/7"])
    async def test_that_no_answer_carried_is_refused(self, world: World, operator: Hands, tag: str) -> None:
        case = await world.opened(order="ORD-1")
        wrong = await operator.ask("POST", f"/v1/cases/{case.id}/acknowledge", {}, if_match=tag)
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "If-Match")

    async def test_of_a_customer_is_not_told(self, world: World, customer: Caller) -> None:
        case = await world.opened(order="ORD-1")
        read = await customer.get(f"/v1/cases/{case.id}")
        assert read.status_code == 200
        assert "etag" not in read.headers and "version" not in read.json() and "line" not in read.json()


@pytest.mark.feature("M214", "M208")
class TestTheHour:
    async def test_goes_from_next_to_acted_in_a_few_calls(self, world: World, operator: Hands) -> None:
        case = await world.opened(order="ORD-1")
        taken = (await operator.ask("POST", "/v1/cases/next")).json()
        assert (taken["case"]["id"], taken["case"]["owner"]["name"], taken["case"]["version"]) == (str(case.id), "Ann", 2)
        assert (await operator.ask("POST", "/v1/cases/next")).json() == {"case": None, "says": "Nothing is waiting for an owner."}
        call = {"who": "carrier", "direction": "out", "outcome": "reached", "next_step": "truck at 19:00", "snooze": {"awaits": "DHL"}}
        logged = await operator.ask("POST", f"/v1/cases/{case.id}/calls", call, if_match='"2"')
        assert logged.status_code == 201
        [waiting] = (await operator.get("/v1/cases", tab="waiting")).json()["items"]
        assert (waiting["awaits"], waiting["next_step"]["kind"]) == ("DHL", "rest")
        back = await operator.ask("POST", f"/v1/cases/{case.id}/unsnooze", {})
        assert "snoozed_until" not in back.json()["line"]

    async def test_refuses_a_rest_past_the_clock_with_the_latest_time(self, world: World, operator: Hands) -> None:
        case = await world.opened(order="ORD-1")
        far = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        refused = await operator.ask("POST", f"/v1/cases/{case.id}/snooze", {"awaits": "DHL", "until": far})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (409, "/until")
        again = await operator.ask("POST", f"/v1/cases/{case.id}/snooze", {"awaits": "DHL", "until": refused.json()["latest"]})
        assert again.status_code == 200

    async def test_shows_who_is_there_and_counts_what_arrives(self, world: World, operator: Hands, client: httpx.AsyncClient) -> None:
        case = await world.opened(order="ORD-1", score=100)
        assert (await operator.ask("PUT", f"/v1/cases/{case.id}/presence")).status_code == 204
        other = await caller(world, client, "analyst")
        page = (await other.get("/v1/cases", tab="queue")).json()
        assert [person["name"] for person in page["items"][0]["on_it"]] == ["Ann"]
        await world.opened(order="ORD-2", score=990)
        assert (await other.get("/v1/cases/newer", as_of=page["as_of"], tab="queue")).json() == {"count": {"number": 1, "more": False}}
        assert (await other.get("/v1/cases/tabs")).json()["tabs"]["queue"] == {"number": 2, "more": False}
        assert (await operator.ask("DELETE", f"/v1/cases/{case.id}/presence")).status_code == 204
        assert "on_it" not in (await other.get("/v1/cases", tab="queue")).json()["items"][-1]

    async def test_hands_over_and_reads_the_inbox(self, world: World, operator: Hands) -> None:
        bob, case = await named(world, "Bob"), await world.opened(order="ORD-1")
        await operator.ask("POST", f"/v1/cases/{case.id}/take", {})
        draft = (await operator.get("/v1/handover")).json()
        assert [line["case"]["id"] for line in draft["lines"]] == [str(case.id)]
        made = await operator.ask("POST", "/v1/handovers", {"to_user": str(id_of(bob)), "case_ids": [str(case.id)], "note": draft["text"]})
        assert (made.status_code, made.json()["to_user"]["name"]) == (201, "Bob")
        assert (await operator.get(f"/v1/handovers/{made.json()['id']}")).json()["note"] == draft["text"]
        assert len((await operator.get("/v1/handovers")).json()["items"]) == 1
        assert (await operator.get("/v1/inbox")).json() == {"items": [], "next": None}
        assert (await operator.ask("POST", "/v1/inbox/read")).status_code == 204

    async def test_sends_mail_and_takes_it_back(self, world: World, operator: Hands) -> None:
        await named(world, "Carl", "customer_user", customer=world.customer)
        case = await world.opened(order="ORD-1")
        draft = {"case_ids": [str(case.id)], "subject": "Delay", "text": "We are on it."}
        shown = (await operator.ask("POST", "/v1/messages/preview", draft)).json()
        assert [reader["address"] for reader in shown["readers"]] == ["carl@example.test"]
        sent = await operator.ask("POST", "/v1/messages", draft)
        assert (sent.status_code, sent.json()["status"], sent.json()["delivery"]) == (201, "held", {"queued": 1})
        path = f"/v1/messages/{sent.json()['id']}"
        assert (await operator.ask("POST", f"{path}/undo")).json()["status"] == "undone"
        assert (await operator.get(path)).json()["delivery"] == {"withdrawn": 1}


@pytest.mark.feature("M4")
class TestWeights:
    async def test_are_read_by_those_who_work_and_set_by_who_makes_policies(
        self, world: World, operator: Hands, client: httpx.AsyncClient, customer: Caller
    ) -> None:
        found = await caller(world, client, "partner_admin")
        admin = Hands(client, found._headers["authorization"].removeprefix("Bearer "), found.actor)
        first = (await operator.get("/v1/queue-weights")).json()
        assert (first["version"], first["is_settled"]) == (0, True)
        wanted = {**first["weights"], "regulated": 600}
        assert (await operator.ask("PUT", "/v1/queue-weights", {"weights": wanted})).status_code == 403
        assert (await operator.ask("POST", "/v1/queue-weights/try", {"weights": wanted})).status_code == 403
        assert (await customer.get("/v1/queue-weights")).status_code == 403
        trial = await admin.ask("POST", "/v1/queue-weights/try", {"weights": wanted})
        assert trial.json() == {"tried": 0, "moved": 0, "top": []}
        put = await admin.ask("PUT", "/v1/queue-weights", {"weights": wanted, "note": "Medicine first."}, if_match='"0"')
        assert (put.status_code, put.json()["version"], put.json()["weights"]["regulated"]) == (200, 1, 600)
        assert (await admin.ask("PUT", "/v1/queue-weights", {"weights": wanted}, if_match='"0"')).status_code == 412

    @pytest.mark.parametrize(
        "weights",
        [
            {"regulated": 10_081},
            {"breached": -1},
            {"money": [[5, 1], [4, 2]]},
            {"unknown": 1},
            {"rates": {"euro": 1}},
            {"tier": {"gold": 1.5}},
            [],
        ],
    )
    async def test_have_bounds(self, world: World, client: httpx.AsyncClient, weights: Any) -> None:
        found = await caller(world, client, "partner_admin")
        admin = Hands(client, found._headers["authorization"].removeprefix("Bearer "), found.actor)
        assert (await admin.ask("PUT", "/v1/queue-weights", {"weights": weights})).status_code in (400, 422)
        assert (await admin.get("/v1/queue-weights")).json()["weights"]["regulated"] == Weights().regulated


class TestBadInput:
    @pytest.mark.parametrize(
        ("verb", "body"),
        [
            ("snooze", {}), ("snooze", {"awaits": ""}), ("snooze", {"awaits": "x", "event": "rain"}), ("snooze", {"awaits": "x" * 201}),
            ("calls", {"who": "dog", "direction": "out", "outcome": "reached"}), ("calls", {"who": "other", "direction": "out"}),
            ("plan", {}), ("plan", {"next_step": ""}), ("take", {"reason": ""}), ("assign", {"owner_id": "x"}), ("comment", {"text": "x", "mentions": ["y"]}),
        ],
    )  # fmt: skip
    async def test_is_refused_and_changes_nothing(self, world: World, operator: Hands, verb: str, body: dict[str, Any]) -> None:
        case = await world.opened(order="ORD-1")
        assert (await operator.ask("POST", f"/v1/cases/{case.id}/{verb}", body)).status_code in (400, 422)
        assert (await world.case(case.id)).version == 1

    @pytest.mark.parametrize(
        "query",
        [
            {"tab": "all"},
            {"owner": "me"},
            {"origin": "DEU"},
            {"ref": "12"},
            {"since": "yesterday"},
            {"carrier": ""},
            {"tab": "resolved", "sort": "risk"},
        ],
    )
    async def test_of_a_filter_is_named(self, world: World, operator: Hands, query: dict[str, str]) -> None:
        assert (await operator.get("/v1/cases", **query)).status_code == 400

    async def test_of_a_message_is_named(self, world: World, operator: Hands) -> None:
        for body in ({"case_ids": [], "subject": "x", "text": "y"}, {"case_ids": [str(new_id())], "subject": "x\ny", "text": "y"}):
            assert (await operator.ask("POST", "/v1/messages", body)).status_code in (400, 422)
        unknown = {"case_ids": [str(new_id())], "subject": "x", "text": "y"}
        assert (await operator.ask("POST", "/v1/messages", unknown)).status_code == 404
