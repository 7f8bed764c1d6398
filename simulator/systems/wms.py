"""Warehouse management: knows whether an order made its cutoff, and releases it once the carrier has a new pick-up."""

from simulator.operations import Answer, Request, System, World, ping, public

wms = System("wms")
ping(wms, "/rest/ping")


@wms.operation("GET", "/rest/orders/{order}")
def order_status(world: World, request: Request) -> Answer:
    """The order as the warehouse sees it now."""
    order = world.get("order", request.path["order"])
    return Answer(public(order, "orderNumber", "state", "carrierOption", "promisedAt", "changedAt"))
