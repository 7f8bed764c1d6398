"""The way from an empty account to a first exception handled under the own brand, read from what is really there; then an overview."""

from dataclasses import dataclass
from importlib import resources
from typing import Any
from uuid import UUID

from litestar import Response

from app.audit import queries as audit
from app.cases import queries as cases
from app.cases.joined import case_of_signal
from app.connectors import queries as connectors
from app.core.errors import Conflict, FieldError, Invalid, NotAllowed, NotFound
from app.core.ids import new_id
from app.core.uow import UnitOfWork
from app.ingest import queries as ingest
from app.ingest.arrival import Arrival
from app.ingest.commands.accept import accept_signal
from app.ingest.commands.mappings import draft_mapping, publish_mapping
from app.ingest.commands.sources import create_source
from app.ingest.models import Source
from app.ingest.schemas import NewMapping, NewSource
from app.policies import commands as policies
from app.policies import queries as policy_queries
from app.portal import samples
from app.portal.admin.audit_words import SETTINGS, sentence
from app.portal.admin.choices import customer_of, offered, who
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from app.workflows import commands as workflows
from app.workflows import queries as workflow_queries
from branding import queries as brands
from tenants import console_queries as people
from tenants.models import Customer

STARTERS = {"source": "sources.write", "mapping": "mappings.publish", "policy": "policies.publish", "workflow": "workflows.publish"}
SOURCE, MAPPING = "warehouse", "warehouse"
KINDS = {"webhook": "webhook", "cloudevents": "CloudEvents", "x12": "X12"}


class SourceMissing(Invalid):
    """There is no source to send it through."""

    status = 422


class SourceShut(Conflict):
    """This source is disabled; open it again or choose another."""


@dataclass(frozen=True)
class Step:
    """One step of the way: whether it is done, where it is done, and what may be taken to have it done at once."""

    key: str
    group: str
    title: str
    why: str
    to: str
    action: str
    is_done: bool
    said: str = ""
    is_optional: bool = False
    starter: str = ""


@page_get("/admin", area="admin", permission="brand.read")
async def start(screen: Screen, uow: UnitOfWork, signal: UUID | None = None) -> Response[str]:
    """The path while something of it is to be done; the overview after that, with the path below it."""
    return await _start(screen, uow, Form(), signal)


@page_post("/admin/start/{what:str}", area="admin", permission="brand.read")
async def take_starter(screen: Screen, form: Form, what: str) -> Response[str]:
    """Take what is shipped for one step: a source, a mapping, a policy or a workflow, in force at once."""
    if what not in STARTERS:
        raise NotFound()
    if not screen.reader.may(STARTERS[what]):
        raise NotAllowed()

    async def change(uow: UnitOfWork) -> None:
        await _STARTS[what](screen, uow)

    return await screen.change(change, form, then="/admin", done=f"starter_{what}", again=lambda uow, wrong: _start(screen, uow, wrong))


@page_post("/admin/test-signal", area="admin", permission="signals.replay")
async def send_test_signal(screen: Screen, form: Form) -> Response[str]:
    """Take in a shipped message through a source of theirs, as its sender would: what happens then is what happens to every message."""
    source = form.value("source")
    try:
        async with screen.read() as uow:
            arrival = await _arrival(screen, uow, form, source)
        receipt = await accept_signal(screen.shell, arrival)
    except (Invalid, Conflict) as fault:
        return await screen.again(lambda uow, wrong: _start(screen, uow, wrong), form.refused(fault), fault.status)
    return screen.go(f"/admin?signal={receipt.id}#test", done="signal_sent")


@page_get("/admin/test-signal/{signal_id:uuid}", area="admin", permission="signals.read")
async def became(screen: Screen, uow: UnitOfWork, signal_id: UUID) -> Response[str]:
    """What became of a test signal so far, for the place that asks again until it is settled."""
    await ingest.receipt(uow, signal_id)
    return screen.fragment("admin/start_became.html", became=await _became(uow, signal_id))


async def _start(screen: Screen, uow: UnitOfWork, form: Form, signal: UUID | None = None) -> Response[str]:
    steps = await _steps(screen, uow)
    next_step = next((s for s in steps if not s.is_done and not s.is_optional), None) or next((s for s in steps if not s.is_done), None)
    is_finished = all(s.is_done or s.is_optional for s in steps)
    sources = [s for s in await ingest.sources(uow) if s.status == "active"]
    return screen.show(
        "admin/start.html", form=form, steps=steps, next_step=next_step, is_finished=is_finished, sources=sources, samples=_shown(sources),
        source_choices=[(source.name, f"{source.name} ({KINDS[source.kind]})") for source in sources],
        became=await _became(uow, signal) if signal else None, overview=await _overview(uow) if is_finished else None, starters=STARTERS,
        **await offered(uow),
    )  # fmt: skip


