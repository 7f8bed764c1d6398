"""Taking work by hand, as a worker would."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text as sql

from app.core.ids import new_id
from app.core.services import Shell, WorkItem


async def lease(shell: Shell, tenant: UUID, seconds: float = 60) -> list[WorkItem]:
    """Lease every ready notice of the tenant."""
    token = new_id()
    async with shell.unit_of_work(tenant, actor="system:worker") as uow:
        rows = await uow.session.execute(
            sql("select * from core.claim_work(array['notice'], 10, :lease, :token)"), {"lease": timedelta(seconds=seconds), "token": token}
        )
        return [WorkItem(r.id, tenant, r.kind, r.subject, (), token, r.version, r.tries) for r in rows]
