"""The published JSON Schemas say what is checked, no more and no less."""

import pytest

from app.canonical.events import event_types, parse_event
from app.canonical.published import VERSION, json_schemas
from app.core.errors import Invalid

jsonschema = pytest.importorskip("jsonschema")

CUTOFF = {
    "type": "order.cutoff_missed", "occurred_at": "2026-11-23T17:05:00+01:00", "account": None, "refs": {"order": "ORD-7731"},
    "data": {"value_minor": 4520000, "currency": "EUR", "regulated": True, "lines": [{"sku": "INS-10", "quantity": 40}]},
}  # fmt: skip
SCAN = {
    "type": "shipment.milestone_recorded", "occurred_at": "2019-11-02T16:25:00-07:00", "refs": {"shipment": "1"},
    "data": {"status_code": "AH", "reason_code": "AG", "location": {"city": "DRILL"}},
}  # fmt: skip


def agrees(event: object) -> bool:
    """Whether parser and schema say the same; returns what they say."""
    schema = jsonschema.Draft202012Validator(json_schemas()["event"], format_checker=jsonschema.FormatChecker())
    try:
        parse_event(event)
        read = True
    except Invalid:
        read = False
    assert schema.is_valid(event) is read, event
    return read


class TestSchemas:
    @pytest.mark.feature("M58")
    def test_are_valid_versioned_and_whole(self):
        assert json_schemas().keys() >= {"event", "shipment", "order", "inventory-position", "exception"}
        for name, schema in json_schemas().items():
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["version"] == VERSION and schema["$id"].endswith(name)

    @pytest.mark.feature("M58")
    def test_has_a_branch_for_every_event_a_mapping_may_say(self):
        branches = {branch["properties"]["type"]["const"] for branch in json_schemas()["event"]["oneOf"]}
        assert branches == {name for name, kind in event_types().items() if not kind.internal}

    @pytest.mark.feature("M58")
    def test_takes_what_the_parser_takes(self):
        assert agrees(CUTOFF) and agrees(SCAN)
        assert agrees({**CUTOFF, "data": CUTOFF["data"] | {"wave": 5}, "refs": {"order": "O", "bol": None}})

    @pytest.mark.feature("M58")
    @pytest.mark.parametrize(
        "changes",
        [
            {"type": "order.lost"}, {"type": "promise.missed"}, {"refs": {"shipment": "S"}}, {"refs": {"order": ""}}, {"refs": {"order": " O"}},
            {"refs": {"order": "O", "ordr": "x"}}, {"data": {"value_minor": "5"}}, {"data": {"value_minor": 1.5}}, {"data": {"currency": "euro"}},
            {"data": {"regulated": "yes"}}, {"data": {"lines": [{"sku": "A"}]}}, {"data": {"lines": [{"sku": "A", "quantity": -1}]}}, {"data": []},
            {"extra": 1}, {"account": 5},
        ],
        ids=str,
    )  # fmt: skip
    def test_refuses_what_the_parser_refuses(self, changes):
        assert not agrees({**CUTOFF, **changes})

    def test_refuses_a_milestone_the_parser_refuses(self):
        assert not agrees({**SCAN, "data": {"milestone": "teleported"}})
