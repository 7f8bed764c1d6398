"""The section `workflows` of a provisioning manifest: `[{name, content}]`, content being the definition's YAML."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.core.errors import FieldError, Invalid
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.workflows import queries
from app.workflows.commands import draft, publish, retire
from app.workflows.models import WorkflowDefinition
from tenants.schemas import Change, Section


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """One definition of the manifest. `name` is the document's own."""

    content: Annotated[str, msgspec.Meta(min_length=1, max_length=262_144)]
    name: str | None = None


class WorkflowSectionInvalid(Invalid):
    """A workflow of the manifest can't be used."""


async def reconcile(uow: UnitOfWork, shell: Shell, wanted: list[dict[str, Any]], *, customer_id: UUID | None, prune: bool) -> list[Change]:
    """Publish what is wanted, retire what is not when `prune`; unchanged documents stay as they are."""
    changes = [await _one(uow, shell, index, item, customer_id) for index, item in enumerate(wanted)]
    if prune:
        changes += await _prune(uow, {change.name for change in changes}, customer_id)
    return changes


async def _one(uow: UnitOfWork, shell: Shell, index: int, item: dict[str, Any], customer_id: UUID | None) -> Change:
    try:
        given = msgspec.convert(item, Wanted)
        row = await draft(uow, shell, given.content, customer_id=customer_id)
    except msgspec.ValidationError as error:
        raise WorkflowSectionInvalid(errors=[FieldError(f"/{index}", f"{error}.", "Give name and content.")]) from None
    except Invalid as error:
        found = [FieldError(f"/{index}/content{each.pointer}", each.detail, each.remedy) for each in error.errors]
        raise WorkflowSectionInvalid(errors=found or [FieldError(f"/{index}/content", error.detail)]) from None
    if given.name not in (None, row.name):
        raise WorkflowSectionInvalid(errors=[FieldError(f"/{index}/name", f"The document calls itself {row.name}.", "Use that name.")])
    before = await queries.newest(uow, row.name, customer_id, status="published")
    if before is not None and before.id == row.id:
        return Change(what="workflow", name=row.name, action="unchanged")
    was = before.version if before else None
    await publish(uow, row)
    return Change(what="workflow", name=row.name, action="update" if before else "create", fields={"version": [was, row.version]})


async def _prune(uow: UnitOfWork, wanted: set[str], customer_id: UUID | None) -> list[Change]:
    query = select(WorkflowDefinition).where(
        WorkflowDefinition.status == "published", WorkflowDefinition.customer_id.is_not_distinct_from(customer_id)
    )
    rows = (await uow.execute(query.order_by(WorkflowDefinition.name))).scalars().all()
    gone = [await retire(uow, row) for row in rows if row.name not in wanted]
    return [Change(what="workflow", name=row.name, action="delete", fields={"version": [row.version, None]}) for row in gone]


SECTION = Section("workflows", reconcile, "both")
