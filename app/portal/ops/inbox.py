"""The inbox: what waits for one's own eyes."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response
from litestar.params import Parameter

from app.cases import inbox
from app.cases.models import InboxEntry
from app.core.uow import UnitOfWork
from app.portal.forms import Form
from app.portal.ops.wording import Wording
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen

SHOWN = 50


@page_get("/ops/inbox", area="ops")
async def show_inbox(
    screen: Screen, uow: UnitOfWork, unread: Annotated[str | None, Parameter(max_length=5)] = None,
    cursor: Annotated[str | None, Parameter(max_length=400)] = None,
) -> Response[str]:  # fmt: skip
    """What waits, the newest first; `unread=yes` leaves out what was looked at."""
    return await _inbox(screen, uow, only=unread == "yes", cursor=cursor)


async def _inbox(
    screen: Screen, uow: UnitOfWork, *, only: bool = False, cursor: str | None = None, form: Form | None = None
) -> Response[str]:
    found = await inbox.entries(uow, unread_only=only, cursor=cursor, limit=SHOWN)
    return screen.show(
        "ops/inbox.html", found=found, unread=await inbox.unread(uow), only=only, cursor=cursor, form=form, w=Wording(screen)
    )


@page_post("/ops/inbox/{entry_id:uuid}/open", area="ops")
async def open_entry(screen: Screen, form: Form, entry_id: UUID) -> Response[str]:
    """Mark one entry as read and go to what it is about."""

    async def change(uow: UnitOfWork) -> str:
        entry = inbox.view(await uow.get(InboxEntry, entry_id))
        await inbox.mark_read(uow, entry_id)
        return _leads_to(entry)

    return await screen.change(change, form, then=lambda path: path, again=lambda uow, wrong: _inbox(screen, uow, form=wrong))


def _leads_to(entry: inbox.InboxEntryView) -> str:
    if entry.kind == "approval" and entry.subject_id:
        return f"/ops/approvals/{entry.subject_id}"
    if entry.kind == "handover" and entry.subject_id:
        return f"/ops/handover/{entry.subject_id}"
    return f"/ops/cases/{entry.case_id}" if entry.case_id else "/ops/inbox"


@page_post("/ops/inbox/read", area="ops")
async def read_all(screen: Screen, form: Form) -> Response[str]:
    """Mark everything as read."""

    async def change(uow: UnitOfWork) -> None:
        await inbox.mark_read(uow)

    return await screen.change(change, form, then="/ops/inbox", done="read", again=lambda uow, wrong: _inbox(screen, uow, form=wrong))


ROUTES: list[Any] = [show_inbox, open_entry, read_all]
