"""From a message to its case in one transaction: two sources join in one case, stale facts are read again."""

from pathlib import Path
from typing import Any

import pytest

import app.policies
from app.cases.models import Case
from app.ingest import handlers
from app.policies.commands import StaleFacts
from app.policies.publishing import publish, save
from tests.integration.ingest.desk import Desk, missed
from tests.unit.ingest.x12_fixtures import interchange, transaction_set

pytestmark = pytest.mark.feature("M1")
LIBRARY = Path(app.policies.__file__).parent / "library"
STATUS_WITH_ORDER = """.set.shipment as $s | [$s.stops[].statuses[] | {
  type: "shipment.milestone_recorded", occurred_at, account: $s.parties.SF.name, refs: {shipment: $s.shipment, order: $s.refs.PO[0]},
  data: {status_code: .code, reason_code: .reason}}]"""


async def in_force(desk: Desk, name: str = "cutoff-missed") -> None:
    async with desk.shell.unit_of_work(desk.tenant, actor="user:admin") as uow:
        row = await save(uow, desk.shell.sandbox, (LIBRARY / f"{name}.yaml").read_text(), customer_id=None)
        await uow.session.flush()
        await publish(uow, row)


def not_picked_up(order: str = "ORD-1") -> bytes:
    body = ("B10*R*SHP-1*SCAC", f"L11*{order}*PO", "N1*SF*ACME-01", "LX*1", "AT7*SN*AW***20261123*1805*ET")
    return interchange(transaction_set("0001", *body))


class TestTwoSources:
    async def test_telling_of_one_missed_cutoff_open_one_case(self, desk: Desk) -> None:
        await in_force(desk)
        await desk.publish("status-214", STATUS_WITH_ORDER)
        await desk.receipt(await desk.hook(missed()))
        await desk.receipt(await desk.edi(not_picked_up()))
        assert await desk.count(Case) == 1
        assert len(await desk.events("case.opened")) == 1
        assert len(await desk.events("decision.made")) == 2

    async def test_in_one_batch_open_one_case_and_again_change_nothing(self, desk: Desk) -> None:
        await in_force(desk)
        await desk.publish("status-214", STATUS_WITH_ORDER)
        for _ in range(2):
            await desk.hook(missed())
            await desk.edi(not_picked_up())
        await desk.settle()
        assert await desk.count(Case) == 1
        assert len(await desk.events("signal.accepted")) == 2


class TestStaleFacts:
    async def test_are_read_and_decided_again(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        await in_force(desk)
        asked: list[str] = []
        evaluate, check = handlers.evaluate, handlers.check_fresh

        async def evaluating(*args: Any) -> Any:
            asked.append("evaluate")
            return await evaluate(*args)

        async def once_stale(*args: Any) -> None:
            asked.append("check")
            if asked.count("check") == 1:
                raise StaleFacts()
            await check(*args)

        monkeypatch.setattr(handlers, "evaluate", evaluating)
        monkeypatch.setattr(handlers, "check_fresh", once_stale)
        receipt = await desk.receipt(await desk.hook(missed()))
        assert receipt["status"] == "mapped"
        assert asked == ["evaluate", "check", "evaluate", "check"]
        assert await desk.count(Case) == 1

    async def test_that_never_settle_leave_the_signal_for_another_try(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        async def always_stale(*_: Any) -> None:
            raise StaleFacts()

        answer = await desk.hook(missed())
        with monkeypatch.context() as patched:
            patched.setattr(handlers, "check_fresh", always_stale)
            assert (await desk.receipt(answer))["status"] == "accepted"
        assert (await desk.get("/v1/parked")).json()["items"] == []
