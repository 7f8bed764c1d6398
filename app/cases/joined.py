"""Which case a signal became part of."""

from uuid import UUID

from sqlalchemy import select

from app.cases.models import CaseSignal
from app.core.uow import UnitOfWork


async def case_of_signal(uow: UnitOfWork, signal_id: UUID) -> UUID | None:
    """Return the case a signal opened or joined first; None while there is none."""
    # Ids follow time: what a signal became was written after it, so the search begins there.
    joined = select(CaseSignal.case_id).where(CaseSignal.id > signal_id, CaseSignal.signal_id == signal_id)
    found: UUID | None = (await uow.execute(joined.order_by(CaseSignal.id).limit(1))).scalar_one_or_none()
    return found
