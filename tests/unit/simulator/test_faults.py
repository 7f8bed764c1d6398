"""What callers meet on a bad day."""

import time

import httpx
import pytest

from simulator.faults import Fault, Faults
from tests.unit.simulator.world import World


@pytest.mark.feature("M143")
class TestFaults:
    def test_a_system_that_is_down_resets_the_connection_and_does_nothing(self, world: World) -> None:
        headers = world.carrier()
        world.fault(kind="down", system="carrier", seconds=30)
        with pytest.raises(httpx.TransportError):
            world.amend(f"down-{world.order}", headers=headers)
        assert [line["effect"] for line in world.ledger(key=f"down-{world.order}")] == [False]
        assert world.state() == "CUTOFF_MISSED"

    def test_a_reset_after_the_write_loses_the_answer_but_not_the_effect(self, world: World) -> None:
        world.fault(kind="reset_after", operation="amend", times=1)
        headers = world.carrier()
        with pytest.raises(httpx.TransportError):
            world.amend(f"lost-{world.order}", headers=headers)
        assert world.amend(f"lost-{world.order}", headers=headers).headers["idempotent-replayed"] == "true"
        assert [line["effect"] for line in world.ledger(key=f"lost-{world.order}")] == [True, False]

    def test_a_throttled_call_says_when_to_come_back(self, world: World) -> None:
        world.fault(kind="throttle", operation="amend", times=1)
        answer = world.amend(f"slow-{world.order}")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert world.amend(f"slow-{world.order}").status_code == 201

    def test_an_error_is_a_500_without_effect(self, world: World) -> None:
        world.fault(kind="error", operation="amend", times=1)
        assert world.amend(f"err-{world.order}").status_code == 500
        assert world.state() == "CUTOFF_MISSED"

    def test_a_lie_answers_success_and_does_nothing(self, world: World) -> None:
        world.fault(kind="lie", operation="amend", times=1)
        answer = world.amend(f"lie-{world.order}")
        assert (answer.status_code, answer.json()["status"]) == (201, "confirmed")
        assert world.state() == "CUTOFF_MISSED"

    def test_a_hanging_call_outlasts_a_short_timeout(self, world: World) -> None:
        world.fault(kind="hang", operation="amend", times=1, delay=1.0)
        path = f"/northwind/carrier/v2/bookings/{world.shipment}/amendments"
        with pytest.raises(httpx.TransportError):
            world.client.post(path, json={"option": "ROAD-EXP"}, headers=world.carrier(), timeout=0.3)

    def test_a_dripping_answer_is_slow_and_whole(self, world: World) -> None:
        headers = world.carrier()
        world.fault(kind="drip", operation="amend", times=1, delay=0.5)
        started = time.monotonic()
        answer = world.amend(f"drip-{world.order}", headers=headers)
        assert answer.json()["status"] == "confirmed"
        assert time.monotonic() - started > 0.4

    def test_one_partners_fault_leaves_the_other_alone(self, world: World) -> None:
        world.fault(kind="error", system="crm")
        headers = {"authorization": "Bearer crm-corvid-medical-secret"}
        assert world.client.get("/harborline/crm/v1/ping", headers=headers).status_code == 200

    def test_an_unknown_kind_is_refused(self, world: World) -> None:
        assert world.client.post("/control/faults", json={"kind": "gremlins"}).status_code == 400


class TestFaultClock:
    def test_a_fault_ends_with_its_time(self) -> None:
        now = [0.0]
        faults = Faults(monotonic=lambda: now[0])
        faults.add(Fault("down", system="carrier"), seconds=60)
        assert faults.strike("northwind", "carrier", "amend") is not None
        now[0] = 60.0
        assert faults.strike("northwind", "carrier", "amend") is None
