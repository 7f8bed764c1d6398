"""Events, facts and policies the tests of this room share."""

from datetime import UTC, datetime
from importlib import resources
from uuid import UUID

from app.canonical.events import parse_event
from app.canonical.facts import Fact, Facts
from app.canonical.world import World
from app.policies.document import PolicyDocument, read
from app.policies.evaluate import Policy, PolicySet

NOW = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
CUSTOMER = UUID(int=7)
SIGNAL = "signal:1"

CUTOFF = {
    "type": "order.cutoff_missed", "occurred_at": "2026-11-23T17:05:00+01:00", "account": "ACME-01", "refs": {"order": "ORD-7731"},
    "data": {"value_minor": 4520000, "currency": "EUR", "priority": "high", "regulated": True, "ship_by": "2026-11-23T18:00:00+01:00"},
}  # fmt: skip
NOT_PICKED_UP = {
    "type": "shipment.milestone_recorded", "occurred_at": "2026-11-23T17:20:00+01:00", "refs": {"shipment": "SHP-220", "order": "ORD-7731"},
    "data": {"status_code": "SN", "reason_code": "AW"},
}  # fmt: skip


def library(name: str) -> str:
    """The text of a ready policy."""
    return resources.files("app.policies").joinpath(f"library/{name}.yaml").read_text("utf-8")


def policy(text: str | PolicyDocument, number: int = 1, customer_id: UUID | None = None, version: int = 1) -> Policy:
    return Policy(UUID(int=number), version, customer_id, read(text) if isinstance(text, str) else text)


def both() -> PolicySet:
    return PolicySet([policy(library("cutoff-missed"), 1), policy(library("carrier-status"), 2)])


def told(*events: dict, world: World | None = None) -> list[Facts]:
    """What each of these events is judged by, told in this order."""
    world = world or World()
    return [
        world.tell(parse_event(event), source=f"signal:{index + 1}", customer_id=CUSTOMER, now=NOW) for index, event in enumerate(events)
    ]


def fact(name: str, value: object, source: str = "call:1") -> Facts:
    return {name: Fact(name, value, source, NOW)}
