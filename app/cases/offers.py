"""Offers: options put to a customer or counterparty, with a time to answer and, except for regulated goods, what holds on silence."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from app.canonical.models import Order
from app.cases import waiting
from app.cases.models import Case, CaseSubject, Offer
from app.cases.status import CaseAlreadyResolved
from app.core.errors import Conflict, FieldError, Invalid
from app.core.uow import UnitOfWork

WORK: Final = "offer"
MOST_OPTIONS: Final = 20


class OfferAnswered(Conflict):
    """This offer was answered already."""


class OfferExpired(Conflict):
    """The time to answer this offer is over."""


class NoDefaultForRegulatedGoods(Invalid):
    """Nothing may happen to regulated goods because nobody answered; make the offer without a default."""


async def make(
    uow: UnitOfWork,
    *,
    case_id: UUID,
    to: dict[str, Any],
    options: list[dict[str, Any]],
    default: str | None,
    expires_at: datetime,
    key: str,
) -> Offer:
    """Puts options (`{"id", "label", "eta"?, "cost_minor"?, "currency"?, …}`) to somebody; the same `key` again returns the first.

    The case waits and its resolution clock pauses. Publishes offer.made, key `offer:<id>`.
    """
    known: Offer | None = (await uow.execute(select(Offer).where(Offer.key == key))).scalar_one_or_none()
    if known is not None:
        return known
    case = await uow.get(Case, case_id, lock=True)
    if case.status == "resolved":
        raise CaseAlreadyResolved()
    _check(uow, options, default, expires_at)
    if default is not None and await _is_regulated(uow, case):
        raise NoDefaultForRegulatedGoods(errors=[FieldError("/default", "not for regulated goods", "Leave the default out.")])
    row = uow.add(
        Offer(
            customer_id=case.customer_id, case_id=case_id, key=key, recipient=to, options=options, default_option=default, made_by=uow.actor,
            made_at=uow.now, expires_at=expires_at, status="open",
        )
    )  # fmt: skip
    uow.work(WORK, subject=row.id, due=expires_at, cls="deadline")
    data = {"offer_id": row.id, "case_id": case_id, "options": options, "default": default, "expires_at": expires_at}
    uow.publish("offer.made", of=row, key=f"offer:{row.id}", data=data)
    await waiting.begin(uow, case, "an offer is out")
    return row


def _check(uow: UnitOfWork, options: list[dict[str, Any]], default: str | None, expires_at: datetime) -> None:
    ids = [option.get("id") for option in options]
    wrong = []
    if not 1 <= len(options) <= MOST_OPTIONS:
        wrong.append(FieldError("/options", f"An offer has 1 to {MOST_OPTIONS} options."))
    for index, option in enumerate(options):
        if not all(isinstance(option.get(name), str) and option[name] for name in ("id", "label")):
            wrong.append(FieldError(f"/options/{index}", "An option needs a text `id` and `label`."))
    if len(set(ids)) != len(ids):
        wrong.append(FieldError("/options", "Two options have the same id."))
    if default is not None and default not in ids:
        wrong.append(FieldError("/default", "The default is none of the options."))
    if expires_at <= uow.now:
        wrong.append(FieldError("/expires_at", "An offer must expire in the future."))
    if wrong:
        raise Invalid("This offer can't be made.", errors=wrong)


async def _is_regulated(uow: UnitOfWork, case: Case) -> bool:
    orders = select(CaseSubject.subject_id).where(CaseSubject.case_id == case.id, CaseSubject.kind == "order")
    return bool((await uow.execute(select(Order.id).where(Order.id.in_(orders), Order.regulated.is_(True)).limit(1))).first())


async def answer(uow: UnitOfWork, offer_id: UUID, option: str, by: str | None = None) -> Offer:
    """Takes one of the options; once. The case goes on. Publishes offer.answered, key `offer:<id>`.

    Raises OfferAnswered or OfferExpired for a second or late answer, Invalid for an option that isn't there.
    """
    row, case = await _held(uow, offer_id)
    if row.status != "open":
        raise OfferExpired() if row.status == "expired" else OfferAnswered()
    if row.expires_at <= uow.now:
        raise OfferExpired()
    if case.status == "resolved":
        raise CaseAlreadyResolved()
    chosen = option_of(row, option)
    if chosen is None:
        choices = ", ".join(str(known["id"]) for known in row.options)
        raise Invalid(
            "This offer has no such option.", errors=[FieldError("/option", "not among the options", f"Choose one of {choices}.")]
        )
    row.status, row.option, row.answered_by, row.answered_at = "answered", option, by or uow.actor, uow.now
    uow.drop_work(WORK, row.id)
    uow.publish("offer.answered", of=row, key=f"offer:{row.id}", data=_told(row, chosen) | {"by": row.answered_by})
    await _go_on(uow, case, row)
    return row


async def expire(uow: UnitOfWork, offer_id: UUID) -> bool:
    """Ends an offer nobody answered; its default, where it has one, holds. Publishes offer.expired; quiet when there is nothing to end."""
    if await uow.find(Offer, offer_id) is None:
        return False
    row, case = await _held(uow, offer_id)
    if row.status != "open":
        return False
    if row.expires_at > uow.now:
        # Asked a moment early: this clock and the queue's are two.
        uow.work(WORK, subject=row.id, due=row.expires_at, cls="deadline")
        return False
    row.status, row.option = "expired", row.default_option
    uow.publish("offer.expired", of=row, key=f"offer:{row.id}", data=_told(row, option_of(row, row.default_option)))
    await _go_on(uow, case, row)
    return True


def option_of(row: Offer, option: str | None) -> dict[str, Any] | None:
    """The option with this id, or None."""
    return next((dict(known) for known in row.options if known["id"] == option), None)


async def _held(uow: UnitOfWork, offer_id: UUID) -> tuple[Offer, Case]:
    # The case first, then its offer: the order every verb takes them in.
    case = await uow.get(Case, (await uow.get(Offer, offer_id)).case_id, lock=True)
    return await uow.get(Offer, offer_id, lock=True), case


async def _go_on(uow: UnitOfWork, case: Case, done: Offer) -> None:
    others = select(Offer.id).where(Offer.case_id == case.id, Offer.status == "open", Offer.id != done.id).limit(1)
    if (await uow.execute(others)).first() is None:
        await waiting.end(uow, case)


def _told(row: Offer, option: dict[str, Any] | None) -> dict[str, Any]:
    told = {"offer_id": row.id, "case_id": row.case_id, "option_id": option["id"] if option else None, "option": option}
    return told | {"option_label": option["label"] if option else None}
