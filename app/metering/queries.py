"""Usage, added up as it is asked for: the records are few enough, and a sum kept beside them could disagree."""

from collections import Counter
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import func, select

from app.core.errors import FieldError, Invalid
from app.core.uow import UnitOfWork
from app.metering.meters import shipped
from app.metering.models import UsageRecord
from app.metering.schemas import UsageRow, UsageTotal, UsageView

LONGEST = timedelta(days=92)


class SpanInvalid(Invalid):
    """Usage is shown for up to 92 days at once, the first not after the last."""


async def usage(uow: UnitOfWork, *, since: date, until: date, customer_id: UUID | None = None, meter: str | None = None) -> UsageView:
    """Return usage per customer, day and meter from `since` to `until` (UTC days, both included), with totals; raises SpanInvalid."""
    if not timedelta(0) <= until - since <= LONGEST:
        raise SpanInvalid(errors=[FieldError("since", f"{since} to {until} can't be shown.", "Ask for at most 92 days.")])
    keys = (UsageRecord.customer_id, UsageRecord.day, UsageRecord.meter, UsageRecord.unit)
    query = select(*keys, func.sum(UsageRecord.quantity).label("quantity")).where(UsageRecord.day.between(since, until))
    query = query if customer_id is None else query.where(UsageRecord.customer_id == customer_id)
    query = query if meter is None else query.where(UsageRecord.meter == meter)
    rows = (await uow.execute(query.group_by(*keys).order_by(UsageRecord.day, UsageRecord.meter, UsageRecord.customer_id))).all()
    items = [
        UsageRow(customer_id=r.customer_id, day=r.day, meter=r.meter, title=_title(r.meter), unit=r.unit, quantity=int(r.quantity))
        for r in rows
    ]
    return UsageView(since=since, until=until, items=items, totals=_totals(items))


def _totals(items: list[UsageRow]) -> list[UsageTotal]:
    sums: Counter[tuple[str, str]] = Counter()
    for item in items:
        sums[item.meter, item.unit] += item.quantity
    return [UsageTotal(meter=m, title=_title(m), unit=u, quantity=quantity) for (m, u), quantity in sorted(sums.items())]


def _title(meter: str) -> str:
    """A meter that is no longer shipped keeps its name on what it counted."""
    known = shipped().get(meter)
    return known.title if known else meter
