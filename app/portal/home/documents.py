"""Papers: what is wanted, what was sent, what is wrong with it. Files go in and come out as downloads; none is ever shown as a page."""

from typing import Any, Literal
from urllib.parse import quote
from uuid import UUID

from litestar import Response

from app.canonical import documents, journeys, lists, views
from app.canonical.lists import Window
from app.canonical.models import Document, DocumentContent
from app.core.errors import FieldError, Invalid, NotFound
from app.core.uow import UnitOfWork
from app.portal.forms import Form
from app.portal.home import asks
from app.portal.home.telling import show
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen

PAGE = 20
_ENDINGS = {"application/pdf": "pdf", "application/json": "json", "text/plain": "txt"}


class FileMissing(Invalid):
    """Choose a file, then send it."""

    status = 422


@page_get("/documents", area="home", permission="model.read")
async def list_documents(
    screen: Screen, uow: UnitOfWork, only: Literal["wanted", "verified", "all"] = "all", cursor: str = ""
) -> Response[str]:
    """Papers, the newest first; those that are wanted above them."""
    wanted = await asks.papers(uow, await journeys.wanted(uow, limit=asks.MOST))
    page = await lists.documents(uow, Window(cursor or None, PAGE), status="verified" if only == "verified" else None)
    found = wanted if only == "wanted" else await asks.papers(uow, page.items)
    next = None if only == "wanted" else page.next
    return show(screen, "documents.html", seen=[found], papers=found, wanted=wanted, next=next, only=only, cursor=cursor)


@page_get("/documents/{document_id:uuid}", area="home", permission="model.read")
async def show_document(screen: Screen, uow: UnitOfWork, document_id: UUID) -> Response[str]:
    """One paper: what is needed, what was sent, what is wrong with it."""
    return await _document(screen, uow, document_id)


@page_post("/documents/{document_id:uuid}/content", area="home", permission="documents.write", upload=True)
async def send_document(screen: Screen, form: Form, document_id: UUID) -> Response[str]:
    """Take the file, read it and say at once whether it will do."""
    file = form.files.get("file")
    content = await file.read() if file else b""

    async def change(uow: UnitOfWork) -> str:
        if not content:
            raise FileMissing(errors=[FieldError("/file", "is needed", "Choose a file.")])
        return (await documents.upload(uow, document_id, content, name=file.filename if file else "")).status

    def then(status: str) -> str:
        return f"/documents/{document_id}" + ("?done=paper_verified" if status == "verified" else "")

    return await screen.change(change, form, then=then, again=lambda uow, wrong: _document(screen, uow, document_id, wrong))


@page_get("/documents/{document_id:uuid}/content", area="home", permission="model.read")
async def download_document(screen: Screen, uow: UnitOfWork, document_id: UUID) -> Response[bytes]:
    """The newest upload as it came, to be kept as a file under a plain name."""
    row = await uow.get(Document, document_id)
    kept = await uow.find(DocumentContent, row.content_id) if row.content_id else None
    if kept is None:
        raise NotFound()
    ending = _ENDINGS.get(kept.media_type, "bin")
    name = kept.name if kept.name.lower().endswith(f".{ending}") else f"{kept.name}.{ending}"
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in name).lstrip(".")
    headers = {
        "Content-Disposition": f"attachment; filename=\"{plain or 'document'}\"; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; sandbox",
    }  # fmt: skip
    return Response(await documents.content_of(uow, kept.id), media_type="application/octet-stream", headers=headers)


async def _document(screen: Screen, uow: UnitOfWork, document_id: UUID, form: Form | None = None) -> Response[str]:
    row = await uow.get(Document, document_id)
    paper = (await asks.papers(uow, [views.document(row)]))[0]
    kept = await uow.find(DocumentContent, row.content_id) if row.content_id else None
    wanted = asks.wanted_fields(row.kind)
    return show(
        screen, "document.html", seen=[paper], form=form, paper=paper, kept=kept, wanted=wanted, can_send=asks.can_send(row, uow.now.date())
    )


ROUTES: list[Any] = [list_documents, show_document, send_document, download_document]
