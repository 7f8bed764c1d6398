"""Settling: mapped, attributed, decided and recorded in one transaction; what needs a person is parked alone and replayed once."""

import asyncio
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.canonical.models import Order
from app.core.errors import Conflict, Unavailable
from app.ingest import handlers
from app.ingest.commands import settle as settling
from app.ingest.commands.attribution import WantedRule, set_rules
from app.ingest.models import ParkedSignal
from tests.integration.ingest.desk import CUTOFF, Desk, missed
from tests.services import Database
from tests.unit.ingest.x12_fixtures import STATUS, interchange, transaction_set

pytestmark = pytest.mark.feature("M61")


class TestParked:
    async def test_unattributed_is_never_guessed_and_replayed_after_the_rule_is_there(self, desk: Desk) -> None:
        answer = await desk.hook(missed(account="NOBODY"))
        receipt = await desk.receipt(answer)
        assert receipt["problems"][0]["reason"] == "unattributed"
        assert "NOBODY" in receipt["problems"][0]["detail"]
        assert await desk.count(Order) == 0
        async with desk.shell.unit_of_work(desk.tenant, actor="user:admin") as uow:
            await set_rules(uow, desk.shell, desk.customers["acme"], [WantedRule('event.account in ["ACME-01", "NOBODY"]', "wms")])
        replayed = await desk.post(f"/v1/signals/{receipt['id']}/replay")
        assert replayed.status_code == 202
        settled = await desk.receipt(answer)
        assert (settled["status"], settled["events"], settled["problems"]) == ("mapped", 1, [])
        assert settled["customer_id"] == str(desk.customers["acme"])

    async def test_ambiguous_is_never_guessed(self, desk: Desk) -> None:
        async with desk.shell.unit_of_work(desk.tenant, actor="user:admin") as uow:
            await set_rules(uow, desk.shell, desk.customers["boreal"], [WantedRule('event.account.startsWith("ACME")')])
        receipt = await desk.receipt(await desk.hook(missed()))
        assert receipt["problems"][0]["reason"] == "unattributed"
        assert receipt["problems"][0]["detail"].startswith("2 customers claim")

    async def test_unmapped_is_replayed_in_one_go_after_the_mapping_is_mended(self, desk: Desk) -> None:
        await desk.publish(
            "cutoff", '[{type: "order.cutoff_missed", occurred_at: .when, account: .account, refs: {order: .order}, data: {}}]'
        )
        answers = [await desk.hook(missed(f"ORD-{n}"), f"m{n}") for n in range(5)]
        await desk.settle()
        listed = (await desk.get("/v1/parked?reason=unmapped")).json()["items"]
        assert len(listed) == 5
        assert "/0/occurred_at" in listed[0]["detail"]
        await desk.publish("cutoff", CUTOFF)
        replayed = await desk.post("/v1/parked/replay", json={"reason": "unmapped"})
        assert replayed.json() == {"signals": 5}
        assert {(await desk.receipt(a))["status"] for a in answers} == {"mapped"}
        assert await desk.count(Order) == 5
        assert (await desk.get("/v1/parked")).json()["items"] == []

    async def test_is_told_by_an_event_with_the_reason(self, desk: Desk) -> None:
        receipt = await desk.receipt(await desk.hook(missed(account="NOBODY")))
        (said,) = await desk.events("signal.parked")
        assert said.key == f"signal:{receipt['id']}"
        assert said.data["parked"][0]["reason"] == "unattributed"

    async def test_list_can_be_replayed_by_id_and_an_unknown_id_is_not_found(self, desk: Desk) -> None:
        await desk.receipt(await desk.hook(missed(account="NOBODY")))
        (item,) = (await desk.get("/v1/parked")).json()["items"]
        assert (await desk.post("/v1/parked/replay", json={"ids": [item["id"]]})).json() == {"signals": 1}
        assert (await desk.post("/v1/parked/replay", json={"ids": [item["signal_id"]]})).status_code == 404
        await desk.settle()
        (again,) = (await desk.get("/v1/parked")).json()["items"]
        assert again["id"] == item["id"]


class TestReplay:
    async def test_has_its_effect_once_however_often_it_is_asked(self, desk: Desk) -> None:
        answer = await desk.hook(missed())
        receipt = await desk.receipt(answer)
        for _ in range(3):
            await desk.post(f"/v1/signals/{receipt['id']}/replay")
            await desk.settle()
        assert len(await desk.events("order.cutoff_missed")) == 1
        assert await desk.receipt(answer) == {**receipt, "settled_at": (await desk.receipt(answer))["settled_at"]}

    async def test_after_a_changed_mapping_changes_nothing_that_was_recorded(self, desk: Desk) -> None:
        answer = await desk.hook(missed())
        await desk.settle()
        await desk.publish("cutoff", CUTOFF.replace("order: .order", 'order: "ANOTHER"'))
        await desk.post(f"/v1/signals/{answer.json()['id']}/replay")
        await desk.settle()
        assert await desk.count(Order) == 1


