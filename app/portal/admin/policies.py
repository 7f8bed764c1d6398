"""Policies: written beside the facts they may read, checked while one writes, tried on past signals, published, rolled back."""

from itertools import groupby
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import Parameter

from app.cases import queries as cases
from app.core.errors import Fault, Invalid, NotAllowed
from app.core.uow import UnitOfWork
from app.core.versions import of_name, shelf
from app.policies import commands, queries
from app.policies.checks import check
from app.policies.models import PolicyVersion
from app.policies.schemas import FactView, SavePolicy, Simulation
from app.policies.simulate import simulate_text
from app.portal.admin.choices import customer_of, offered
from app.portal.admin.showing import Found, found_in, owners_of, people_of
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from tenants.names import customer_names

SHOWN, DECIDED, SEEN = 50, 30, 60
LIST = "/admin/policies"
PAST = ((1, "the last day"), (7, "the last 7 days"), (30, "the last 30 days"), (90, "the last 90 days"))
Cursor = Annotated[str | None, Parameter(max_length=400)]
FIRST = """name: late-delivery
title: Deliveries that come late
open:
  - rule: late
    on: shipment.milestone_recorded
    where: {event.exception: delivery.delayed}
    when: '!event.stale'
    exception: {type: event.exception}
    group_by: {shipment: shipment.number}
    title: Shipment {shipment.number} is late
"""
GROUPS = {
    "event": "The event itself", "event.refs": "References of the event", "event.data": "What the event says", "order": "The order", "shipment": "The shipment",
    "promise": "The promise that is due first", "customer": "The customer", "document": "Documents", "inventory": "Stock", "options": "Ways out that were found",
    "case": "The case", "call": "What is about to be done (gates and limits)", "now": "Time",
}  # fmt: skip
BY_TYPE = {
    "string": '{0} == "…"', "int": "{0} > 1000", "double": "{0} > 0.5", "bool": "{0}", "timestamp": '{0} < now + duration("2h")',
    "list<string>": '"…" in {0}',
}  # fmt: skip


class Told(msgspec.Struct, frozen=True):
    """A fact with how it is written, and what it was the last time a decision read it."""

    fact: FactView
    written: str
    seen: str


@page_get(LIST, area="admin", permission="policies.read")
async def list_policies(screen: Screen, uow: UnitOfWork, cursor: Cursor = None) -> Response[str]:
    """Every policy with the version in force and the draft ahead of it."""
    found = await shelf(uow, PolicyVersion, cursor=cursor, limit=SHOWN)
    titles = await queries.titles(uow, [one.shown_id for one in found.items])
    return screen.show("admin/policies.html", found=found, titles=titles, names=await owners_of(uow, found.items), cursor=cursor)


