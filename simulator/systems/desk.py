"""The service desk: a ticket for the people who look after the customer."""

from simulator.operations import Answer, Refused, Request, System, World, ping, public
from simulator.store import Document

desk = System("desk")
ping(desk, "/api/v3/ping")


@desk.operation("POST", "/api/v3/tickets", effect=True)
def open_case(world: World, request: Request) -> Answer:
    """A new ticket."""
    asked = _ticket(request)
    number = world.number("ticket", "TCK")
    ticket = {**asked, "number": number, "link": f"https://desk.example/tickets/{number}", "status": "open"}
    world.put("ticket", number, ticket)
    return Answer({"ticket": public(ticket, "number", "link")}, 201)


@desk.operation("GET", "/api/v3/tickets")
def find_ticket(world: World, request: Request) -> Answer:
    """Tickets by external id."""
    found = world.all("ticket", external_id=request.query.get("external_id", ""))
    return Answer({"tickets": [public(ticket, "number", "link") for ticket in found]})


def _ticket(request: Request) -> Document:
    ticket = request.body.get("ticket")
    if not isinstance(ticket, dict) or not ticket.get("title"):
        raise Refused(422, "field_missing", "`ticket.title` must be a non-empty string.")
    return ticket
