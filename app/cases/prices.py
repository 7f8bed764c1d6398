"""What an option costs by the word of whoever offered it, not by the word of whoever wants it.

A limit reads `amount_minor` and `currency` of a call's parameters. For a call that names an option (`option_id`) they are believed only as
a recorded answer of its case offered them for the same shipment (`[{"id", "cost_minor", "currency", …}]`); an option that nobody offered
there has no amount, and what has no amount needs an approval.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import select

from app.cases.models import Case
from app.connectors.models import Call
from app.core.uow import UnitOfWork

LOOKED_AT: Final = 50
"""The latest answers of a case that are searched for the option."""
PRICE: Final = ("amount_minor", "currency")


async def corrected(uow: UnitOfWork, case: Case | None, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with the option's price as it was last offered on this case; without any when nobody offered it, or without a case.

    Parameters that name no option are left as they are: there is nobody else to ask what they cost.
    """
    option = params.get("option_id")
    if option is None:
        return dict(params)
    told = {name: value for name, value in params.items() if name not in PRICE}
    if case is None or not isinstance(option, str):
        return told
    asked = select(Call.params, Call.response).where(Call.case_id == case.id, Call.status == "done", Call.has_effect.is_(False))
    answers = (await uow.session.execute(asked.order_by(Call.id.desc()).limit(LOOKED_AT))).all()
    found = quoted(((asked_with, answer) for asked_with, answer in answers), params, option)
    return told | (found or {})


def quoted(answers: Iterable[tuple[Mapping[str, Any], Any]], params: Mapping[str, Any], option: str) -> dict[str, Any] | None:
    """`{"amount_minor", "currency"}` of the first answer that offered the option for the same shipment."""
    for asked_with, answer in answers:
        if asked_with.get("shipment") != params.get("shipment"):
            continue
        for offered in answer if isinstance(answer, list) else []:
            if isinstance(offered, dict) and offered.get("id") == option and _is_amount(offered.get("cost_minor")):
                return {"amount_minor": offered["cost_minor"], "currency": offered.get("currency")}
    return None


def _is_amount(value: object) -> bool:
    return type(value) is int and value >= 0
