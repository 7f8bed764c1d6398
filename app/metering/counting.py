"""Counting: from events to usage, without I/O, the same however often an event comes by."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any
from uuid import UUID

from app.core.events import Event
from app.core.listeners import hears
from app.metering.meters import Meter

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Usage:
    """What one event counts for on one meter. `id` follows from both, so that it can be written only once."""

    id: UUID
    event_id: UUID
    customer_id: UUID | None
    meter: str
    day: date
    quantity: int
    unit: str
    dimensions: dict[str, str]


def count(meters: Mapping[str, Meter], event: Event) -> Iterator[Usage]:
    """Yield what `event` counts for; nothing for an event that no meter hears. The day is the UTC day it was recorded."""
    for name, meter in meters.items():
        if not any(hears(pattern, event.type) for pattern in meter.events):
            continue
        if any(look(event, path) != wanted for path, wanted in meter.when.items()):
            continue
        quantity = meter.quantity if isinstance(meter.quantity, int) else look(event, meter.quantity)
        if isinstance(quantity, int) and not isinstance(quantity, bool) and quantity >= 0:
            day = event.recorded_at.astimezone(UTC).date()
            yield Usage(usage_id(event.id, name), event.id, event.customer_id, name, day, quantity, meter.unit, _dimensions(meter, event))


def usage_id(event_id: UUID, meter: str) -> UUID:
    """Return the record's id: the event's time, so that it falls into the event's partition, and a hash of event and meter (UUIDv7 form)."""
    digest = hashlib.sha256(event_id.bytes + meter.encode()).digest()
    body = bytearray(event_id.bytes[:6] + digest[:10])
    body[6] = 0x70 | body[6] & 0x0F
    body[8] = 0x80 | body[8] & 0x3F
    return UUID(bytes=bytes(body))


def look(event: Event, path: str) -> Any:
    """Return what stands at `path` ("type", "data.exception.type"), None where nothing does."""
    first, *rest = path.split(".")
    value: Any = getattr(event, first)
    for part in rest:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _dimensions(meter: Meter, event: Event) -> dict[str, str]:
    found = {name: look(event, path) for name, path in meter.dimensions.items()}
    return {name: str(value)[:_LONGEST] for name, value in found.items() if isinstance(value, str | int)}
