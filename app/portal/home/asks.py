"""What waits for the customer: choices to make and papers to send, each with what it is about."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from app.canonical import journeys
from app.canonical.models import Document
from app.canonical.requirements import document_types
from app.canonical.schemas import DocumentView
from app.cases import following, queries
from app.cases.following import Followed, moment
from app.cases.schemas import OfferView
from app.core.uow import UnitOfWork

MOST = 10


class Option(msgspec.Struct, frozen=True):
    """One choice as the customer sees it; `cost_minor` is what it costs them on top, None when nothing is said of money."""

    letter: str
    id: str
    label: str
    detail: str
    arrives_at: datetime | None
    arrives_until: datetime | None
    cost_minor: int | None
    currency: str
    is_default: bool

    @property
    def costs(self) -> bool:
        """Whether choosing it costs the customer money."""
        return bool(self.cost_minor and self.cost_minor > 0 and self.currency)


class Ask(msgspec.Struct, frozen=True):
    """A choice put to the customer: what it is about, until when, what holds on silence, and what became of it."""

    id: UUID
    case_id: UUID
    status: str
    options: list[Option]
    default: Option | None
    chosen: Option | None
    expires_at: datetime
    answered_at: datetime | None
    made_at: datetime
    trouble: str
    number: str

    def option(self, id: str) -> Option | None:
        """The option of this id."""
        return next((option for option in self.options if option.id == id), None)


class Paper(msgspec.Struct, frozen=True):
    """A document with the number of what it is about."""

    document: DocumentView
    number: str


async def offers(uow: UnitOfWork, views: Sequence[OfferView]) -> list[Ask]:
    """These offers with what they are about."""
    cases = await following.cases(uow, [view.case_id for view in views])
    about = {id for case in cases.values() for id in (case.order_id, case.shipment_id) if id}
    numbers = await journeys.numbers(uow, about)
    return [_ask(view, cases.get(view.case_id), numbers) for view in views]


async def open_offers(uow: UnitOfWork, case_id: UUID | None = None) -> list[Ask]:
    """What can still be answered now, the most urgent first."""
    page = await queries.offers(uow, status="open", case_id=case_id, cursor=None, limit=MOST)
    asks = await offers(uow, [view for view in page.items if view.expires_at > uow.now])
    return sorted(asks, key=lambda ask: ask.expires_at)


async def papers(uow: UnitOfWork, documents: Sequence[DocumentView]) -> list[Paper]:
    """These documents with the numbers of their orders or shipments."""
    numbers = await journeys.numbers(uow, {id for d in documents for id in (d.order, d.shipment) if id})
    return [Paper(d, _number(numbers, d.order, d.shipment)) for d in documents]


def _number(numbers: dict[UUID, str], *ids: UUID | None) -> str:
    return next((numbers[id] for id in ids if id in numbers), "")


def _ask(view: OfferView, case: Followed | None, numbers: dict[UUID, str]) -> Ask:
    options = [_option(place, option, view.default) for place, option in enumerate(view.options)]
    return Ask(
        id=view.id, case_id=view.case_id, status=view.status, options=options, made_at=view.made_at, expires_at=view.expires_at,
        answered_at=view.answered_at, default=next((o for o in options if o.is_default), None),
        chosen=next((o for o in options if o.id == view.option), None), trouble=case.type if case else "",
        number=_number(numbers, case.order_id, case.shipment_id) if case else "",
    )  # fmt: skip


def _option(place: int, told: dict[str, Any], default: str | None) -> Option:
    """Only what is the customer's to see: an option may carry more for those who carry it out."""
    cost = told.get("cost_minor")
    return Option(
        letter="ABCDEFGHIJKLMNOPQRST"[place], id=str(told["id"]), label=str(told["label"]), detail=str(told.get("detail") or ""),
        arrives_at=moment(told.get("eta")), arrives_until=moment(told.get("eta_until")), cost_minor=cost if isinstance(cost, int) else None,
        currency=str(told.get("currency") or ""), is_default=told["id"] == default,
    )  # fmt: skip


def wanted_fields(kind: str) -> list[tuple[str, str, bool]]:
    """What must stand in a document of this kind: name, label, and whether it may be left out."""
    known = document_types().get(kind)
    return [(name, field.label, field.optional) for name, field in known.fields.items()] if known else []


def can_send(row: Document, today: date) -> bool:
    """Whether a file is still taken for it: a verified one that holds needs nothing more."""
    return row.status != "verified" or (row.valid_until is not None and row.valid_until < today)


async def about_cases(uow: UnitOfWork, case_ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    """For each of these cases its kind of trouble and the number of what it is about."""
    cases = await following.cases(uow, case_ids)
    numbers = await journeys.numbers(uow, {id for case in cases.values() for id in (case.order_id, case.shipment_id) if id})
    return {id: (case.type, _number(numbers, case.order_id, case.shipment_id)) for id, case in cases.items()}
