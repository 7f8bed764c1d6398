"""Which events stand in a chain already: for pages that mark what can't be changed any more."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from app.audit.models import AuditEntry
from app.core.uow import UnitOfWork


async def places(uow: UnitOfWork, event_ids: Collection[UUID]) -> dict[UUID, int]:
    """The places these events have in their chains; one that isn't chained yet is left out."""
    if not event_ids:
        return {}
    rows = await uow.session.execute(select(AuditEntry.id, AuditEntry.seq).where(AuditEntry.id.in_(event_ids)))
    return {row.id: row.seq for row in rows}
