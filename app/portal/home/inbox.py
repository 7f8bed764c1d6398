"""The inbox: what waits for one's eyes, and the letters we sent."""

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response
from litestar.params import Parameter

from app.cases import inbox
from app.cases.inbox import InboxEntryView
from app.cases.models import InboxEntry
from app.core.errors import NotFound
from app.core.uow import UnitOfWork
from app.notifications import queries as notices
from app.notifications.models import Notice
from app.portal.forms import Form
from app.portal.home import asks
from app.portal.home.telling import show
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen

PAGE = 20
Only = Annotated[Literal["all", "unread"], Parameter()]


@page_get("/inbox", area="home", permission="cases.read")
async def list_entries(screen: Screen, uow: UnitOfWork, only: Only = "all", cursor: str = "") -> Response[str]:
    """What happened that concerns the reader, the newest first."""
    page = await inbox.entries(uow, unread_only=only == "unread", cursor=cursor or None, limit=PAGE)
    about = await asks.about_cases(uow, [entry.case_id for entry in page.items if entry.case_id])
    return show(
        screen, "inbox.html", seen=[page.items], entries=page.items, next=page.next, about=about, unread=await inbox.unread(uow), only=only, cursor=cursor,
        targets={entry.id: _leads_to(entry) for entry in page.items},
    )  # fmt: skip


@page_post("/inbox/{entry_id:uuid}/open", area="home", permission="cases.read")
async def open_entry(screen: Screen, form: Form, entry_id: UUID) -> Response[str]:
    """Note it as read and go to what it is about."""

    async def change(uow: UnitOfWork) -> str:
        entry = inbox.view(await uow.get(InboxEntry, entry_id))
        await inbox.mark_read(uow, entry_id)
        return _leads_to(entry) or "/inbox"

    return await screen.change(change, form, then=str, again=lambda uow, _: list_entries.fn(screen, uow))


@page_post("/inbox/read", area="home", permission="cases.read")
async def read_all(screen: Screen, form: Form) -> Response[str]:
    """Note everything as read."""
    return await screen.change(inbox.mark_read, form, then="/inbox", done="all_read", again=lambda uow, _: list_entries.fn(screen, uow))


@page_get("/inbox/messages", area="home", permission="notices.read")
async def list_letters(screen: Screen, uow: UnitOfWork, cursor: str = "") -> Response[str]:
    """The letters we sent to the reader, the newest first."""
    page = await notices.letters(uow, screen.reader.email, cursor=cursor or None, limit=PAGE)
    return show(screen, "letters.html", seen=[page.items], letters=page.items, next=page.next, cursor=cursor)


@page_get("/inbox/messages/{notice_id:uuid}", area="home", permission="notices.read")
async def show_letter(screen: Screen, uow: UnitOfWork, notice_id: UUID) -> Response[str]:
    """One letter: what it said and whether it arrived. Links in it can't be followed from here; the buttons of these pages do the same."""
    row = await uow.get(Notice, notice_id)
    if row.audience != "customer":
        raise NotFound()
    return show(screen, "letter.html", letter=notices.notice_view(row, for_customer=True))


def _leads_to(entry: InboxEntryView) -> str:
    """The page of what an entry is about."""
    if entry.kind == "offer" and entry.subject_id:
        return f"/offers/{entry.subject_id}"
    if entry.kind == "document" and entry.subject_id:
        return f"/documents/{entry.subject_id}"
    return f"/cases/{entry.case_id}" if entry.case_id else ""


ROUTES: list[Any] = [list_entries, open_entry, read_all, list_letters, show_letter]
