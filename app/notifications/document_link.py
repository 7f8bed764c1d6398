"""The link by which somebody without an account sends a document: the kind `document`, its subject the required document."""

import msgspec

from app.canonical import documents
from app.canonical.models import Document, Order
from app.canonical.requirements import document_types
from app.core.errors import FieldError, Invalid
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.notifications.links import Form
from app.notifications.models import Link
from branding.pages import Fact, Page
from branding.words import words


class FileMissing(Invalid):
    """Choose a file, then send it."""

    status = 422


class DocumentLink:
    """Shows what is needed, takes the file, and says what is wrong with it until it is right."""

    kind = "document"

    async def show(self, shell: Shell, uow: UnitOfWork, link: Link) -> Page:
        """The upload form; a document that is verified already needs nothing more."""
        row = await uow.get(Document, link.subject_id)
        return Page(kind="used") if row.status == documents.SETTLED else await self._form(uow, link, row)

    async def act(self, shell: Shell, uow: UnitOfWork, link: Link, form: Form) -> Page:
        """Keep the file and verify it; a refused one is kept too, and the form comes back naming the field."""
        if form.file is None or not form.file.content:
            raise FileMissing()
        row = await documents.upload(uow, link.subject_id, form.file.content, name=form.file.name)
        if row.status == documents.SETTLED:
            return Page(kind="answered", answer=form.file.name)
        page = await self._form(uow, link, row)
        return msgspec.structs.replace(page, error=_findings(row))

    async def _form(self, uow: UnitOfWork, link: Link, row: Document) -> Page:
        said = words(link.locale or "en")
        wanted = document_types().get(row.kind)
        facts = [Fact(said["label_document"], wanted.title if wanted else row.kind)]
        if row.order_id and (order := await uow.find(Order, row.order_id)):
            facts.append(Fact(said["label_order"], order.number))
        return Page(kind="document", facts=tuple(facts), answer_by=link.expires_at)


def _findings(row: Document) -> str:
    found = msgspec.convert(row.findings, list[FieldError])
    return " ".join(" ".join(filter(None, (one.detail, one.remedy))) for one in found)
