"""The signed link behind an offer: it shows the options, and a post takes one, once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.cases import offers
from app.cases.models import Case, Offer
from app.core.errors import FieldError, Invalid
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.notifications.links import Form
from app.notifications.models import Link
from branding.pages import Choice, Page


class OfferLink:
    """Implements app.notifications.links.LinkAction for the kind `offer`; the link's subject is the offer."""

    kind = "offer"

    async def show(self, shell: Shell, uow: UnitOfWork, link: Link) -> Page:
        """The options and until when; changes nothing, since mail scanners follow links too."""
        row = await uow.get(Offer, link.subject_id)
        if row.status == "answered":
            return Page(kind="used", answer=_label(row))
        if row.status == "expired" or row.expires_at <= uow.now:
            return Page(kind="expired")
        case = await uow.get(Case, row.case_id)
        choices = tuple(_choice(option, row.default_option) for option in row.options)
        return Page(kind="offer", title=case.title, choices=choices, answer_by=row.expires_at)

    async def act(self, shell: Shell, uow: UnitOfWork, link: Link, form: Form) -> Page:
        """Takes the chosen option. Raises Invalid when none was chosen, OfferAnswered or OfferExpired when it is too late."""
        option = form.fields.get("option", "")
        if not option:
            raise Invalid("Nothing was chosen.", errors=[FieldError("/option", "missing", "Choose one of the options.")])
        row = await offers.answer(uow, link.subject_id, option)
        return Page(kind="answered", answer=_label(row))


def _label(row: Offer) -> str:
    return str((offers.option_of(row, row.option) or {}).get("label", ""))


def _choice(option: dict[str, Any], default: str | None) -> Choice:
    cost = option.get("cost_minor")
    return Choice(
        value=option["id"],
        label=option["label"],
        detail=str(option.get("detail") or option.get("service") or ""),
        at=_moment(option.get("eta")),
        until=_moment(option.get("eta_until")),
        cost_minor=cost if isinstance(cost, int) else None,
        currency=str(option.get("currency") or ""),
        is_default=option["id"] == default,
    )


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