@page_get(f"{LIST}/facts", area="admin", permission="policies.read")
async def show_facts(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """Every fact a policy may read, with its type, its meaning and an example."""
    return screen.show("admin/policy_facts_page.html", groups=await _facts(uow))


@page_get(f"{LIST}/new", area="admin", permission="policies.write")
async def new_policy(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """The first version of a policy, from a small example."""
    return await _page(screen, uow, Form.of({"content": FIRST}), None)


@page_get(f"{LIST}/{{policy_id:uuid}}", area="admin", permission="policies.read")
async def show_policy(screen: Screen, uow: UnitOfWork, policy_id: UUID) -> Response[str]:
    """One version: its text, its facts, what it decided."""
    row = await uow.get(PolicyVersion, policy_id)
    return await _page(screen, uow, Form.of({"content": row.content}), row)


@page_post(f"{LIST}/check", area="admin", permission="policies.write")
async def check_policy(screen: Screen, form: Form) -> Response[str]:
    """What is wrong with the text being written, for the place beside it."""
    found = await _findings(screen, form.value("content"))
    return screen.fragment("admin/policy_findings.html", findings=found, text=form.value("content"))


@page_post(f"{LIST}/new", area="admin", permission="policies.write")
async def save_first(screen: Screen, form: Form) -> Response[str]:
    """Try it, or keep it as version 1."""
    return await _submitted(screen, form, None)


@page_post(f"{LIST}/{{policy_id:uuid}}", area="admin", permission="policies.simulate")
async def save_next(screen: Screen, form: Form, policy_id: UUID) -> Response[str]:
    """Try it on what happened, or keep it as the next version."""
    async with screen.read() as uow:
        row = await uow.get(PolicyVersion, policy_id)
    return await _submitted(screen, form, row)


@page_post(f"{LIST}/{{policy_id:uuid}}/publish", area="admin", permission="policies.publish")
async def publish(screen: Screen, form: Form, policy_id: UUID) -> Response[str]:
    """Put it in force."""
    return await _steered(screen, form, policy_id, commands.publish, "policy_published")


@page_post(f"{LIST}/{{policy_id:uuid}}/roll-back", area="admin", permission="policies.publish")
async def roll_back(screen: Screen, form: Form, policy_id: UUID) -> Response[str]:
    """Put it in force again."""
    return await _steered(screen, form, policy_id, commands.roll_back, "rolled_back")


@page_post(f"{LIST}/{{policy_id:uuid}}/retire", area="admin", permission="policies.publish")
async def retire(screen: Screen, form: Form, policy_id: UUID) -> Response[str]:
    """Take it out of force."""
    return await _steered(screen, form, policy_id, commands.retire, "retired")


async def _steered(screen: Screen, form: Form, policy_id: UUID, verb: Any, done: str) -> Response[str]:
    async def change(uow: UnitOfWork) -> None:
        await verb(uow, await uow.get(PolicyVersion, policy_id, lock=True))

    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        row = await uow.get(PolicyVersion, policy_id)
        return await _page(screen, uow, Form.of({"content": row.content}).refused(wrong.fault or Invalid()), row)

    return await screen.change(change, form, then=f"{LIST}/{policy_id}", done=done, again=again)


async def _submitted(screen: Screen, form: Form, row: PolicyVersion | None) -> Response[str]:
    async def again(uow: UnitOfWork, given: Form) -> Response[str]:
        return await _page(screen, uow, given, row)

    if form.value("do") != "keep":
        return await screen.again(again, form, 200)

    async def change(uow: UnitOfWork) -> UUID:
        if not screen.reader.may("policies.write"):
            raise NotAllowed()
        owner = row.customer_id if row else await customer_of(uow, form)
        wanted = form.read(SavePolicy, only=("content",))
        return (await commands.save(uow, screen.shell.sandbox, wanted.content, customer_id=owner)).id

    return await screen.change(change, form, then=lambda made: f"{LIST}/{made}", done="drafted", again=again)


async def _page(screen: Screen, uow: UnitOfWork, form: Form, row: PolicyVersion | None) -> Response[str]:
    versions = await of_name(uow, PolicyVersion, row) if row else []
    decided = await queries.decisions_of(uow, row.id, limit=DECIDED) if row else []
    found = await cases.of_decisions(uow, [one.id for one in decided])
    tried = await _tried(screen, uow, form, row)
    affected = tried.exceptions if isinstance(tried, Simulation) else []
    whose = [one.customer_id for one in affected] + [one.customer_id for one in decided] + ([row.customer_id] if row else [])
    more = await offered(uow)
    return screen.show(
        "admin/policy.html", form=form, row=row, versions=versions, people=await people_of(uow, versions), findings=await _findings(screen, form.value("content")),
        groups=await _facts(uow), decided=decided, cases=found, tried=tried, names=await customer_names(uow, whose), past=PAST,
        customers=more["customers"], text=form.value("content"),
    )  # fmt: skip


async def _findings(screen: Screen, text: str) -> list[Found]:
    """What keeps a text from being kept."""
    try:
        await check(screen.shell.sandbox, text)
    except Fault as fault:
        return found_in(fault)
    return []


async def _tried(screen: Screen, uow: UnitOfWork, form: Form, row: PolicyVersion | None) -> Simulation | str | None:
    """What the text would have decided on past events; in words why that can't be said; nothing when nobody asked."""
    if form.value("do") != "try":
        return None
    days = next((number for number, _ in PAST if str(number) == form.value("days")), 7)
    try:
        owner = row.customer_id if row else await customer_of(uow, form)
        return await simulate_text(uow, screen.shell.sandbox, form.value("content"), owner, days=days, limit=1000)
    except Fault as fault:
        return fault.detail


async def _facts(uow: UnitOfWork) -> list[tuple[str, list[Told]]]:
    """The vocabulary by what it is about, each fact with what it was lately."""
    seen = {name: _short(value) for name, value in (await queries.seen_values(uow, limit=SEEN)).items()}
    told = [Told(fact, BY_TYPE.get(fact.type, "{0}").format(fact.name), seen.get(fact.name, "")) for fact in queries.facts()]
    grouped = {name: list(each) for name, each in groupby(sorted(told, key=_group), key=_group)}
    return [(title, grouped[name]) for name, title in GROUPS.items() if name in grouped]


def _group(one: Told) -> str:
    first, *rest = one.fact.name.split(".")
    return f"{first}.{rest[0]}" if first == "event" and rest and rest[0] in ("refs", "data") and len(rest) > 1 else first


def _short(value: Any) -> str:
    text = (
        ", ".join(str(each) for each in value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)
    )
    return text[:40]


ROUTES: list[Any] = [
    list_policies, show_facts, new_policy, show_policy, check_policy, save_first, save_next, publish, roll_back, retire,
]  # fmt: skip
