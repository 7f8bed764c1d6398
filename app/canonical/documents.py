"""Documents about an order or shipment: required, uploaded as they come, then refused naming the field or verified.

Every upload is kept, refused ones too. What must stand in one is data (document_types.yaml).
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.canonical import findable, forms, queries
from app.canonical.events import CanonicalEvent
from app.canonical.models import Document, DocumentContent, Order, Shipment
from app.canonical.requirements import Wrong, document_types, findings, valid_until
from app.core.errors import Conflict, FieldError, Invalid, LimitReached
from app.core.uow import UnitOfWork


class UnknownDocumentKind(Invalid):
    """There is no such kind of document."""


class DocumentAboutNothing(Invalid):
    """A document belongs to an order or a shipment; name one."""


class DocumentTooLarge(LimitReached):
    """An upload may have 25 MB."""

    status = 413
    title = "Too large"


class DocumentAlreadyVerified(Conflict):
    """This document is verified; a newer one needs a requirement of its own."""


class NothingUploaded(Conflict):
    """Nothing has been uploaded for this document yet."""


SETTLED: Final = "verified"


async def require(
    uow: UnitOfWork,
    *,
    kind: str,
    customer_id: UUID,
    order_id: UUID | None = None,
    shipment_id: UUID | None = None,
    case_id: UUID | None = None,
    key: str | None = None,
) -> Document:
    """Ask for a document of a kind about an order or shipment; asking again with the same key gives the same one.

    Without a key there is one document of a kind for each order and shipment. Says document.required the first time, and again for one
    that was verified and has expired since.
    """
    if kind not in document_types():
        known = ", ".join(document_types())
        raise UnknownDocumentKind(errors=[FieldError("/kind", f"There is no kind {kind}.", f"Use one of {known}.")])
    order, shipment = await _subjects(uow, customer_id, order_id, shipment_id)
    row, is_new = await _named(uow, key or f"{kind}|{order_id}|{shipment_id}", kind, customer_id, order_id, shipment_id, case_id)
    if is_new:
        await findable.document(uow, row)
    has_expired = _has_expired(uow, row)
    if is_new or has_expired or (case_id is not None and row.case_id is None):
        row.status = "required" if has_expired else row.status
        row.required_at, row.case_id = uow.now, row.case_id or case_id
        _say(uow, row, "required", order=order, shipment=shipment)
    return row


async def upload(uow: UnitOfWork, document_id: UUID, content: bytes, *, name: str = "") -> Document:
    """Keep what was uploaded and verify it at once; the document is verified or refused with findings afterwards.

    Raises UnknownForm (415) for a file that can't be a form, DocumentTooLarge (413), DocumentAlreadyVerified (409).
    """
    row = await uow.get(Document, document_id, lock=True)
    if len(content) > forms.MOST_BYTES:
        raise DocumentTooLarge()
    if row.status == SETTLED and not _has_expired(uow, row):
        raise DocumentAlreadyVerified()
    media_type = forms.media_type(content)
    kept = uow.add(
        DocumentContent(
            customer_id=row.customer_id, case_id=row.case_id, document_id=row.id, name=_file_name(name), media_type=media_type, size=len(content),
            sha256=hashlib.sha256(content).hexdigest(), content=content, uploaded_by=uow.actor, uploaded_at=uow.now,
        )
    )  # fmt: skip
    row.content_id, row.status, row.uploaded_at, row.version = kept.id, "uploaded", uow.now, row.version + 1
    _say(uow, row, "uploaded", also=[kept], content_id=kept.id, sha256=kept.sha256, media_type=media_type, size=kept.size)
    # The upload is a fact of its own, told before what came of it.
    await uow.session.flush()
    judged = await _judge(uow, row, content)
    await findable.document(uow, judged, kept.name)
    return judged


async def verify(uow: UnitOfWork, document_id: UUID) -> Document:
    """Look again at what was uploaded last: its order may be known better by now, or its date may have passed."""
    row = await uow.get(Document, document_id, lock=True)
    if row.content_id is None:
        raise NothingUploaded()
    judged = await _judge(uow, row, await content_of(uow, row.content_id))
    await findable.document(uow, judged)
    return judged


async def content_of(uow: UnitOfWork, content_id: UUID) -> bytes:
    """The bytes of one upload."""
    query = select(DocumentContent.content).where(DocumentContent.id == content_id)
    content: bytes = (await uow.execute(query)).scalar_one()
    return content


async def report(uow: UnitOfWork, event: CanonicalEvent, *, customer_id: UUID, order: Order | None, shipment: Shipment | None) -> Document:
    """Write down that a document exists elsewhere; being told of isn't being verified."""
    kind, number = event.data.get("kind", "other"), event.data.get("number") or event.refs.get("document")
    key = f"{kind}|{number}|{order.id if order else None}|{shipment.id if shipment else None}"
    row, is_new = await _named(uow, key, kind, customer_id, order.id if order else None, shipment.id if shipment else None, None)
    if is_new:
        until = event.data.get("valid_until")
        row.status, row.number, row.valid_until = "reported", number, until.date() if until else None
        await findable.document(uow, row)
    return row


