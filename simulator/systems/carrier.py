"""The carrier: quotes faster services and amends bookings. An amendment gives the warehouse its new pick-up."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from simulator import ledger
from simulator.operations import Answer, Refused, Request, System, World, money, ping

carrier = System("carrier")
ping(carrier, "/v2/ping")


class Service(NamedTuple):
    """A product of the carrier: hours from ready to delivered, price in minor units of EUR."""

    name: str
    hours: int
    minor: int


SERVICES = {
    "AIR-NFO": Service("Next flight out", 14, 184_000),
    "ROAD-EXP": Service("Express road", 26, 42_000),
    "ROAD-STD": Service("Next regular departure", 50, 0),
}


@carrier.operation("POST", "/v2/options")
def expedite_options(world: World, request: Request) -> Answer:
    """Every service for the shipment, dearest first; `ready` is when the goods can be handed over (now, when left out)."""
    world.get("booking", request.text("shipment"))
    start = _instant(request.body["ready"]) if request.body.get("ready") else world.now
    return Answer({"options": [_quote(option, start) for option in SERVICES]})


@carrier.operation("POST", "/v2/bookings/{shipment}/amendments", effect=True)
def amend(world: World, request: Request) -> Answer:
    """Move the shipment's booking to another service."""
    booking = world.get("booking", request.path["shipment"])
    option = request.text("option")
    if option not in SERVICES:
        raise Refused(422, "option_unknown", f"The carrier offers no option {option}.")
    quote = _quote(option, world.now)
    world.put(
        "booking", booking["shipment"], {**booking, "option": option, "eta": quote["eta"], "reference": request.body.get("reference")}
    )
    _release(world, booking["order"], option)
    return Answer({"booking": booking["number"], "status": "confirmed", "eta": quote["eta"], "price": quote["price"]}, 201)


@carrier.operation("GET", "/v2/requests/{key}")
def find_request(world: World, request: Request) -> Answer:
    """What became of a call whose answer was lost, by its Idempotency-Key."""
    first = ledger.first_answer(world.store, world.partner, "carrier", request.path["key"])
    if first is None:
        raise Refused(404, "not_found", "No request with this key had an effect.")
    return Answer({"status": "done", "result": first.answer})


def _quote(option: str, start: datetime) -> dict[str, Any]:
    service = SERVICES[option]
    return {
        "id": option,
        "service": service.name,
        "eta": (start + timedelta(hours=service.hours)).isoformat(),
        "price": money(service.minor),
    }


def _release(world: World, number: str, option: str) -> None:
    order = world.get("order", number)
    world.put("order", number, {**order, "state": "REROUTED", "carrierOption": option, "changedAt": world.now.isoformat()})


def _instant(text: object) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError as error:
        raise Refused(422, "time_unreadable", "`ready` must be an ISO 8601 time.") from error
