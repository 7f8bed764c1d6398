"""A mapped value is an event or a list of what is wrong with it."""

from datetime import UTC, datetime

import pytest

from app.canonical.events import FIELD_TYPES, event_types, parse_event
from app.core.errors import Invalid

CUTOFF = {
    "type": "order.cutoff_missed",
    "occurred_at": "2026-11-23T17:05:00+01:00",
    "account": "ACME-01",
    "refs": {"order": "ORD-7731", "shipment": "SHP-220", "bol": None},
    "data": {"value_minor": 4520000, "currency": "EUR", "regulated": True, "wave": "W-9", "lines": [{"sku": "INS-10", "quantity": 40}]},
}


def wrong(**changes: object) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        parse_event(CUTOFF | changes, "/0")
    return {error.pointer: error.detail for error in refused.value.errors}


class TestParse:
    @pytest.mark.feature("M58")
    def test_gives_utc_times_checked_fields_and_keeps_unknown_data(self):
        event = parse_event(CUTOFF)
        assert event.occurred_at == datetime(2026, 11, 23, 16, 5, tzinfo=UTC)
        assert event.refs == {"order": "ORD-7731", "shipment": "SHP-220"}
        assert event.data["lines"][0].quantity == 40
        assert event.data["wave"] == "W-9"

    @pytest.mark.feature("M58")
    def test_names_every_wrong_field_at_once_by_pointer(self):
        found = wrong(
            occurred_at="2026-11-23T17:05:00",
            refs={"ordr": "x"},
            data={"value_minor": "5", "lines": [{"sku": "a", "quantity": -1}]},
            note=1,
        )
        assert found.keys() == {"/0/note", "/0/occurred_at", "/0/refs", "/0/refs/ordr", "/0/data/value_minor", "/0/data/lines/0/quantity"}
        assert "order.cutoff_missed needs a reference of kind order" in found["/0/refs"]

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"type": "order.exploded"}, "/0/type"),
            ({"type": None}, "/0/type"),
            ({"type": "promise.missed", "refs": {"promise": "ship"}, "data": {}}, "/0/type"),
            ({"refs": {"order": " ORD"}}, "/0/refs/order"),
            ({"refs": {"order": "a\x00b"}}, "/0/refs/order"),
            ({"refs": {"order": "x" * 81}}, "/0/refs/order"),
            ({"refs": []}, "/0/refs"),
            ({"data": []}, "/0/data"),
            ({"data": {"value_minor": 2**70}}, "/0/data/value_minor"),
            ({"data": {"value_minor": 1.5}}, "/0/data/value_minor"),
            ({"data": {"currency": "Euro"}}, "/0/data/currency"),
            ({"data": {"ship_by": "tomorrow"}}, "/0/data/ship_by"),
            ({"data": {"note": {"text": "a\x00b"}}}, "/0/data/note/text"),
            ({"data": {"note": ["\ud800"]}}, "/0/data/note/0"),
            ({"data": {"note": 2**63}}, "/0/data/note"),
            ({"data": {"note": float("nan")}}, "/0/data/note"),
            ({"data": {"a\x00": 1}}, "/0/data"),
        ],
    )
    def test_refuses(self, changes, pointer):
        assert pointer in wrong(**changes)

    def test_refuses_a_tree_too_deep_at_its_limit(self):
        tree: object = 1
        for _ in range(5000):
            tree = [tree]
        assert any(pointer.startswith("/0/data/note/0") for pointer in wrong(data={"note": tree}))

    def test_refuses_what_is_no_object(self):
        with pytest.raises(Invalid):
            parse_event(["order.recorded"])

    def test_refuses_a_milestone_nobody_knows(self):
        event = {
            "type": "shipment.milestone_recorded",
            "occurred_at": "2026-11-23T17:05:00Z",
            "refs": {"tracking": "1Z"},
            "data": {"milestone": "teleported"},
        }
        with pytest.raises(Invalid) as refused:
            parse_event(event)
        assert [error.pointer for error in refused.value.errors] == ["/data/milestone"]


class TestEventTypes:
    def test_fields_have_types_that_exist_and_one_type_across_events(self):
        fields = [(name, kind) for event in event_types().values() for name, kind in event.data.items()]
        assert {kind for _, kind in fields} <= FIELD_TYPES.keys()
        assert len(dict(fields)) == len(set(fields)), "one field name has two types"
