"""Everybody's own inbox over HTTP."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from litestar import get, post

from app.cases import inbox
from app.cases.inbox import InboxEntryView
from app.cases.routes.parts import Limit
from app.core.paging import Page
from app.core.uow import UnitOfWork

OWN: Final[dict[str, Any]] = {"opt": {"permission": "cases.read"}, "tags": ["inbox"]}


@get("/v1/inbox", operation_id="listInbox", **OWN)
async def list_inbox(uow: UnitOfWork, unread: bool = False, cursor: str | None = None, limit: Limit = 50) -> Page[InboxEntryView]:
    """What waits for you, the newest first."""
    return await inbox.entries(uow, unread_only=unread, cursor=cursor, limit=limit)


@post("/v1/inbox/read", operation_id="readInbox", status_code=204, **OWN)
async def read_all(uow: UnitOfWork) -> None:
    """Mark everything as read."""
    await inbox.mark_read(uow)


@post("/v1/inbox/{entry_id:uuid}/read", operation_id="readInboxEntry", status_code=204, **OWN)
async def read_one(uow: UnitOfWork, entry_id: UUID) -> None:
    """Mark one entry as read."""
    await inbox.mark_read(uow, entry_id)


ROUTES = [list_inbox, read_all, read_one]
