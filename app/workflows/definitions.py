"""Definitions in memory: read once a process, since a stored version never changes."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.errors import NotFound
from app.core.services import Shell
from app.workflows.definition import Definition
from app.workflows.dsl import read_document
from app.workflows.models import WorkflowDefinition

MOST = 512


async def load(shell: Shell, tenant_id: UUID, definition_id: UUID) -> Definition:
    """The definition of a stored version; the tenant is part of the key, so nothing crosses the wall by way of the cache."""
    known: dict[tuple[UUID, UUID], Definition] = shell.extras.setdefault("workflow_definitions", {})
    found = known.get((tenant_id, definition_id))
    if found is None:
        found = read_document(await _document(shell, tenant_id, definition_id))
        while len(known) >= MOST:
            known.pop(next(iter(known)))
        known[(tenant_id, definition_id)] = found
    return found


async def _document(shell: Shell, tenant_id: UUID, definition_id: UUID) -> Any:
    async with shell.read(tenant_id, actor="system:workflows") as uow:
        document = (
            await uow.execute(select(WorkflowDefinition.document).where(WorkflowDefinition.id == definition_id))
        ).scalar_one_or_none()
        if document is None:
            raise NotFound()
        return document
