"""Versions of a policy: saved as drafts that never change, published one at a time, retired."""

import hashlib
from typing import Any
from uuid import UUID

from app.core.errors import Conflict
from app.core.sandbox import Sandbox
from app.core.uow import UnitOfWork
from app.policies import queries
from app.policies.checks import check
from app.policies.document import PolicyDocument
from app.policies.models import PolicyVersion


class PolicyRetired(Conflict):
    """This version is retired; save it again to publish it."""


class PolicyNotPublished(Conflict):
    """Only a published version can be retired."""


class PolicyNotRolledBack(Conflict):
    """Only a version that was in force before can be put in force again."""


async def save(uow: UnitOfWork, sandbox: Sandbox, content: str, *, customer_id: UUID | None) -> PolicyVersion:
    """Keep a checked document as the next version of its name, as a draft; raises PolicyInvalid with every remark.

    The text of the newest version saved again gives that version back.
    """
    document = await check(sandbox, content)
    newest = await queries.latest(uow, document.name, customer_id)
    digest = hashlib.sha256(content.encode()).hexdigest()
    if newest is not None and newest.content_hash == digest and newest.status != "retired":
        return newest
    row = uow.add(_draft(uow, document, content, digest, customer_id, newest.version + 1 if newest else 1))
    uow.publish("policy.drafted", of=row, data={"policy_id": row.id, "name": row.name, "version": row.version}, subject=f"policy:{row.id}")
    return row


async def publish(uow: UnitOfWork, row: PolicyVersion) -> PolicyVersion:
    """Put a version in force; the one before is retired with the same commit. Publishing it again changes nothing."""
    if row.status == "published":
        return row
    if row.status == "retired":
        raise PolicyRetired()
    return await _put_in_force(uow, row)


async def roll_back(uow: UnitOfWork, row: PolicyVersion) -> PolicyVersion:
    """Put a retired version in force again instead of the present one; what was decided meanwhile stays decided."""
    if row.status != "retired":
        raise PolicyNotRolledBack()
    row.retired_at = None
    return await _put_in_force(uow, row, rolled_back=True)


async def _put_in_force(uow: UnitOfWork, row: PolicyVersion, **more: Any) -> PolicyVersion:
    before = await queries.published(uow, row.name, row.customer_id)
    if before is not None:
        before.status, before.retired_at = "retired", uow.now
        await uow.session.flush()
    row.status, row.published_at, row.published_by = "published", uow.now, uow.actor
    data = {"policy_id": row.id, "name": row.name, "version": row.version, "replaces": before.version if before else None, **more}
    uow.publish("policy.published", of=row, also=[before] if before else [], data=data, subject=f"policy:{row.id}")
    return row


async def retire(uow: UnitOfWork, row: PolicyVersion) -> PolicyVersion:
    """Take a published version out of force without another in its place."""
    if row.status != "published":
        raise PolicyNotPublished()
    row.status, row.retired_at = "retired", uow.now
    uow.publish("policy.retired", of=row, data={"policy_id": row.id, "name": row.name, "version": row.version}, subject=f"policy:{row.id}")
    return row


def _draft(uow: UnitOfWork, document: PolicyDocument, content: str, digest: str, customer_id: UUID | None, version: int) -> PolicyVersion:
    return PolicyVersion(
        customer_id=customer_id, name=document.name, version=version, status="draft", title=document.title, content=content, content_hash=digest,
        created_at=uow.now, created_by=uow.actor,
    )  # fmt: skip
