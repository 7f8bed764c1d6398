"""What a case is found by in the search box: its title, and whatever its order and shipment are found by."""

from collections.abc import Iterable
from uuid import UUID

from app.canonical import search
from app.cases.models import Case
from app.core.uow import UnitOfWork


async def note(uow: UnitOfWork, case: Case, subjects: Iterable[UUID], *, is_new: bool) -> None:
    """Writes it down for a case the caller holds; of a shipment that gets another number later, the case keeps the ones it began with."""
    wanted = set(subjects)
    told = await search.words_of(uow, wanted) if wanted else []
    if told or is_new:
        await search.note(uow, "case", case.id, case.customer_id, case.title, [("title", case.title), *told], is_new=is_new)
