"""Mappings: a stored message, the program and what it makes of it side by side; compared over past messages before it is published."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import Parameter

from app.core.errors import Fault, Invalid
from app.core.parsing import parse_json
from app.core.sandbox import SandboxLimit, SandboxRefused
from app.core.uow import UnitOfWork
from app.core.versions import of_name, shelf
from app.ingest import queries
from app.ingest.commands import mappings as commands
from app.ingest.models import Mapping
from app.ingest.schemas import Diffed, NewMapping, Tried
from app.ingest.understanding import MAPPING_VARIABLES
from app.portal.admin.choices import customer_of, offered
from app.portal.admin.showing import Found, found_in, owners_of, people_of, told
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen

SHOWN, OFFERED, COMPARED = 50, 20, 50
LIST = "/admin/mappings"
Cursor = Annotated[str | None, Parameter(max_length=400)]
Name = Annotated[str, Parameter(pattern="^[a-z][a-z0-9-]{1,62}$", max_length=63)]
FIRST = """# What comes in is `.`; $source, $received_at and $headers are known too.
# The result is a list of canonical events, empty when a message means nothing here.
[
  {
    type: "order.recorded",
    occurred_at: .occurred_at,
    account: .account,
    refs: {order: .order},
    data: {}
  }
]
"""


class Outcome(msgspec.Struct, frozen=True):
    """What became of a program: what keeps it from compiling, and what it makes of each item of a message."""

    findings: list[Found] = []
    tried: list[Tried] = []


@page_get(LIST, area="admin", permission="mappings.read")
async def list_mappings(screen: Screen, uow: UnitOfWork, cursor: Cursor = None) -> Response[str]:
    """Every mapping with the version in force and the draft ahead of it."""
    found = await shelf(uow, Mapping, cursor=cursor, limit=SHOWN)
    used: dict[str, list[str]] = {}
    for source in await queries.sources(uow):
        used.setdefault(source.mapping or "", []).append(source.name)
    return screen.show("admin/mappings.html", found=found, names=await owners_of(uow, found.items), used=used, cursor=cursor)


@page_get(f"{LIST}/new", area="admin", permission="mappings.write")
async def new_mapping(screen: Screen, uow: UnitOfWork, signal: UUID | None = None) -> Response[str]:
    """The first version of a mapping, written on a message that came in."""
    return await _page(screen, uow, Form.of({"content": FIRST, "signal": signal}), None)


@page_get(f"{LIST}/named/{{mapping_name:str}}", area="admin", permission="mappings.read")
async def named(screen: Screen, uow: UnitOfWork, mapping_name: Name, signal: UUID | None = None) -> Response[str]:
    """The version of this name that a message would go through now, with that message chosen."""
    owner = (await queries.stored_signal(uow, signal)).customer_id if signal else None
    row = await queries.published_mapping(uow, mapping_name, owner) or await queries.newest_version(uow, mapping_name, None)
    if row is None:
        return await _page(screen, uow, Form.of({"content": FIRST, "signal": signal, "name": mapping_name}), None)
    return screen.go(f"{LIST}/{row.id}", **({"signal": str(signal)} if signal else {}))


@page_get(f"{LIST}/{{mapping_id:uuid}}", area="admin", permission="mappings.read")
async def show_mapping(screen: Screen, uow: UnitOfWork, mapping_id: UUID, signal: UUID | None = None) -> Response[str]:
    """One version beside a message and its result."""
    row = await uow.get(Mapping, mapping_id)
    return await _page(screen, uow, Form.of({"content": row.content, "signal": signal}), row)


@page_post(f"{LIST}/check", area="admin", permission="mappings.write")
async def check_mapping(screen: Screen, form: Form) -> Response[str]:
    """What the program being written makes of the chosen message, for the place beside it."""
    async with screen.read() as uow:
        outcome = await _outcome(screen, uow, form.value("content"), _signal(form), form)
    return screen.fragment("admin/mapping_outcome.html", outcome=outcome, text=form.value("content"), told=told)


@page_post(f"{LIST}/new", area="admin", permission="mappings.write")
async def draft_first(screen: Screen, form: Form) -> Response[str]:
    """Try it, or keep it as the first version."""
    return await _submitted(screen, form, None)


@page_post(f"{LIST}/{{mapping_id:uuid}}", area="admin", permission="mappings.write")
async def draft_next(screen: Screen, form: Form, mapping_id: UUID) -> Response[str]:
    """Try it, compare it with what is in force, or keep it as the next version."""
    async with screen.read() as uow:
        row = await uow.get(Mapping, mapping_id)
    return await _submitted(screen, form, row)


@page_post(f"{LIST}/{{mapping_id:uuid}}/publish", area="admin", permission="mappings.publish")
async def publish(screen: Screen, form: Form, mapping_id: UUID) -> Response[str]:
    """Put it in force."""

    async def change(uow: UnitOfWork) -> None:
        await commands.publish_mapping(uow, await uow.get(Mapping, mapping_id, lock=True))

    return await _changed(screen, form, mapping_id, change, "mapping_published")


@page_post(f"{LIST}/{{mapping_id:uuid}}/roll-back", area="admin", permission="mappings.publish")
async def roll_back(screen: Screen, form: Form, mapping_id: UUID) -> Response[str]:
    """Put it in force again."""

    async def change(uow: UnitOfWork) -> None:
        await commands.roll_back_mapping(uow, await uow.get(Mapping, mapping_id, lock=True))

    return await _changed(screen, form, mapping_id, change, "rolled_back")


@page_post(f"{LIST}/{{mapping_id:uuid}}/retire", area="admin", permission="mappings.publish")
async def retire(screen: Screen, form: Form, mapping_id: UUID) -> Response[str]:
    """Take it out of force."""

    async def change(uow: UnitOfWork) -> None:
        await commands.retire_mapping(uow, await uow.get(Mapping, mapping_id, lock=True))

    return await _changed(screen, form, mapping_id, change, "retired")


async def _changed(screen: Screen, form: Form, mapping_id: UUID, change: Any, done: str) -> Response[str]:
    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        row = await uow.get(Mapping, mapping_id)
        return await _page(screen, uow, Form.of({"content": row.content}).refused(wrong.fault or Invalid()), row)

    return await screen.change(change, form, then=f"{LIST}/{mapping_id}", done=done, again=again)


async def _submitted(screen: Screen, form: Form, row: Mapping | None) -> Response[str]:
    async def again(uow: UnitOfWork, given: Form) -> Response[str]:
        return await _page(screen, uow, given, row)

    if form.value("do") != "keep":
        return await screen.again(again, form, 200)

    async def change(uow: UnitOfWork) -> UUID:
        owner = row.customer_id if row else await customer_of(uow, form)
        wanted = form.read(
            NewMapping, only=("content",) if row else ("name", "content"), customer_id=owner, **({"name": row.name} if row else {})
        )
        return (await commands.draft_mapping(uow, screen.shell, wanted)).id

    chosen = form.value("signal")
    return await screen.change(
        change, form, then=lambda made: f"{LIST}/{made}{f'?signal={chosen}' if chosen else ''}", done="drafted", again=again
    )


async def _page(screen: Screen, uow: UnitOfWork, form: Form, row: Mapping | None) -> Response[str]:
    sources = [s for s in await queries.sources(uow) if row is None or s.mapping == row.name]
    recent = await queries.newest_signals(uow, source_names=[s.name for s in sources], limit=OFFERED)
    chosen = _signal(form) or (recent[0].id if recent and not form.value("payload") else None)
    if chosen and all(each.id != chosen for each in recent):
        recent = [await queries.receipt(uow, chosen), *recent]
    outcome = await _outcome(screen, uow, form.value("content"), chosen, form)
    more = await offered(uow)
    return screen.show(
        "admin/mapping.html", form=form, row=row, versions=await of_name(uow, Mapping, row) if row else [], recent=recent, chosen=chosen,
        items=await commands.items_of(uow, chosen) if chosen else [], outcome=outcome, diffed=await _diffed(screen, uow, form, row), told=told,
        people=await people_of(uow, await of_name(uow, Mapping, row)) if row else {}, names=await owners_of(uow, [row] if row else []),
        customers=more["customers"], sources=sources, variables=MAPPING_VARIABLES,
    )  # fmt: skip


def _signal(form: Form) -> UUID | None:
    """The message that was chosen; none when it was left to us or nothing of the kind was given."""
    try:
        return UUID(form.value("signal"))
    except ValueError:
        return None


async def _outcome(screen: Screen, uow: UnitOfWork, program: str, chosen: UUID | None, form: Form) -> Outcome:
    """Compile the program, then run it on the message; whatever its writer did wrong is part of the outcome."""
    try:
        await screen.shell.sandbox.check_jq(program, MAPPING_VARIABLES)
    except (SandboxRefused, SandboxLimit) as refused:
        return Outcome(found_in(refused))
    try:
        if chosen is not None:
            return Outcome(tried=await commands.try_on_signal(uow, screen.shell, program, chosen))
        if form.value("payload").strip():
            payload = parse_json(form.value("payload").encode())
            return Outcome(tried=await commands.try_on_payload(screen.shell, program, payload))
    except Fault as fault:
        return Outcome(
            tried=[Tried(label="message", problem="; ".join([fault.detail, *(f"{e.pointer}: {e.detail}" for e in fault.errors)]))]
        )
    return Outcome()


async def _diffed(screen: Screen, uow: UnitOfWork, form: Form, row: Mapping | None) -> Diffed | str | None:
    """What would be read differently from the version in force; in words why that can't be said; nothing when nobody asked."""
    if form.value("do") != "compare" or row is None:
        return None
    try:
        return await commands.compare(uow, screen.shell, form.value("content"), row.name, row.customer_id, COMPARED)
    except Fault as fault:
        return fault.detail


ROUTES: list[Any] = [
    list_mappings, new_mapping, named, show_mapping, check_mapping, draft_first, draft_next, publish, roll_back, retire,
]  # fmt: skip
