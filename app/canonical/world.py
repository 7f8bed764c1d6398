"""The world as far as a batch of events needs it: what was known before, and what each event of the batch adds, without a database.

Decisions are made before the batch is written, and an event may follow from one just before it; so the batch is told to this copy in
order, and each event is judged by what was known when it came. `commands.record` tells the same to the tables with the same functions.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from app.canonical import facts as f
from app.canonical.events import IDENTITY, CanonicalEvent
from app.canonical.facts import Fact, Facts
from app.canonical.merge import merge
from app.canonical.milestones import Report, State, advance, is_stale
from app.canonical.taxonomy import taxonomy

Owner = UUID
Key = tuple[Owner, str, str]  # customer, kind of reference, its lower-cased value


_DATES = (("ship", "ship_by"), ("deliver", "deliver_by"))


class KnownOrder(msgspec.Struct):
    """An order: its facts (order.*), when each field was said, its row and version (0: not there yet)."""

    number: str
    facts: Facts = {}
    times: dict[str, str] = {}
    id: UUID | None = None
    version: int = 0


class KnownShipment(msgspec.Struct):
    """A shipment: how far it is, its facts (shipment.*), and its order."""

    refs: dict[str, str] = {}
    state: State = State()
    facts: Facts = {}
    times: dict[str, str] = {}
    order: KnownOrder | None = None
    id: UUID | None = None
    version: int = 0


class KnownStock(msgspec.Struct):
    """An inventory position's facts (inventory.*)."""

    facts: Facts = {}
    id: UUID | None = None
    version: int = 0


class World(msgspec.Struct):
    """Everything the events of one batch refer to; `extra` are facts by thing (its address) or customer from elsewhere."""

    orders: dict[Key, KnownOrder] = {}
    shipments: dict[Key, KnownShipment] = {}
    stock: dict[Key, KnownStock] = {}
    extra: dict[str, Facts] = {}

    def tell(self, event: CanonicalEvent, *, source: str, customer_id: Owner, now: datetime) -> Facts:
        """Take one event in; returns the facts it is judged by."""
        known = f.of_event(event, source) | f.make("event.", {"stale": False}, source, event.occurred_at)
        known |= f.make("", {"now": now}, "clock", now) | self.extra.get(f"customer:{customer_id}", {})
        order = self._order(event, source, customer_id)
        shipment = self._shipment(event, customer_id)
        if shipment is not None:
            shipment.order = order or shipment.order
            known |= self._move(shipment, event, source)
            order = shipment.order
        if order is not None:
            known |= order.facts | self.extra.get(f"order:{order.id}", {}) | _promised(order, event, now)
        if shipment is not None:
            known |= shipment.facts | self.extra.get(f"shipment:{shipment.id}", {})
        return known | self._count(event, source, customer_id)

    def _order(self, event: CanonicalEvent, source: str, customer_id: Owner) -> KnownOrder | None:
        number = event.refs.get("order")
        if number is None:
            return None
        order = self.orders.setdefault(key(customer_id, "order", number), KnownOrder(number))
        order.facts = f.make("order.", {"number": order.number}, source, event.occurred_at) | order.facts
        if event.type.startswith("order."):
            _tell(order, "order.", order_told(event), source, event.occurred_at)
        return order

    def _shipment(self, event: CanonicalEvent, customer_id: Owner) -> KnownShipment | None:
        keys = [key(customer_id, kind, event.refs[kind]) for kind in IDENTITY if kind in event.refs]
        if not keys:
            return None
        shipment = next((self.shipments[k] for k in keys if k in self.shipments), None) or KnownShipment()
        for k in keys:
            self.shipments.setdefault(k, shipment)
        shipment.refs = {kind: event.refs[kind] for kind in IDENTITY if kind in event.refs} | shipment.refs
        return shipment

    def _move(self, shipment: KnownShipment, event: CanonicalEvent, source: str) -> Facts:
        _tell(shipment, "shipment.", f.told(event, f.SHIPMENT_FIELDS), source, event.occurred_at)
        found = report(event)
        stale = found is not None and is_stale(shipment.state, found)
        state = advance(shipment.state, found)[0] if found else shipment.state
        if state != shipment.state or "shipment.number" not in shipment.facts:
            shipment.state = state
            shipment.facts = shipment.facts | shipment_facts(number_of(shipment.refs), state, source, event.occurred_at)
        return f.make("event.", {"stale": stale}, source, event.occurred_at)

    def _count(self, event: CanonicalEvent, source: str, customer_id: Owner) -> Facts:
        """Stock as it was before this event; a count replaces it for the next."""
        if event.type != "inventory.recorded":
            return {}
        where = key(customer_id, "stock", f"{event.refs['sku']}\n{event.data.get('site', '')}")
        before = self.stock.get(where, KnownStock())
        fresh = f.make("inventory.", f.told(event, ("on_hand", "available")), source, event.occurred_at)
        self.stock[where] = KnownStock(before.facts | fresh, before.id, before.version)
        return before.facts


