"""The story's workflow in the pure interpreter: which way it goes for what people and systems say."""

from typing import Any

import pytest

from simulator import manifests
from tests.unit.workflows.machinery import Run

SERVICES = [
    {"id": "AIR-NFO", "service": "Next flight out", "eta": "2026-11-24T09:00:00+00:00", "cost_minor": 184_000, "currency": "EUR"},
    {"id": "ROAD-STD", "service": "Next regular departure", "eta": "2026-11-25T21:00:00+00:00", "cost_minor": 0, "currency": "EUR"},
]
DENIED = {"type": "https://open-workflow-specification.org/spec/1.0.0/errors/authorization", "status": 403, "title": "Held"}
BUSY = {"type": "https://open-workflow-specification.org/spec/1.0.0/errors/communication", "status": 503, "title": "Busy"}
DEFINITION = manifests.load("northwind", manifests.environment("http://127.0.0.1:9400"))["workflows"][0]["content"].split("\n", 1)[1]


def answered(response: Any, call: str) -> dict[str, Any]:
    return {"response": response, "call_id": call, "connection": "c", "answered_at": "2026-11-23T17:10:00+00:00"}


def started(*, regulated: bool = True) -> Run:
    facts = {"order.number": "ORD-1", "shipment.number": "SHP-1", "order.account": "ACME-01", "order.regulated": regulated}
    contact = {"address": "kim@acme.example", "name": "Kim", "locale": "de", "zone": "Europe/Berlin"}
    run = Run(DEFINITION).start({"case": {"id": "c1"}, "facts": facts, "customer": {"contacts": [contact]}})
    run.answer("askCrm", answered({"tier": "platinum"}, "k1")).answer("askErp", answered([{}, {}], "k2"))
    run.answer("askCarrier", answered(SERVICES, "k3"))
    return run.answer("decideAgain", {"decision_id": "d2", "priority": {"level": "P1", "score": 750, "provisional": False}})


def proposed(run: Run, outcome: str = "approved") -> Run:
    run.hear("case.proposed", "case:c1", case_id="c1", option_id="AIR-NFO", approval_id="a1")
    return run.hear("approval.decided", "approval:a1", outcome=outcome)


def held() -> Run:
    """Up to the offer: refused by the gate, certificate verified, proposal approved."""
    run = started().answer("amend", problem=DENIED, definite=True)
    return proposed(run.answer("certificate", {"status": "verified"}))


@pytest.mark.feature("M30")
class TestCutoffWorkflow:
    def test_asks_three_systems_at_once(self) -> None:
        run = Run(DEFINITION).start({"case": {"id": "c1"}, "facts": {"order.number": "ORD-1"}, "customer": {}})
        assert {effect.name for effect in run.effects} == {"askCrm", "askErp", "askCarrier"}

    def test_gives_the_policy_each_answer_with_its_source(self) -> None:
        run = Run(DEFINITION).start({"case": {"id": "c1"}, "facts": {}, "customer": {}})
        run.answer("askCrm", answered({"tier": "gold"}, "k1")).answer("askErp", answered([], "k2")).answer(
            "askCarrier", answered(SERVICES, "k3")
        )
        inputs = run.effect("decideAgain").request["with"]["inputs"]
        assert [(each["name"], each["value"], each["source"]) for each in inputs] == [
            ("customer.tier", "gold", "call:k1"),
            ("inventory.alternatives", 0, "call:k2"),
            ("options.count", 2, "call:k3"),
            ("options.dearest_minor", 184_000, "call:k3"),
        ]

    def test_asks_a_busy_system_again_later(self) -> None:
        run = Run(DEFINITION).start({"case": {"id": "c1"}, "facts": {}, "customer": {}})
        run.answer("askCarrier", problem=BUSY)
        assert {effect.name for effect in run.effects} == {"askCrm", "askErp"}
        assert "askCarrier" in {effect.name for effect in run.after(5_000).effects}

    @pytest.mark.feature("M31")
    def test_waits_for_the_certificate_when_the_reroute_is_refused(self) -> None:
        run = started().answer("amend", problem=DENIED, definite=True)
        asked = run.effect("certificate").request["with"]
        assert (asked["kind"], asked["notice"]["to"]["address"]) == ("compliance_certificate", "kim@acme.example")

    def test_offers_the_approved_option_and_the_regular_one_without_a_default_for_regulated_goods(self) -> None:
        asked = held().effect("ask").request["with"]
        assert [option["id"] for option in asked["options"]] == ["AIR-NFO", "ROAD-STD"]
        assert asked["default"] is None

    @pytest.mark.feature("M100")
    def test_takes_the_regular_departure_on_silence_when_goods_are_not_regulated(self) -> None:
        asked = proposed(started(regulated=False).answer("amend", answered({"eta": "x"}, "k4"))).effect("ask").request["with"]
        assert asked["default"] == "ROAD-STD"

    def test_offers_only_the_regular_departure_when_the_proposal_was_refused(self) -> None:
        run = proposed(started().answer("amend", problem=DENIED, definite=True).answer("certificate", {}), outcome="refused")
        assert [option["id"] for option in run.effect("ask").request["with"]["options"]] == ["ROAD-STD"]

    def test_hands_over_to_people_when_nobody_answers(self) -> None:
        run = held().answer("ask", {"outcome": "expired", "option_id": None, "option": None})
        assert run.effect("handOver").request["with"]["action"] == "escalate"
        assert run.answer("handOver", {}).status == "completed"

    def test_does_what_was_chosen_and_closes_when_the_warehouse_shows_it(self) -> None:
        run = held().answer("ask", {"outcome": "answered", "option_id": "AIR-NFO", "option": SERVICES[0], "by": "link:1"})
        assert run.effect("amend").request["with"]["params"]["option_id"] == "AIR-NFO"
        run.answer("amend", answered({"booking": "B", "status": "confirmed", "eta": SERVICES[0]["eta"]}, "k5"))
        assert run.effect("amend").request["with"]["params"]["promised_at"] == SERVICES[0]["eta"]
        run.answer("amend", answered({"amendment": "E"}, "k6"))
        run.answer("openCase", answered({"ticket": "T"}, "k7")).answer("addNote", answered({"note": "N"}, "k8"))
        run.answer("askWarehouse", answered({"order": "ORD-1", "status": "rerouted"}, "k9"))
        assert run.effect("close").request["with"]["evidence_call_id"] == "k9"
        assert run.answer("close", {}).status == "completed"

    def test_escalates_when_the_warehouse_shows_nothing(self) -> None:
        run = held().answer("ask", {"outcome": "answered", "option_id": "ROAD-STD", "option": SERVICES[1]})
        run.answer("amend", answered({"eta": SERVICES[1]["eta"]}, "k5")).answer("amend", answered({}, "k6"))
        run.answer("openCase", answered({}, "k7")).answer("addNote", answered({}, "k8"))
        run.answer("askWarehouse", answered({"order": "ORD-1", "status": "cutoff_missed"}, "k9"))
        assert run.effect("stillStuck").request["with"]["action"] == "escalate"
