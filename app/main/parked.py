"""Parked work over HTTP: what a person has to look at before it goes on, whichever room it belongs to."""

from typing import Any
from uuid import UUID

from litestar import get, post

from app.core.paging import Page
from app.core.parked import ParkedWork, parked_work, retry_parked_work
from app.core.uow import UnitOfWork

# Whoever may have signals tried again may have any work tried again: both are what is done after a cause was mended.
_OPTIONS: dict[str, Any] = {"opt": {"permission": "signals.replay"}, "tags": ["signals"], "status_code": 200}


@get("/v1/parked-work", operation_id="listParkedWork", **_OPTIONS)
async def list_parked_work(uow: UnitOfWork) -> Page[ParkedWork]:
    """Work that failed again and again and waits for a person, the oldest first; at most 500."""
    return Page(await parked_work(uow))


@post("/v1/parked-work/{work_id:uuid}/retry", operation_id="retryParkedWork", **_OPTIONS)
async def retry_work(uow: UnitOfWork, work_id: UUID) -> ParkedWork:
    """Try it again now; it has all its tries before it."""
    return await retry_parked_work(uow, work_id)


ROUTES: list[Any] = [list_parked_work, retry_work]
