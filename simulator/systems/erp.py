"""Resource planning: where else the goods lie, and the date the order promises."""

from datetime import timedelta

from simulator.operations import Answer, Refused, Request, System, World, ping, public

erp = System("erp")
ping(erp, "/api/ping")
_STOCK = (("HAM2", 40), ("PRG1", 8))


@erp.operation("GET", "/api/orders/{order}/alternatives")
def inventory_alternatives(world: World, request: Request) -> Answer:
    """Other sites that hold the order's article, or the one asked for by `sku`."""
    order = world.get("order", request.path["order"])
    sku = request.query.get("sku", order["sku"])
    ready = (world.now + timedelta(hours=3)).isoformat()
    return Answer({"alternatives": [{"site": site, "sku": sku, "qty": held, "readyAt": ready} for site, held in _STOCK]})


@erp.operation("POST", "/api/orders/{order}/amendments", effect=True)
def amend_order(world: World, request: Request) -> Answer:
    """A new promised date for the order; each amendment is kept under its request id."""
    order = world.get("order", request.path["order"])
    if not request.body.get("promisedAt"):
        raise Refused(422, "field_missing", "`promisedAt` is required to amend an order.")
    amendment = {"id": world.number("erp_amendment", "ERA"), "order": order["orderNumber"], "status": "accepted"}
    world.put("erp_amendment", amendment["id"], {**amendment, **request.body, "requestId": request.text("requestId")})
    world.put("order", order["orderNumber"], {**order, "promisedAt": request.body["promisedAt"], "changedAt": world.now.isoformat()})
    return Answer(amendment, 201)


@erp.operation("GET", "/api/amendments")
def find_amendment(world: World, request: Request) -> Answer:
    """Amendments by request id: what became of a call whose answer was lost."""
    found = world.all("erp_amendment", requestId=request.query.get("requestId", ""))
    return Answer({"amendments": [public(amendment, "id", "order", "status") for amendment in found]})
