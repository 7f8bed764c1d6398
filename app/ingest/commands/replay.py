"""Replay: try signals again after a fix. What was recorded before stays as it is; only what was not has an effect now."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from app.core.errors import NotFound
from app.core.uow import UnitOfWork
from app.ingest.models import ParkedSignal, Receipt
from app.ingest.schemas import ReplayMany

_MOST = 1000


async def replay_signal(uow: UnitOfWork, signal_id: UUID) -> Receipt:
    """Ask for one signal to be settled anew; NotFound where it is not this scope's own."""
    receipt = await uow.get(Receipt, signal_id, lock=True)
    _ask(uow, receipt)
    return receipt


async def replay_parked(uow: UnitOfWork, which: ReplayMany) -> Sequence[UUID]:
    """Ask for the signals of parked items to be settled anew; returns their ids."""
    query = select(ParkedSignal.signal_id).where(ParkedSignal.status == "open").distinct().limit(_MOST)
    if which.ids:
        query = query.where(ParkedSignal.id.in_(which.ids))
    if which.reason:
        query = query.where(ParkedSignal.reason == which.reason)
    if which.source:
        query = query.where(ParkedSignal.source == which.source)
    ids = sorted((await uow.execute(query)).scalars())
    if which.ids and not ids:
        raise NotFound()
    for signal_id in ids:
        await replay_signal(uow, signal_id)
    return ids


def _ask(uow: UnitOfWork, receipt: Receipt) -> None:
    receipt.status = "accepted"
    uow.work("signal", subject=receipt.id, cls="human")
    uow.publish("signal.replayed", of=receipt, key=f"signal:{receipt.id}", data={"signal_id": receipt.id, "source": receipt.source})
