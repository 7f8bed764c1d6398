"""The room's part of a manifest: sources, mappings, and which signals are a customer's.

Each entry goes through the commands people use, so an apply says the same events and obeys the same checks.
"""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.core.errors import FieldError, Invalid
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.ingest import queries
from app.ingest.commands.attribution import WantedRule, set_rules
from app.ingest.commands.mappings import draft_mapping, publish_mapping, retire_mapping
from app.ingest.commands.sources import change_source, create_source, disable_source
from app.ingest.directory import directory_of
from app.ingest.models import Mapping, Source
from app.ingest.schemas import Name, NewMapping, NewSource, Program
from tenants.models import Customer
from tenants.schemas import Change, Section

T = TypeVar("T")


class SectionInvalid(Invalid):
    """A part of the manifest can't be applied; nothing was changed."""

    status = 422


class MappingEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A mapping by name with its program."""

    name: Name
    content: Program


async def reconcile_mappings(
    uow: UnitOfWork, shell: Shell, wanted: list[dict[str, Any]], *, customer_id: UUID | None, prune: bool
) -> list[Change]:
    """Publish a new version of every mapping whose program differs; with `prune` retire those that are not named."""
    entries = _read(wanted, MappingEntry)
    changes = [await _reconcile_mapping(uow, shell, entry, customer_id, index) for index, entry in enumerate(entries)]
    if prune:
        changes += await _prune_mappings(uow, {entry.name for entry in entries}, customer_id)
    return changes


async def _reconcile_mapping(uow: UnitOfWork, shell: Shell, entry: MappingEntry, customer_id: UUID | None, index: int) -> Change:
    published = await _own_published(uow, entry.name, customer_id)
    if published is not None and published.content == entry.content:
        return Change(what="mapping", name=entry.name, action="unchanged")
    try:
        draft = await draft_mapping(uow, shell, NewMapping(name=entry.name, content=entry.content, customer_id=customer_id))
    except Invalid as error:
        raise SectionInvalid(
            errors=[FieldError(f"/{index}/content", error.detail, "Correct the jq program.")], extra=error.extra
        ) from error
    await uow.session.flush()
    await publish_mapping(uow, draft)
    versions: dict[str, list[Any]] = {"version": [published.version if published else None, draft.version]}
    return Change(what="mapping", name=entry.name, action="update" if published else "create", fields=versions)


async def _own_published(uow: UnitOfWork, name: str, customer_id: UUID | None) -> Mapping | None:
    found = await queries.published_mapping(uow, name, customer_id)
    return found if found is not None and found.customer_id == customer_id else None


async def _prune_mappings(uow: UnitOfWork, keep: set[str], customer_id: UUID | None) -> list[Change]:
    owner = Mapping.customer_id.is_(None) if customer_id is None else Mapping.customer_id == customer_id
    rows = (await uow.execute(select(Mapping).where(Mapping.status == "published", Mapping.name.not_in(keep), owner))).scalars().all()
    for row in rows:
        await retire_mapping(uow, row)
    return [Change(what="mapping", name=row.name, action="delete") for row in rows]


async def reconcile_sources(
    uow: UnitOfWork, shell: Shell, wanted: list[dict[str, Any]], *, customer_id: UUID | None, prune: bool
) -> list[Change]:
    """Make and change the ways in; with `prune` close those that are not named."""
    entries = _read(wanted, NewSource)
    known = {source.name: source for source in await queries.sources(uow)}
    changes = []
    for index, entry in enumerate(entries):
        entry.customer_id = customer_id
        try:
            changes.append(await _reconcile_source(uow, shell, known.get(entry.name), entry))
        except Invalid as error:
            moved = [FieldError(f"/{index}{e.pointer}", e.detail, e.remedy) for e in error.errors] or [
                FieldError(f"/{index}", error.detail)
            ]
            raise SectionInvalid(errors=moved) from error
    mine = [s for s in known.values() if s.customer_id == customer_id and s.status == "active"]
    for source in [s for s in mine if s.name not in {e.name for e in entries}] if prune else ():
        await disable_source(uow, source)
        changes.append(Change(what="source", name=source.name, action="delete"))
    _forget_after(uow, shell, [*known])
    return changes


async def _reconcile_source(uow: UnitOfWork, shell: Shell, known: Source | None, entry: NewSource) -> Change:
    if known is None:
        await create_source(uow, shell, entry)
        return Change(what="source", name=entry.name, action="create")
    fields = await change_source(uow, shell, known, entry)
    return Change(what="source", name=entry.name, action="update" if fields else "unchanged", fields=fields)


def _forget_after(uow: UnitOfWork, shell: Shell, names: Sequence[str]) -> None:
    def forget() -> None:
        for name in names:
            directory_of(shell).forget(uow.tenant_id, name)

    uow.after_commit(forget)


async def reconcile_attribution(
    uow: UnitOfWork, shell: Shell, wanted: list[dict[str, Any]], *, customer_id: UUID | None, prune: bool
) -> list[Change]:
    """Put a customer's rules in force as a whole; `prune` changes nothing, since the list always replaces the former one."""
    if customer_id is None:
        raise SectionInvalid("Attribution stands under the customer whose signals it claims.")
    before = [{"source": r.source, "when": r.content} for r in await queries.rules_of(uow, customer_id)]
    entries = _read(wanted, WantedRule)
    await set_rules(uow, shell, customer_id, entries)
    after = [{"source": e.source, "when": e.when} for e in entries]
    slug = (await uow.get(Customer, customer_id)).slug
    if before == after:
        return [Change(what="attribution", name=slug, action="unchanged", customer=slug)]
    return [
        Change(what="attribution", name=slug, action="update" if before else "create", fields={"rules": [before, after]}, customer=slug)
    ]


def _read(wanted: object, entry: type[T]) -> list[T]:
    """Convert a section's entries, or raise SectionInvalid with a pointer relative to the section."""
    if not isinstance(wanted, list):
        raise SectionInvalid(errors=[FieldError("", "This section is a list.")])
    read = []
    for index, value in enumerate(wanted):
        try:
            read.append(msgspec.convert(value, entry))
        except msgspec.ValidationError as error:
            detail, _, path = str(error).partition(" - at ")
            pointer = path.strip("`").removeprefix("$").replace(".", "/").replace("[", "/").replace("]", "")
            raise SectionInvalid(errors=[FieldError(f"/{index}{pointer}", f"{detail}.")]) from None
    return read


SECTIONS = [
    Section("mappings", reconcile_mappings),
    Section("sources", reconcile_sources),
    Section("attribution", reconcile_attribution, place="customer"),
]
