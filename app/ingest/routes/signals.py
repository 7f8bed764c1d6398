"""What became of what came in: receipts, raw messages, what is parked, and trying again."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.params import Parameter

from app.core.paging import Page
from app.core.uow import UnitOfWork
from app.ingest import queries
from app.ingest.commands.replay import replay_parked, replay_signal
from app.ingest.schemas import Name, ParkedView, Reason, ReceiptView, Replayed, ReplayMany

Limit = Annotated[int, Parameter(ge=1, le=200)]
_TAGS = ["signals"]


@get("/v1/signals", opt={"permission": "signals.read"}, operation_id="listSignals", tags=_TAGS)
async def list_signals(
    uow: UnitOfWork,
    source: Name | None = None,
    status: Literal["accepted", "mapped", "parked"] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[ReceiptView]:
    """Signals with what became of them, the newest first."""
    return await queries.receipts(uow, source=source, status=status, since=since, until=until, cursor=cursor, limit=limit)


@get("/v1/signals/{signal_id:uuid}", opt={"permission": "signals.read"}, operation_id="getSignal", tags=_TAGS)
async def get_signal(uow: UnitOfWork, signal_id: UUID) -> ReceiptView:
    """The status of a receipt: accepted, mapped, or parked with what needs a person."""
    return await queries.receipt(uow, signal_id)


@get("/v1/signals/{signal_id:uuid}/raw", opt={"permission": "signals.read"}, operation_id="getSignalRaw", tags=_TAGS)
async def get_signal_raw(uow: UnitOfWork, signal_id: UUID) -> Response[bytes]:
    """The message byte for byte as it was received, always as a download."""
    signal = await queries.raw_signal(uow, signal_id)
    headers = {"content-disposition": f'attachment; filename="{signal.id}"', "content-type": "application/octet-stream"}
    return Response(bytes(signal.raw), media_type="application/octet-stream", headers=headers)


@post("/v1/signals/{signal_id:uuid}/replay", opt={"permission": "signals.replay"}, operation_id="replaySignal", tags=_TAGS, status_code=202)
async def replay(uow: UnitOfWork, signal_id: UUID) -> ReceiptView:
    """Try a signal again, after a fix; what of it had its effect has none now."""
    return ReceiptView.of(await replay_signal(uow, signal_id))


@get("/v1/parked", opt={"permission": "signals.read"}, operation_id="listParked", tags=_TAGS)
async def list_parked(
    uow: UnitOfWork, reason: Reason | None = None, source: Name | None = None, cursor: str | None = None, limit: Limit = 50
) -> Page[ParkedView]:
    """What needs a person before it can count, the newest first."""
    return await queries.parked(uow, reason=reason, source=source, cursor=cursor, limit=limit)


@post("/v1/parked/replay", opt={"permission": "signals.replay"}, operation_id="replayParked", tags=_TAGS, status_code=202)
async def replay_many(uow: UnitOfWork, data: ReplayMany) -> Replayed:
    """Try parked items again: those named, or all of a reason or source."""
    return Replayed(signals=len(await replay_parked(uow, data)))


ROUTES = [list_signals, get_signal, get_signal_raw, replay, list_parked, replay_many]
