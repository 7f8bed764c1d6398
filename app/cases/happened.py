"""A case's timeline the other way round: the latest first, narrowed to one kind of thing."""

from typing import Final, Literal, get_args
from uuid import UUID

from sqlalchemy import or_, select

from app.cases import people
from app.cases.board import audience_of
from app.cases.models import Case, CaseEvent
from app.cases.timeline import WORDS, Entry, entry
from app.core.events import Event
from app.core.models import EventRow
from app.core.paging import Page, page
from app.core.uow import UnitOfWork

Kind = Literal["work", "words", "decisions", "systems", "goods"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_TYPES: Final[dict[Kind, tuple[str, ...]]] = {
    "work": ("case.%", "deviation.%", "access.%"),
    "words": ("case.commented", "case.called", "case.messaged", "case.unsent", "notice.%", "offer.%", "link.%"),
    "decisions": ("decision.%", "approval.%", "case.proposed", "case.reprioritised", "deviation.%"),
    "systems": ("run.%", "call.%", "workflow.%"),
    "goods": ("order.%", "shipment.%", "promise.%", "document.%", "inventory.%"),
}


async def latest(uow: UnitOfWork, case_id: UUID, *, kind: Kind | None = None, cursor: str | None = None, limit: int = 30) -> Page[Entry]:
    """What happened to a case, the latest first; raises NotFound."""
    await uow.get(Case, case_id)
    query = select(EventRow).join(CaseEvent, (CaseEvent.tenant_id == EventRow.tenant_id) & (CaseEvent.event_id == EventRow.id))
    # What the timeline has no words for is machinery: the audit log has it.
    query = query.where(CaseEvent.case_id == case_id, EventRow.type.in_(tuple(WORDS)))
    if kind is not None:
        query = query.where(or_(*(EventRow.type.like(pattern) for pattern in _TYPES[kind])))
    rows: Page[EventRow] = await page(uow, query, by=[(CaseEvent.event_id, UUID)], cursor=cursor, limit=limit, view=lambda row: row)
    events = [Event.read(row.tenant_id, row.recorded_at, row.envelope) for row in rows.items]
    names = await people.names(uow, events)
    told = [entry(event, audience_of(uow), names) for event in events]
    return Page([line for line in told if line is not None], rows.next)