def key(customer_id: Owner, kind: str, value: str) -> Key:
    """How a reference is looked up: by its customer, kind and lower-cased value."""
    return customer_id, kind, value.lower()


def order_told(event: CanonicalEvent) -> dict[str, Any]:
    """The order's fields an event carries; a missed cutoff is one of them."""
    fields = f.told(event, f.ORDER_FIELDS) | ({"account": event.account} if event.account else {})
    return fields | ({"cutoff_missed": True} if event.type == "order.cutoff_missed" else {})


def report(event: CanonicalEvent) -> Report | None:
    """What an event reports about its shipment's journey, or None when it reports no milestone."""
    data = event.data
    read = taxonomy().classify(data.get("status_code"), data.get("reason_code"))
    expected = data.get("estimated_at")
    milestone = data.get("milestone") or read.milestone or ("estimated" if expected else None)
    if milestone is None:
        return None
    if milestone == "estimated":
        expected = expected or event.occurred_at
    codes = {"status_code": data.get("status_code", ""), "reason_code": data.get("reason_code", "")}
    return Report(milestone, event.occurred_at, data.get("kind", "actual"), expected_at=expected, **codes)


def number_of(refs: dict[str, str]) -> str:
    """The one reference a shipment is called by: of the best kind it has."""
    return next((refs[kind] for kind in IDENTITY if kind in refs), "")


def shipment_facts(number: str, state: State, source: str, at: datetime) -> Facts:
    """shipment.* of what is known about its journey."""
    values = {
        "number": number or None, "status": state.status, "status_at": state.status_at, "eta": state.eta, "last_seen_at": state.last_seen_at,
    }  # fmt: skip
    return f.make("shipment.", values, source, at)


def promise_facts(promises: Iterable[tuple[str, datetime, int]], source: str, now: datetime) -> Facts:
    """promise.* of the promise (name, due, grace in minutes), of those not kept, that is due first."""
    first = min(promises, key=lambda promise: promise[1], default=None)
    if first is None:
        return {}
    name, due_at, grace = first
    left = int((due_at - now) / timedelta(minutes=1))
    return f.make("promise.", {"name": name, "due_at": due_at, "minutes_left": left, "grace_minutes": grace}, source, now)


def _promised(order: KnownOrder, event: CanonicalEvent, now: datetime) -> Facts:
    """The promises that follow from dates this batch tells; those told before are in their table."""
    if order.id is not None and not any(event.data.get(field) for _, field in _DATES):
        return {}
    dates = [(name, order.facts.get(f"order.{field}")) for name, field in _DATES]
    given = [(name, datetime.fromisoformat(fact.value), 0) for name, fact in dates if fact is not None]
    source = next((fact.source for _, fact in dates if fact is not None), "")
    return promise_facts(given, source, now)


def _tell(thing: KnownOrder | KnownShipment, prefix: str, said: dict[str, Any], source: str, at: datetime) -> None:
    """Merge what is said about a thing into its facts; a field keeps its newest word and that word's source."""
    current = {name.removeprefix(prefix): fact.value for name, fact in thing.facts.items()}
    fresh, times = merge(current, thing.times, said, at)
    thing.times = thing.times | times
    thing.facts = thing.facts | {f"{prefix}{name}": Fact(f"{prefix}{name}", value, source, at) for name, value in fresh.items()}
