"""What metering hears: every event, after its transaction."""

from app.core.events import Event
from app.core.uow import UnitOfWork
from app.metering import commands


async def count_usage(uow: UnitOfWork, events: list[Event]) -> None:
    """Count a batch of one tenant's events."""
    await commands.record(uow, events)
