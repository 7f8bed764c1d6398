"""Customer relations: the customer's tier, and the notes its account manager reads."""

from simulator.operations import Answer, Request, System, World, ping, public

crm = System("crm")
ping(crm, "/v1/ping")


@crm.operation("GET", "/v1/accounts/{account}")
def customer_tier(world: World, request: Request) -> Answer:
    """The account with its segment, which is what this CRM calls a tier."""
    account = world.get("account", request.path["account"])
    return Answer({"segment": account["segment"], "owner": {"name": account["manager"]}, "customer_since": account["since"]})


@crm.operation("POST", "/v1/accounts/{account}/notes", effect=True)
def add_note(world: World, request: Request) -> Answer:
    """A note on the account."""
    account = world.get("account", request.path["account"])
    note = {
        "id": world.number("note", "NOTE"),
        "account": account["number"],
        "subject": request.text("subject"),
        "text": request.text("text"),
    }
    world.put("note", note["id"], {**note, "external_id": request.body.get("external_id")})
    return Answer({"id": note["id"]}, 201)


@crm.operation("GET", "/v1/notes")
def find_note(world: World, request: Request) -> Answer:
    """Notes by external id."""
    found = world.all("note", external_id=request.query.get("external_id", ""))
    return Answer({"notes": [public(note, "id") for note in found]})
