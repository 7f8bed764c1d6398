"""What is due in this room: promises whose time or grace has passed."""

from sqlalchemy import select

from app.canonical.models import Promise
from app.canonical.promises import settle_due
from app.core.services import Shell, WorkItem


async def promises_due(shell: Shell, items: list[WorkItem]) -> None:
    """Say which promises are due and which were missed; those kept meanwhile have nothing left to say."""
    async with shell.unit_of_work(items[0].tenant_id, actor="system:promises") as uow:
        query = select(Promise).where(Promise.id.in_([item.subject for item in items])).order_by(Promise.id)
        settle_due(uow, (await uow.execute(query.with_for_update(key_share=True))).scalars().all())
        for item in items:
            await uow.finish(item)
