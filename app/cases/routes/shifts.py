"""The end of a shift over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from litestar import get, post

from app.cases import handover
from app.cases.handover import HandoverDraft, HandoverView
from app.cases.routes.parts import Limit
from app.cases.schemas import HandOver
from app.core.paging import Page
from app.core.uow import UnitOfWork

WORK: Final[dict[str, Any]] = {"opt": {"permission": "cases.work"}, "tags": ["handovers"]}


@get("/v1/handover", operation_id="draftHandover", **WORK)
async def draft(uow: UnitOfWork, since: datetime | None = None) -> HandoverDraft:
    """What you hold, by the next clock, and a note made of it; `since` is when your shift began (left out: eight hours ago)."""
    return await handover.draft(uow, since=since)


@post("/v1/handovers", operation_id="handOver", **WORK)
async def hand_over(uow: UnitOfWork, data: HandOver) -> HandoverView:
    """Give your cases to somebody else, all or none; they find it in their inbox."""
    row = await handover.hand_over(uow, data.to_user, data.case_ids, data.note)
    await uow.session.flush()
    return await handover.one(uow, row.id)


@get("/v1/handovers", operation_id="listHandovers", **WORK)
async def list_handovers(uow: UnitOfWork, cursor: str | None = None, limit: Limit = 50) -> Page[HandoverView]:
    """Shifts handed over by or to you, the newest first."""
    return await handover.given(uow, cursor=cursor, limit=limit)


@get("/v1/handovers/{handover_id:uuid}", operation_id="getHandover", **WORK)
async def get_handover(uow: UnitOfWork, handover_id: UUID) -> HandoverView:
    """A shift as it was handed over."""
    return await handover.one(uow, handover_id)


ROUTES = [draft, hand_over, list_handovers, get_handover]
