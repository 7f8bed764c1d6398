"""Mail to people outside over HTTP: who gets it, sending it with ten seconds to take it back."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from litestar import get, post

from app.cases import messages
from app.cases.messages import Draft, HeldMessageView, Preview
from app.cases.models import HeldMessage
from app.cases.telling import for_the_whole_house
from app.core.uow import UnitOfWork

WORK: Final[dict[str, Any]] = {"opt": {"permission": "cases.work"}, "tags": ["messages"]}


@post("/v1/messages/preview", operation_id="previewMessage", status_code=200, **WORK)
async def preview(uow: UnitOfWork, data: Draft) -> Preview:
    """Who would get this message, and about which cases nobody would be written to."""
    return await messages.prepare(uow, data)


@post("/v1/messages", operation_id="sendMessage", **WORK)
async def send(uow: UnitOfWork, data: Draft) -> HeldMessageView:
    """Send a message; it leaves ten seconds later, and until then it can be taken back."""
    return await messages.view(uow, await messages.send_held(uow, data))


@get("/v1/messages/{message_id:uuid}", operation_id="getMessage", **WORK)
async def get_message(uow: UnitOfWork, message_id: UUID) -> HeldMessageView:
    """A message and what became of its letters."""
    for_the_whole_house(uow)
    return await messages.view(uow, await uow.get(HeldMessage, message_id))


@post("/v1/messages/{message_id:uuid}/undo", operation_id="undoMessage", status_code=200, **WORK)
async def undo(uow: UnitOfWork, message_id: UUID) -> HeldMessageView:
    """Take a message back before it leaves."""
    return await messages.view(uow, await messages.undo(uow, message_id))


ROUTES = [preview, send, get_message, undo]
