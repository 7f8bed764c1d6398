"""Mappings: drafted, tried on what was stored, compared with what is published, published."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.canonical.events import parse_event
from app.core.errors import Conflict, Invalid
from app.core.parsing import parse_json
from app.core.sandbox import SandboxFailure
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.ingest import queries
from app.ingest.decode import Item, Stored, items
from app.ingest.models import Mapping
from app.ingest.schemas import Diffed, Difference, NewMapping, Tried
from app.ingest.understanding import MAPPING_VARIABLES, variables
from tenants.models import Customer


class AlreadyPublished(Conflict):
    """This version is published or retired already; draft a new one."""


class NotRolledBack(Conflict):
    """Only a version that was in force before can be put in force again."""


class NothingToCompare(Conflict):
    """No version of this mapping is published yet, so there is nothing to compare with."""


async def draft_mapping(uow: UnitOfWork, shell: Shell, wanted: NewMapping) -> Mapping:
    """Keep a program as the next version of its mapping; SandboxRefused with line and column when it doesn't compile."""
    if wanted.customer_id is not None:
        await uow.get(Customer, wanted.customer_id)
    await shell.sandbox.check_jq(wanted.content, MAPPING_VARIABLES)
    newest = await queries.newest_version(uow, wanted.name, wanted.customer_id)
    row = Mapping(
        customer_id=wanted.customer_id, name=wanted.name, version=(newest.version if newest else 0) + 1, status="draft", content=wanted.content,
        content_hash=sha256(wanted.content.encode()).hexdigest(), created_at=uow.now, created_by=uow.actor,
    )  # fmt: skip
    uow.add(row)
    uow.publish("mapping.drafted", of=row, key=f"mapping:{row.id}", data={"name": row.name, "version": row.version})
    return row


async def publish_mapping(uow: UnitOfWork, mapping: Mapping) -> Mapping:
    """Put a version in force for what is settled from now on; the one before it retires. Parked signals wait for their replay."""
    if mapping.status != "draft":
        raise AlreadyPublished()
    return await _put_in_force(uow, mapping)


async def roll_back_mapping(uow: UnitOfWork, mapping: Mapping) -> Mapping:
    """Put a retired version in force again instead of the present one; what was read meanwhile stays as it was read."""
    if mapping.status != "retired":
        raise NotRolledBack()
    return await _put_in_force(uow, mapping, rolled_back=True)


async def _put_in_force(uow: UnitOfWork, mapping: Mapping, **more: Any) -> Mapping:
    before = await _published(uow, mapping)
    if before is not None:
        before.status = "retired"
        await uow.session.flush()  # the index allows one published version: the old one leaves first
    mapping.status = "published"
    data = {"name": mapping.name, "version": mapping.version, "retired": before.version if before else None, **more}
    uow.publish("mapping.published", of=mapping, also=[before] if before else [], key=f"mapping:{mapping.id}", data=data)
    return mapping


async def retire_mapping(uow: UnitOfWork, mapping: Mapping) -> Mapping:
    """Take a version out of force; its signals are parked until another one is published."""
    mapping.status = "retired"
    uow.publish("mapping.retired", of=mapping, key=f"mapping:{mapping.id}", data={"name": mapping.name, "version": mapping.version})
    return mapping


async def _published(uow: UnitOfWork, mapping: Mapping) -> Mapping | None:
    query = select(Mapping).where(Mapping.name == mapping.name, Mapping.status == "published")
    same = Mapping.customer_id.is_(None) if mapping.customer_id is None else Mapping.customer_id == mapping.customer_id
    found: Mapping | None = await uow.session.scalar(query.where(same))
    return found


async def try_on_signal(uow: UnitOfWork, shell: Shell, program: str, signal_id: UUID) -> list[Tried]:
    """Run a program on a stored signal without keeping anything."""
    return await _try(shell, program, [await queries.stored_signal(uow, signal_id)])


async def items_of(uow: UnitOfWork, signal_id: UUID) -> list[Item]:
    """What a mapping gets of a stored signal: its items, each with what it holds or why it can't be read."""
    return items(await queries.stored_signal(uow, signal_id), parse_json)


async def try_on_payload(shell: Shell, program: str, payload: Any) -> list[Tried]:
    """Run a program on a payload somebody typed in."""
    (output,) = await shell.sandbox.jq_many([(program, payload, {"source": "try", "received_at": "", "headers": {}})])
    return [_tried("payload", output)]


async def compare(uow: UnitOfWork, shell: Shell, program: str, name: str, customer_id: UUID | None, most: int) -> Diffed:
    """Run `program` and the published version of `name` over the newest signals of its sources; return what they read differently."""
    published = await queries.published_mapping(uow, name, customer_id)
    if published is None:
        raise NothingToCompare()
    names = [s.name for s in await queries.sources(uow) if s.mapping == name and customer_id in (None, s.customer_id)]
    signals = await queries.stored(uow, await queries.recent_signals(uow, names, most))
    before, after = await _try(shell, published.content, signals), await _try(shell, program, signals)
    places = [signal.id for signal in signals for _ in items(signal, parse_json)]
    pairs = zip(places, before, after, strict=True)
    return Diffed(
        compared=len(places), different=[Difference(signal_id=i, label=b.label, before=b, after=a) for i, b, a in pairs if a != b]
    )


async def _try(shell: Shell, program: str, signals: Sequence[Stored]) -> list[Tried]:
    found = [(signal, item) for signal in signals for item in items(signal, parse_json)]
    readable = [(signal, item) for signal, item in found if item.problem is None]
    outputs = iter(await shell.sandbox.jq_many([(program, item.value, variables(signal)) for signal, item in readable]))
    return [Tried(label=i.label, problem=i.problem.detail) if i.problem else _tried(i.label, next(outputs)) for _, i in found]


def _tried(label: str, output: object) -> Tried:
    if isinstance(output, SandboxFailure):
        return Tried(label=label, problem=output.message, line=output.line, column=output.column)
    if not isinstance(output, list):
        return Tried(label=label, problem="A mapping yields a list of canonical events.")
    try:
        events = [msgspec.to_builtins(parse_event(value, f"/{index}")) for index, value in enumerate(output)]
    except Invalid as error:
        return Tried(label=label, problem="; ".join(f"{e.pointer}: {e.detail}" for e in error.errors) or error.detail)
    return Tried(label=label, events=events)