def _making(screen: Screen, noun: str, permission: str) -> str:
    """The page that makes one; the list of those there are, for whoever may not."""
    return f"{noun}/new" if screen.reader.may(permission) else noun


async def _steps(screen: Screen, uow: UnitOfWork) -> list[Step]:
    seen, hosts = await brands.shown(uow), await brands.domains(uow)
    own = [row for row in hosts if row.verified_at and not row.host.endswith(f".{screen.shell.settings.public_domain}")]
    first_customers, some = await people.first_customers(uow, 1), await people.users(uow, cursor=None, limit=2)
    sources, mappings = await ingest.sources(uow), await ingest.mappings(uow, name=None, cursor=None, limit=50)
    signals = await ingest.receipts(uow, source=None, status=None, cursor=None, limit=1)
    policy = await policy_queries.versions(uow, status="published", cursor=None, limit=1)
    workflow = await workflow_queries.definitions(uow, name=None, status="published", customer_id=None, cursor=None, limit=1)
    tests = await audit.log(uow, audit.Wanted(type="connection.tested"), cursor=None, limit=10)
    solved = await cases.board(uow, cases.Filters(status="resolved"), sort="time", cursor=None, limit=1)
    published = [m for m in mappings.items if m.status == "published"]
    worked = [t for t in tests.items if (t.data or {}).get("ok")]
    open_sources = [s for s in sources if s.status == "active"]
    return [
        Step("brand", "Your brand", "Publish your brand", "Name, colours and logo: from then on every page and mail speaks as you.",
             "/admin/brand", "Edit the brand", bool(seen.brand), seen.brand.voice.name if seen.brand else ""),
        Step("domain", "Your brand", "Use your own address", "Your customers open your domain; until it is proven, your address here works.",
             "/admin/domains", "Add a domain", bool(own), own[0].host if own else "", is_optional=True),
        Step("customer", "Your people", "Add your first customer", "Whose goods you look after, and how fast you promise to answer.",
             _making(screen, "/admin/customers", "customers.write"), "Add a customer", bool(first_customers), first_customers[0].name if first_customers else ""),
        Step("user", "Your people", "Invite somebody", "Colleagues who handle exceptions, or people of your customer; they sign in by mail.",
             _making(screen, "/admin/users", "users.write"), "Invite somebody", len(some.items) > 1, "" if len(some.items) < 2 else "people can sign in"),
        Step("source", "What comes in", "Open a source", "The way in for one system's messages: a warehouse, a carrier, an ERP.",
             "/admin/sources", "Open a source", bool(open_sources), open_sources[0].name if open_sources else "", starter="source"),
        Step("mapping", "What comes in", "Say how its messages are read", "A mapping turns a message into an event. CloudEvents need none.",
             "/admin/mappings", "Write a mapping", bool(published), published[0].name if published else "",
             is_optional=any(s.kind == "cloudevents" for s in open_sources), starter="mapping"),
        Step("policy", "What is decided", "Publish a policy", "It decides what is an exception, how urgent it is and what has to be asked first.",
             "/admin/policies", "Write a policy", bool(policy.items), policy.items[0].title if policy.items else "", starter="policy"),
        Step("workflow", "What is decided", "Publish a workflow", "What happens by itself when a case opens; people can always do it by hand.",
             "/admin/workflows", "Write a workflow", bool(workflow.items), workflow.items[0].title if workflow.items else "",
             is_optional=True, starter="workflow"),
        Step("connection", "What goes out", "Test a connection", "A way to ask and tell another system; the test says whether it answers and knows you.",
             "/admin/connections", "Connect a system", bool(worked), "it answers" if worked else "", is_optional=True),
        Step("signal", "The first exception", "Receive a first message", "From your system, or a test message from here.",
             "#test", "Send a test message", bool(signals.items), signals.items[0].source if signals.items else ""),
        Step("case", "The first exception", "Handle your first case", "Take it in the control tower, do what it asks, and resolve it.",
             "/ops", "Open the control tower", bool(solved.items), solved.items[0].title if solved.items else ""),
    ]  # fmt: skip


