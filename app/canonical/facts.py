"""Facts: what is known about one thing, each with its source and the time it was said. Decisions are made from these alone."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from app.canonical.events import CanonicalEvent, Location
from app.canonical.taxonomy import taxonomy

# The fields of an order that any message may tell; each keeps its newest word (merge.py).
ORDER_FIELDS = (
    "status", "value_minor", "currency", "priority", "regulated", "goods_class", "un_number", "sku", "site", "ship_by", "deliver_by", "penalty_minor",
)  # fmt: skip
SHIPMENT_FIELDS = ("carrier", "service", "pieces", "weight_grams")
INVENTORY_FIELDS = ("on_hand", "reserved", "available", "unit")


class Fact(msgspec.Struct, frozen=True):
    """`value` is plain JSON (times as RFC 3339 text), `source` an address such as `order:<id>`, `signal:<id>`, `call:<id>`."""

    name: str
    value: Any
    source: str
    observed_at: datetime


Facts = dict[str, Fact]


def make(prefix: str, values: Mapping[str, Any], source: str, observed_at: datetime) -> Facts:
    """Facts for every value that is there."""
    named = {f"{prefix}{name}": plain(value) for name, value in values.items() if value is not None}
    return {name: Fact(name, value, source, observed_at) for name, value in named.items()}


def plain(value: Any) -> Any:
    """A value as facts and events hold it: times in UTC with seconds, structs as objects."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return msgspec.to_builtins(value)


def of_event(event: CanonicalEvent, source: str) -> Facts:
    """What the event says by itself, and what the taxonomy reads in a carrier's codes."""
    at = event.occurred_at
    said = make("event.", {"type": event.type, "occurred_at": at, "account": event.account}, source, at)
    return said | make("event.refs.", event.refs, source, at) | make("event.data.", _flat(event.data), source, at) | _as_read(event, source)


def told(event: CanonicalEvent, fields: tuple[str, ...]) -> dict[str, Any]:
    """The named fields an event carries, as plain values."""
    return {name: plain(event.data[name]) for name in fields if event.data.get(name) is not None}


def _flat(data: Mapping[str, Any]) -> dict[str, Any]:
    """Data with places flattened to `location.city`; the rest as it is."""
    flat: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, Location):
            flat |= {f"{name}.{part}": text for part, text in msgspec.structs.asdict(value).items() if text}
        else:
            flat[name] = value
    return flat


def _as_read(event: CanonicalEvent, source: str) -> Facts:
    read = taxonomy().classify(event.data.get("status_code"), event.data.get("reason_code"))
    values = {
        "milestone": event.data.get("milestone") or read.milestone,
        "exception": read.exception,
        "reason": read.reason,
        "responsible": read.responsible,
    }
    return make("event.", values, source, event.occurred_at)