class TestOneBadSignal:
    @pytest.fixture
    def breaking(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Makes recording fail for the orders listed."""
        bad: list[str] = []
        recording = settling.record

        async def record(uow: Any, event: Any, **more: Any) -> Any:
            recorded = await recording(uow, event, **more)
            if event.refs.get("order") in bad:
                raise Conflict("This order is closed.")
            return recorded

        monkeypatch.setattr(settling, "record", record)
        return bad

    async def test_is_parked_alone_and_its_neighbours_are_recorded_in_the_same_pass(self, desk: Desk, breaking: list[str]) -> None:
        breaking.append("ORD-3")
        answers = [await desk.hook(missed(f"ORD-{n}"), f"m{n}") for n in range(6)]
        receipts = [await desk.receipt(a) for a in answers]
        assert [r["status"] for r in receipts] == ["mapped"] * 3 + ["parked"] + ["mapped"] * 2
        assert receipts[3]["problems"][0]["reason"] == "refused"
        assert receipts[3]["problems"][0]["detail"] == "This order is closed."
        async with desk.shell.read(desk.tenant) as uow:
            numbers = set((await uow.execute(select(Order.number))).scalars())
        assert numbers == {f"ORD-{n}" for n in range(6) if n != 3}

    async def test_is_recorded_by_a_replay_once_the_cause_is_gone(self, desk: Desk, breaking: list[str]) -> None:
        breaking.append("ORD-3")
        answer = await desk.hook(missed("ORD-3"))
        assert (await desk.receipt(answer))["status"] == "parked"
        breaking.clear()
        await desk.post(f"/v1/signals/{answer.json()['id']}/replay")
        assert (await desk.receipt(answer))["status"] == "mapped"
        assert len(await desk.events("order.cutoff_missed")) == 1

    async def test_of_the_tenants_own_program_ends_at_its_limit_alone(self, desk: Desk) -> None:
        await desk.publish("cutoff", f'if .order == "LOOP" then [range(1e9)] else {CUTOFF} end')
        looping = await desk.hook(missed("LOOP"), "m1")
        good = await desk.hook(missed("ORD-1"), "m2")
        assert (await desk.receipt(looping))["problems"][0]["reason"] == "unmapped"
        assert (await desk.receipt(good))["status"] == "mapped"


class TestBatch:
    async def test_is_written_in_one_transaction(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        writes = []
        original = handlers._write

        async def counted(*args: Any, **more: Any) -> None:
            writes.append(len(args[1]))
            await original(*args, **more)

        monkeypatch.setattr(handlers, "_write", counted)
        await asyncio.gather(*(desk.hook(missed(f"ORD-{n}"), f"m{n}") for n in range(30)))
        await desk.settle()
        assert writes == [30]
        assert await desk.count(Order) == 30

    async def test_is_settled_in_portions_that_fit_in_memory(self) -> None:
        items = [SimpleNamespace(subject=UUID(int=n)) for n in range(6)]
        sizes = {UUID(int=n): mebibytes << 20 for n, mebibytes in enumerate([10, 16, 10, 16, 16, 40])}
        split = handlers.portions(items, sizes)  # type: ignore[arg-type]
        assert [[i.subject.int for i in portion] for portion in split] == [[0, 1], [2, 3], [4], [5]]

    @pytest.mark.feature("M62")
    async def test_by_several_workers_at_once_has_every_effect_once(self, desk: Desk) -> None:
        for number in range(40):
            await desk.hook(missed(f"ORD-{number}"), f"m{number}")
        for number in range(1, 21):
            control = f"{number:09}"
            scans = [transaction_set(f"{s:04}", f"B10*R*SHP-{s}*C", "N1*SF*ACME-01", "LX*1", STATUS) for s in range(1, 4)]
            assert (await desk.edi(interchange(*scans, control=control, iea=control))).status_code == 202
        await asyncio.gather(*(desk.settle() for _ in range(4)))
        await desk.settle()
        assert len(await desk.events("order.cutoff_missed")) == 40
        assert len(await desk.events("shipment.milestone_recorded")) == 3
        assert {s["status"] for s in (await desk.get("/v1/signals?limit=200")).json()["items"]} == {"mapped"}

    async def test_is_left_for_another_try_when_the_database_is_away(
        self, desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def away(*_: object, **__: object) -> None:
            raise Unavailable()

        answer = await desk.hook(missed())
        with monkeypatch.context() as patched:
            patched.setattr(handlers, "settle", away)
            assert (await desk.receipt(answer))["status"] == "accepted"
        assert await desk.count(ParkedSignal) == 0
        root = await database.superuser()
        await root.execute(
            "update core.work set due = clock_timestamp(), ready = true where tenant_id = $1 and kind = 'signal'", desk.tenant
        )
        await root.close()
        assert (await desk.receipt(answer))["status"] == "mapped"


class TestCustomers:
    @pytest.mark.feature("M1")
    async def test_see_what_is_theirs_and_nothing_of_each_other(self, desk: Desk) -> None:
        mine = await desk.receipt(await desk.hook(missed("ORD-1", "ACME-01"), "m1"))
        theirs = await desk.receipt(await desk.hook(missed("ORD-2", "00602679321"), "m2"))
        nobodys = await desk.receipt(await desk.hook(missed("ORD-3", "NOBODY"), "m3"))
        desk.keys["acme"] = await desk.key("customer", "customer_admin", customer_id=desk.customers["acme"])
        listed = (await desk.get("/v1/signals", key="acme")).json()["items"]
        assert [s["id"] for s in listed] == [mine["id"]]
        statuses = [(await desk.get(f"/v1/signals/{s['id']}", key="acme")).status_code for s in (mine, theirs, nobodys)]
        assert statuses == [200, 404, 404]
        assert (await desk.get("/v1/parked", key="acme")).json()["items"] == []
