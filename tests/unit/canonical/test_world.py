"""The world a batch is judged in: each event meets what was known when it came, earlier events of the batch included."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.canonical.events import parse_event
from app.canonical.world import World

NOW = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
OURS, THEIRS = UUID(int=1), UUID(int=2)


def event(type: str, minutes: int, refs: dict, **data) -> dict:
    return {"type": type, "occurred_at": (NOW + timedelta(minutes=minutes)).isoformat(), "refs": refs, "data": data}


def tell(world: World, *events: dict, customer: UUID = OURS):
    return [world.tell(parse_event(e), source=f"signal:{n}", customer_id=customer, now=NOW) for n, e in enumerate(events, 1)]


class TestTell:
    @pytest.mark.feature("M34")
    def test_a_later_event_of_the_batch_knows_the_order_by_the_shipment(self):
        first, second = tell(
            World(),
            event("order.recorded", -60, {"order": "O-1", "shipment": "S-1"}, value_minor=5, ship_by="2026-11-23T17:00:00Z"),
            event("shipment.milestone_recorded", -30, {"shipment": "s-1"}, status_code="SN", reason_code="AW"),
        )
        assert first["promise.minutes_left"].value == 30 and first["order.value_minor"].source == "signal:1"
        assert second["order.number"].value == "O-1" and second["order.value_minor"].source == "signal:1"
        assert second["event.exception"].value == "cutoff.missed"

    @pytest.mark.feature("M62")
    def test_a_late_word_neither_moves_the_shipment_nor_replaces_a_newer_one(self):
        moved, late = tell(
            World(),
            event("shipment.milestone_recorded", -10, {"shipment": "S-1"}, status_code="AF", carrier="A"),
            event("shipment.milestone_recorded", -90, {"shipment": "S-1"}, status_code="XB", carrier="B"),
        )
        assert not moved["event.stale"].value and late["event.stale"].value
        assert (late["shipment.status"].value, late["shipment.status"].source) == ("departed", "signal:1")
        assert late["shipment.carrier"].value == "A"

    def test_two_customers_with_the_same_number_share_nothing(self):
        world = World()
        tell(world, event("order.recorded", 0, {"order": "O-1"}, value_minor=5))
        (facts,) = tell(world, event("order.recorded", 0, {"order": "O-1"}), customer=THEIRS)
        assert "order.value_minor" not in facts

    def test_stock_is_judged_by_the_count_before(self):
        first, second = tell(
            World(),
            event("inventory.recorded", 0, {"sku": "A"}, site="BER", on_hand=10),
            event("inventory.recorded", 1, {"sku": "a"}, site="BER", on_hand=4),
        )
        assert "inventory.on_hand" not in first
        assert second["inventory.on_hand"].value == 10 and second["event.data.on_hand"].value == 4

    def test_places_are_flat_and_times_are_utc(self):
        (facts,) = tell(
            World(),
            event(
                "shipment.milestone_recorded",
                0,
                {"shipment": "S"},
                status_code="AG",
                estimated_at="2026-11-24T10:00:00+01:00",
                location={"city": "Brno"},
            ),
        )
        assert facts["event.data.location.city"].value == "Brno"
        assert facts["shipment.eta"].value == facts["event.data.estimated_at"].value == "2026-11-24T09:00:00+00:00"
