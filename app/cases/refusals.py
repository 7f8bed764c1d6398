"""A person who may not do something leaves a trace: access.denied, written in a transaction of its own, since the refused one is undone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from app.core.errors import NotAllowed
from app.core.services import Shell
from app.core.uow import UnitOfWork


@asynccontextmanager
async def recorded(shell: Shell, uow: UnitOfWork, *, what: str, subject: str, case_id: UUID | None = None) -> AsyncIterator[None]:
    """Records a refusal raised inside and lets it go on to the edge."""
    try:
        yield
    except NotAllowed as refusal:
        async with shell.unit_of_work(uow.tenant_id, actor=uow.actor, cause=uow.cause, trace=uow.trace) as own:
            data = {"what": what, "reason": refusal.detail, "rule": refusal.slug, "case_id": case_id}
            own.publish("access.denied", key=subject, data=data)
        raise
