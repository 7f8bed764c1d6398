"""The section `policies` of a provisioning manifest: `[{name, content, rollout: {mode: live}}]`, content being the document's YAML."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.core.errors import FieldError, Invalid
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.policies import queries
from app.policies.commands import publish, retire, save
from app.policies.document import read
from app.policies.models import PolicyVersion
from tenants.schemas import Change, Section


class Rollout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a policy comes into force; for everybody at once."""

    mode: Literal["live"] = "live"


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """One policy of the manifest. `name` is the document's own."""

    content: Annotated[str, msgspec.Meta(min_length=1, max_length=256 * 1024)]
    name: str | None = None
    rollout: Rollout = Rollout()


class PolicySectionInvalid(Invalid):
    """A policy of the manifest can't be used."""


async def reconcile(uow: UnitOfWork, shell: Shell, wanted: list[dict[str, Any]], *, customer_id: UUID | None, prune: bool) -> list[Change]:
    """Publish what is wanted, retire what is not when `prune`; unchanged documents stay as they are."""
    changes = [await _one(uow, shell, index, item, customer_id) for index, item in enumerate(wanted)]
    if prune:
        changes += await _prune(uow, {change.name for change in changes}, customer_id)
    return changes


async def _one(uow: UnitOfWork, shell: Shell, index: int, item: dict[str, Any], customer_id: UUID | None) -> Change:
    try:
        given = msgspec.convert(item, Wanted)
        before = await queries.published(uow, given.name or "", customer_id)
        row = await save(uow, shell.sandbox, given.content, customer_id=customer_id)
    except msgspec.ValidationError as error:
        raise PolicySectionInvalid(errors=[FieldError(f"/{index}", f"{error}.", "Give name and content.")]) from None
    except Invalid as error:
        found = [FieldError(f"/{index}/content{e.pointer}", e.detail, e.remedy) for e in error.errors]
        raise PolicySectionInvalid(errors=found or [FieldError(f"/{index}/content", error.detail)]) from None
    if given.name not in (None, row.name):
        raise PolicySectionInvalid(errors=[FieldError(f"/{index}/name", f"The document calls itself {row.name}.", "Use that name.")])
    before = before or await queries.published(uow, row.name, customer_id)
    if before is not None and before.id == row.id:
        return Change(what="policy", name=row.name, action="unchanged")
    await publish(uow, row)
    fields: dict[str, list[Any]] = {"version": [before.version if before else None, row.version]}
    return Change(what="policy", name=row.name, action="update" if before else "create", fields=fields | _differences(before, row))


def _differences(before: PolicyVersion | None, after: PolicyVersion) -> dict[str, list[Any]]:
    """The parts of the document that differ."""
    old, new = (msgspec.to_builtins(read(row.content)) if row else {} for row in (before, after))
    return {name: [old.get(name), new.get(name)] for name in sorted(old.keys() | new.keys()) if before and old.get(name) != new.get(name)}


async def _prune(uow: UnitOfWork, wanted: set[str], customer_id: UUID | None) -> list[Change]:
    query = select(PolicyVersion).where(PolicyVersion.status == "published", PolicyVersion.customer_id.is_not_distinct_from(customer_id))
    rows = (await uow.execute(query.order_by(PolicyVersion.name))).scalars().all()
    gone = [await retire(uow, row) for row in rows if row.name not in wanted]
    return [Change(what="policy", name=row.name, action="delete", fields={"version": [row.version, None]}) for row in gone]


SECTION = Section("policies", reconcile, "both")
