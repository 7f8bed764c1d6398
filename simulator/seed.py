"""Who lives in the world: two partners with two customers each, and the orders a story puts into it."""

from datetime import datetime
from typing import NamedTuple

from simulator.store import Store


class Customer(NamedTuple):
    """A customer of a partner as its CRM knows it; `account` is the number its systems use."""

    slug: str
    name: str
    account: str
    segment: str
    manager: str


PARTNERS: dict[str, tuple[Customer, ...]] = {
    "northwind": (
        Customer("acme-pharma", "Acme Pharma", "ACME-01", "platinum", "Ines Halvorsen"),
        Customer("boreal-foods", "Boreal Foods", "BOREAL-02", "standard", "Marek Oyelaran"),
    ),
    "harborline": (
        Customer("corvid-medical", "Corvid Medical", "CORVID-11", "gold", "Solveig Nakata"),
        Customer("tideway-parts", "Tideway Parts", "TIDE-12", "standard", "Bram Adeyemi"),
    ),
}


def customers(partner: str) -> list[str]:
    """The slugs of a partner's customers; empty for an unknown partner."""
    return [customer.slug for customer in PARTNERS.get(partner, ())]


def populate(store: Store) -> None:
    """Open every customer's CRM account; harmless when done before."""
    with store:
        for partner, people in PARTNERS.items():
            for person in people:
                account = {"number": person.account, "segment": person.segment, "manager": person.manager, "since": "2019-04-01"}
                store.put(partner, "account", person.account, {**account, "owner": person.slug})


def add_order(store: Store, *, partner: str, customer: str, order: str, shipment: str, sku: str, promised_at: str, now: datetime) -> None:
    """An order that missed its cutoff, and the booking of its shipment, as the warehouse and the carrier know them."""
    seen = {
        "orderNumber": order,
        "state": "CUTOFF_MISSED",
        "carrierOption": "ROAD-STD",
        "promisedAt": promised_at,
        "changedAt": now.isoformat(),
    }
    with store:
        store.put(partner, "order", order, {**seen, "sku": sku, "owner": customer})
        store.put(partner, "booking", shipment, {"number": f"BK-{shipment}", "shipment": shipment, "order": order, "owner": customer})
