"""The published JSON Schemas (2020-12): the canonical event and the things it tells of, generated from the shapes that are checked."""

from functools import cache
from typing import Any

import msgspec

from app.canonical.events import FIELD_TYPES, IDENTITY, REF_KINDS, EventType, RefValue, event_types
from app.canonical.milestones import MILESTONES
from app.canonical.schemas import (
    DocumentView,
    ExceptionTypeView,
    ExceptionView,
    InventoryPositionView,
    OrderView,
    PromiseView,
    ShipmentView,
)

VERSION = 1
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_THINGS: dict[str, type] = {
    "shipment": ShipmentView,
    "order": OrderView,
    "inventory-position": InventoryPositionView,
    "exception": ExceptionView,
    "exception-type": ExceptionTypeView,
    "document": DocumentView,
    "promise": PromiseView,
}


@cache
def json_schemas() -> dict[str, dict[str, Any]]:
    """Every published schema by name; each stands by itself and carries its version."""
    return {"event": _event()} | {name: _thing(name, shape) for name, shape in _THINGS.items()}


def _thing(name: str, shape: type) -> dict[str, Any]:
    (schema,), definitions = msgspec.json.schema_components([shape], ref_template="#/$defs/{name}")
    return _named(name, {**schema, "$defs": definitions})


def _named(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"$schema": DIALECT, "$id": f"/v1/schemas/{name}", "title": name, "version": VERSION, **schema}


def _event() -> dict[str, Any]:
    """One branch for each event type: what it must refer to and the types of the fields it may carry."""
    said = {name: kind for name, kind in event_types().items() if not kind.internal}
    fields, definitions = msgspec.json.schema_components(list(FIELD_TYPES.values()), ref_template="#/$defs/{name}")
    types = dict(zip(FIELD_TYPES, fields, strict=True))
    (reference,), _ = msgspec.json.schema_components([RefValue], ref_template="#/$defs/{name}")
    return _named(
        "event",
        {
            "type": "object",
            "required": ["type", "occurred_at", "refs"],
            "additionalProperties": False,
            "properties": {
                "type": {"enum": list(said)},
                "occurred_at": {"type": "string", "format": "date-time", "description": "With its zone."},
                "account": {"anyOf": [reference, {"type": "null"}]},
                "refs": {
                    "type": "object",
                    "properties": {kind: {"anyOf": [reference, {"type": "null"}]} for kind in REF_KINDS},
                    "additionalProperties": False,
                    "description": f"{', '.join(IDENTITY)} each identify a shipment.",
                },
                "data": {"type": "object"},
            },
            "oneOf": [_branch(name, kind, types) for name, kind in said.items()],
            "$defs": definitions,
        },
    )


def _branch(name: str, kind: EventType, types: dict[str, Any]) -> dict[str, Any]:
    fields = {field: {"anyOf": [types[of], {"type": "null"}]} for field, of in kind.data.items()}
    if "milestone" in fields:
        fields["milestone"] = {"enum": [*sorted(MILESTONES), None]}
    return {
        "title": kind.title,
        "properties": {
            "type": {"const": name},
            "refs": {"anyOf": [{"required": [ref]} for ref in kind.needs]},
            "data": {"type": "object", "properties": fields},
        },
    }
