"""What intelligence hears: everything that happens to a case, after its transaction."""

from app.core.events import Event
from app.core.uow import UnitOfWork
from app.intelligence import commands


async def keep_facts(uow: UnitOfWork, events: list[Event]) -> None:
    """Bring figures up to date with a batch of one tenant's events."""
    await commands.fold(uow, events)