async def _overview(uow: UnitOfWork) -> dict[str, Any]:
    """What an administrator looks at first when everything is set up."""
    facets = await cases.facets(uow)
    parked = await ingest.parked(uow, reason=None, source=None, cursor=None, limit=51)
    last = await ingest.receipts(uow, source=None, status=None, cursor=None, limit=1)
    known = await connectors.connections(uow, cursor=None, limit=100)
    changes = await audit.log(uow, audit.Wanted(families=SETTINGS), cursor=None, limit=8)
    return {
        "cases": sum(facets.counts["status"].values()), "is_all": facets.is_complete,
        "breached": facets.counts["breached"].get("true", 0), "parked": len(parked.items), "last": last.items[0] if last.items else None,
        "stuck": [c for c in known.items if c.breaker and c.breaker.state != "closed"], "old_keys": await people.used_after_rotation(uow),
        "unproven": [row for row in await brands.domains(uow) if not row.verified_at], "changes": changes.items, "sentence": sentence,
        "who": await who(uow, [entry.actor for entry in changes.items]),
    }  # fmt: skip


async def _became(uow: UnitOfWork, signal_id: UUID) -> dict[str, Any]:
    try:
        receipt = await ingest.receipt(uow, signal_id)
    except NotFound:
        return {"id": signal_id, "receipt": None, "case": None}
    case_id = await case_of_signal(uow, signal_id)
    return {"id": signal_id, "receipt": receipt, "case": await cases.case(uow, case_id) if case_id else None}


async def _arrival(screen: Screen, uow: UnitOfWork, form: Form, name: str) -> Arrival:
    sources = {source.name: source for source in await ingest.sources(uow)}
    if name not in sources:
        raise SourceMissing(errors=[FieldError("/source", "There is no such source.", "Open one first, then choose it here.")])
    source = sources[name]
    if source.status != "active":
        raise SourceShut()
    customer = source.customer_id or await customer_of(uow, form)
    if customer is None:
        raise Invalid(errors=[FieldError("/customer", "is needed", "Say whose order it should be.")], status=422)
    account = (await uow.get(Customer, customer)).slug.upper()
    number = new_id().hex[-7:].upper()
    raw = samples.message(source.kind, order=f"SAMPLE-{number}", account=account, now=screen.now)
    return Arrival(
        tenant_id=uow.tenant_id, source=source.name, kind=source.kind, actor=screen.reader.principal.actor, raw=raw,
        content_type=samples.MESSAGES[source.kind][1], headers={"user-agent": "console"}, sender_id=f"sample {number}", customer_id=customer,
        cause="console:test-signal",
    )  # fmt: skip


def _shown(sources: list[Source]) -> list[tuple[str, str]]:
    """What would be sent, by kind of source."""
    return [(kind, samples.text(name)) for kind, (name, _) in samples.MESSAGES.items() if any(source.kind == kind for source in sources)]


async def _take_source(screen: Screen, uow: UnitOfWork) -> None:
    if not any(source.name == SOURCE for source in await ingest.sources(uow)):
        await create_source(uow, screen.shell, NewSource(name=SOURCE, kind="webhook", mapping=MAPPING))


async def _take_mapping(screen: Screen, uow: UnitOfWork) -> None:
    if await ingest.published_mapping(uow, MAPPING, None) is None:
        draft = await draft_mapping(uow, screen.shell, NewMapping(name=MAPPING, content=samples.text("warehouse.jq")))
        await uow.session.flush()
        await publish_mapping(uow, draft)


async def _take_policy(screen: Screen, uow: UnitOfWork) -> None:
    content = (resources.files("app.policies") / "library" / "cutoff-missed.yaml").read_text(encoding="utf-8")
    row = await policies.save(uow, screen.shell.sandbox, content, customer_id=None)
    await uow.session.flush()
    await policies.publish(uow, row)


async def _take_workflow(screen: Screen, uow: UnitOfWork) -> None:
    row = await workflows.draft(uow, screen.shell, samples.text("workflow.yaml"), customer_id=None)
    await uow.session.flush()
    await workflows.publish(uow, row)


_STARTS: dict[str, Any] = {"source": _take_source, "mapping": _take_mapping, "policy": _take_policy, "workflow": _take_workflow}
ROUTES: list[Any] = [start, take_starter, send_test_signal, became]