async def _judge(uow: UnitOfWork, row: Document, content: bytes) -> Document:
    """Read the form and compare it with what is known; says document.verified or document.refused."""
    fields, found = await _read(uow, row, content)
    row.fields, row.findings, row.version = fields, [msgspec.to_builtins(error) for error in found], row.version + 1
    if found:
        row.status = "refused"
        _say(uow, row, "refused", findings=row.findings)
        return row
    wanted = document_types()[row.kind]
    row.status, row.verified_at, row.verified_by = "verified", uow.now, uow.actor
    row.valid_until, row.number = valid_until(wanted, fields), fields.get("certificate_number") or fields.get("invoice_number")
    _say(uow, row, "verified", fields=fields)
    return row


async def _read(uow: UnitOfWork, row: Document, content: bytes) -> tuple[dict[str, str], Sequence[FieldError]]:
    wanted = document_types().get(row.kind)
    if wanted is None:
        return {}, [
            Wrong("/kind", f"{row.kind} has no requirement to check against.", "Require it by one of the known kinds.", "no_requirement")
        ]
    try:
        fields = forms.read(content).fields
    except Invalid as unreadable:
        told = unreadable.errors or (FieldError("", unreadable.detail),)
        return {}, [Wrong(error.pointer, error.detail, error.remedy, "unreadable") for error in told]
    subjects = {"order": row.order_id, "shipment": row.shipment_id}
    facts = await queries.facts(uow, customer_id=row.customer_id, subjects=subjects, now=uow.now)
    known = {name: fact.value for name, fact in facts.items()}
    return fields, findings(wanted, fields, known, uow.now.date())


def _has_expired(uow: UnitOfWork, row: Document) -> bool:
    return row.status == SETTLED and row.valid_until is not None and row.valid_until < uow.now.date()


async def _subjects(
    uow: UnitOfWork, customer_id: UUID, order_id: UUID | None, shipment_id: UUID | None
) -> tuple[Order | None, Shipment | None]:
    """The order and shipment a document is about; another customer's are as missing as those that aren't there."""
    order = await uow.get(Order, order_id) if order_id else None
    shipment = await uow.get(Shipment, shipment_id) if shipment_id else None
    if order is None and shipment is None:
        raise DocumentAboutNothing(errors=[FieldError("/order", "Neither order nor shipment is named.", "Name one of them.")])
    if any(row is not None and row.customer_id != customer_id for row in (order, shipment)):
        raise DocumentAboutNothing(errors=[FieldError("/order", "This order or shipment is not the customer's.", "Name one of its own.")])
    return order, shipment


async def _named(
    uow: UnitOfWork, key: str, kind: str, customer_id: UUID, order_id: UUID | None, shipment_id: UUID | None, case_id: UUID | None
) -> tuple[Document, bool]:
    """The customer's document of this key, made as required when it isn't there; and whether it is new."""
    query = select(Document).where(Document.customer_id == customer_id, Document.key == key).with_for_update(key_share=True)
    known: Document | None = (await uow.execute(query)).scalar_one_or_none()
    if known is not None:
        return known, False
    values = {
        "tenant_id": uow.tenant_id, "id": uow.new_id(), "customer_id": customer_id, "kind": kind, "key": key, "order_id": order_id,
        "shipment_id": shipment_id, "case_id": case_id, "status": "required", "findings": [], "created_at": uow.now, "version": 0,
    }  # fmt: skip
    await uow.execute(insert(Document).values(values).on_conflict_do_nothing())
    row: Document = (await uow.execute(query)).scalar_one()
    is_new = row.version == 0
    row.version = row.version or 1
    return row, is_new


def _say(
    uow: UnitOfWork, row: Document, what: str, *, also: Any = (), order: Order | None = None, shipment: Shipment | None = None, **more: Any
) -> None:
    """document.<what>, heard by whoever waits for this document."""
    data = {
        "document_id": row.id, "kind": row.kind, "status": row.status, "order_id": row.order_id, "shipment_id": row.shipment_id, "case_id": row.case_id,
        "number": row.number, **({"order": order.number} if order else {}), **({"shipment": shipment.number} if shipment else {}), **more,
    }  # fmt: skip
    uow.publish(f"document.{what}", of=row, also=also, data=data, key=f"document:{row.id}")


def _file_name(name: str) -> str:
    """A name that is only ever shown: no path, no control characters."""
    plain = "".join(letter for letter in name.replace("\\", "/").rpartition("/")[2] if letter.isprintable())
    return plain[:200] or "document"
