"""Which policies are in force for whom, and what was decided."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import or_, select

from app.core.errors import NotFound
from app.core.paging import Page, page
from app.core.uow import UnitOfWork
from app.policies.document import read
from app.policies.evaluate import Policy, PolicySet
from app.policies.facts import vocabulary
from app.policies.gates import Rules
from app.policies.models import DecisionRow, PolicyVersion
from app.policies.schemas import DecisionView, FactView, Input, PolicyView
from tenants.ownership import owned_first, usable_by


async def in_force(uow: UnitOfWork, customers: Iterable[UUID]) -> dict[UUID, PolicySet]:
    """The published policies of each customer: its own and the partner's; its own wins where both have the name."""
    rows = await _published(uow, set(customers))
    return {customer: PolicySet(_for(customer, rows)) for customer in set(customers)}


async def gate_rules(uow: UnitOfWork, customer_id: UUID | None) -> Rules:
    """The gate and limit rules that hold for a customer's effects (None: the partner's own)."""
    rows = await _published(uow, {customer_id} if customer_id else set())
    return Rules(tuple(_for(customer_id, rows)))


async def policy_named(uow: UnitOfWork, name: str, customer_id: UUID | None) -> Policy | None:
    """The published policy a customer would use under a name."""
    query = select(PolicyVersion).where(
        PolicyVersion.name == name, PolicyVersion.status == "published", usable_by(PolicyVersion, customer_id)
    )
    row = (await uow.execute(query.order_by(owned_first(PolicyVersion)).limit(1))).scalar_one_or_none()
    return policy_of(row) if row is not None else None


def policy_of(row: PolicyVersion) -> Policy:
    """A stored version as it is evaluated."""
    return Policy(row.id, row.version, row.customer_id, read(row.content))


async def latest(uow: UnitOfWork, name: str, customer_id: UUID | None) -> PolicyVersion | None:
    """The newest version of a name and owner, published or not."""
    query = select(PolicyVersion).where(PolicyVersion.name == name, PolicyVersion.customer_id.is_not_distinct_from(customer_id))
    return (await uow.execute(query.order_by(PolicyVersion.version.desc()).limit(1))).scalar_one_or_none()


async def published(uow: UnitOfWork, name: str, customer_id: UUID | None) -> PolicyVersion | None:
    """The published version of a name and owner."""
    query = select(PolicyVersion).where(
        PolicyVersion.name == name, PolicyVersion.customer_id.is_not_distinct_from(customer_id), PolicyVersion.status == "published"
    )
    return (await uow.execute(query)).scalar_one_or_none()


async def version_of(uow: UnitOfWork, policy_id: UUID, version: int) -> PolicyVersion:
    """A version by number of the policy that any version's id names; raises NotFound."""
    named = await uow.get(PolicyVersion, policy_id)
    query = select(PolicyVersion).where(
        PolicyVersion.name == named.name,
        PolicyVersion.customer_id.is_not_distinct_from(named.customer_id),
        PolicyVersion.version == version,
    )
    found: PolicyVersion | None = (await uow.execute(query)).scalar_one_or_none()
    if found is None:
        raise NotFound()
    return found


async def versions(
    uow: UnitOfWork, *, name: str | None = None, status: str | None = None, of: UUID | None = None, cursor: str | None, limit: int
) -> Page[PolicyView]:
    """Versions, newest first: all, of a name, of a status, or those of the policy that `of` (any version's id) names."""
    query = select(PolicyVersion)
    if of is not None:
        named = await uow.get(PolicyVersion, of)
        query = query.where(PolicyVersion.name == named.name, PolicyVersion.customer_id.is_not_distinct_from(named.customer_id))
    if name is not None:
        query = query.where(PolicyVersion.name == name)
    if status is not None:
        query = query.where(PolicyVersion.status == status)
    return await page(uow, query, by=[(PolicyVersion.id, UUID)], cursor=cursor, limit=limit, view=brief)


def brief(row: PolicyVersion) -> PolicyView:
    """A version without its text."""
    return msgspec.structs.replace(view(row), content=None)


def view(row: PolicyVersion) -> PolicyView:
    """A version with its text."""
    return PolicyView(
        id=row.id, name=row.name, title=row.title, version=row.version, status=row.status, customer=row.customer_id, content=row.content,
        content_hash=row.content_hash, created_at=row.created_at, created_by=row.created_by, published_at=row.published_at,
    )  # fmt: skip


async def decision(uow: UnitOfWork, decision_id: UUID) -> DecisionView:
    """A kept decision; raises NotFound."""
    row = await uow.get(DecisionRow, decision_id)
    return msgspec.convert({**row.document, "id": str(row.id), "inputs": row.inputs}, DecisionView)


async def decisions_of(uow: UnitOfWork, policy_id: UUID, *, limit: int = 50) -> list[DecisionRow]:
    """The newest decisions made by one version."""
    query = select(DecisionRow).where(DecisionRow.policy_id == policy_id).order_by(DecisionRow.id.desc()).limit(limit)
    return list((await uow.execute(query)).scalars())


async def titles(uow: UnitOfWork, ids: Iterable[UUID]) -> dict[UUID, str]:
    """What these versions are titled."""
    query = select(PolicyVersion.id, PolicyVersion.title).where(PolicyVersion.id.in_(list(ids)))
    rows: list[Any] = list(await uow.execute(query))
    return {row[0]: row[1] for row in rows}


async def seen_values(uow: UnitOfWork, *, limit: int) -> dict[str, Any]:
    """The newest value of each fact that the newest decisions read: real examples for whoever writes a policy."""
    rows = (await uow.execute(select(DecisionRow.inputs).order_by(DecisionRow.id.desc()).limit(limit))).scalars()
    seen: dict[str, Any] = {}
    for inputs in rows:
        for one in inputs:
            seen.setdefault(one["name"], one["value"])
    return seen


def facts() -> list[FactView]:
    """Every built-in fact, by name."""
    return [FactView(**msgspec.structs.asdict(kind)) for _, kind in sorted(vocabulary().items())]


def inputs_of(row: DecisionRow) -> list[Input]:
    """What a kept decision was made from."""
    return msgspec.convert(row.inputs, list[Input])


async def _published(uow: UnitOfWork, customers: set[UUID]) -> list[PolicyVersion]:
    whose = or_(PolicyVersion.customer_id.is_(None), PolicyVersion.customer_id.in_(customers))
    query = select(PolicyVersion).where(PolicyVersion.status == "published", whose).order_by(PolicyVersion.id)
    return list((await uow.execute(query)).scalars())


def _for(customer_id: UUID | None, rows: Iterable[PolicyVersion]) -> list[Policy]:
    usable = [row for row in rows if row.customer_id in (None, customer_id)]
    own = {row.name for row in usable if row.customer_id is not None}
    return [policy_of(row) for row in usable if row.customer_id is not None or row.name not in own]
