"""What the audit hears: every event, in the order of delivery; and the appointments to anchor what was chained."""

from pathlib import Path

from app.audit import commands
from app.core.events import Event
from app.core.services import Shell, WorkItem
from app.core.uow import UnitOfWork

ANCHOR = commands.ANCHOR
# A full disk is put right in hours, not in tries: never park what evidence hangs on.
ANCHOR_TRIES = 1_000_000


async def chain_events(uow: UnitOfWork, events: list[Event]) -> None:
    """Link a batch of one tenant's events into its chains."""
    await commands.append(uow, events)


async def anchor_heads(shell: Shell, items: list[WorkItem]) -> None:
    """Anchor the heads of these chains. The file comes first: a crash in between anchors a head twice, never not at all."""
    async with shell.unit_of_work(items[0].tenant_id, actor="system:audit") as uow:
        for item in items:
            await uow.finish(item)
        await commands.anchor(uow, Path(shell.settings.anchor_dir), [item.subject for item in items])
