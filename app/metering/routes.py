"""Usage over HTTP."""

from datetime import date
from typing import Any
from uuid import UUID

from litestar import get

from app.core.uow import UnitOfWork
from app.metering import queries
from app.metering.schemas import UsageView


@get("/v1/usage", opt={"permission": "usage.read"}, operation_id="listUsage", tags=["money"])
async def list_usage(
    uow: UnitOfWork, since: date | None = None, until: date | None = None, customer_id: UUID | None = None, meter: str | None = None
) -> UsageView:
    """Usage per customer, day and meter; this month so far unless days are named."""
    last = until or uow.now.date()
    return await queries.usage(uow, since=since or last.replace(day=1), until=last, customer_id=customer_id, meter=meter)


ROUTES: list[Any] = [list_usage]
