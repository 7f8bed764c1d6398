"""What an option costs by the word of whoever offered it, not by the word of whoever wants it.

A limit reads `amount_minor` and `currency` of a call's parameters. Where the case has a recorded answer that offered the option
(`[{"id", "cost_minor", "currency", …}]`), that price stands, whatever the parameters say.
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


async def corrected(uow: UnitOfWork, case: Case | None, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with the price as it was offered on this case, the latest first; as they are when nobody offered such an option."""
    option = params.get("option_id")
    if case is None or not isinstance(option, str):
        return dict(params)
    asked = select(Call.params, Call.response).where(Call.case_id == case.id, Call.status == "done", Call.has_effect.is_(False))
    answers = (await uow.session.execute(asked.order_by(Call.id.desc()).limit(LOOKED_AT))).all()
    found = quoted(((asked_with, answer) for asked_with, answer in answers), params, option)
    return {**params, **found} if found else dict(params)


def quoted(answers: Iterable[tuple[Mapping[str, Any], Any]], params: Mapping[str, Any], option: str) -> dict[str, Any] | None:
    """`{"amount_minor", "currency"}` of the first answer that offered the option for the same shipment."""
    for asked_with, answer in answers:
        if asked_with.get("shipment") not in (None, params.get("shipment")):
            continue
        for offered in answer if isinstance(answer, list) else []:
            if isinstance(offered, dict) and offered.get("id") == option and isinstance(offered.get("cost_minor"), int):
                return {"amount_minor": offered["cost_minor"], "currency": offered.get("currency")}
    return None
