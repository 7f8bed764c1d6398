"""Alarms about keys: those who can do something about one are told by mail, once a matter and day."""

from collections.abc import Mapping
from uuid import UUID

from app.core.events import Event
from app.core.uow import UnitOfWork
from app.notifications.commands.send import send
from app.notifications.schemas import Recipient
from tenants.queries import active_holders

TEMPLATES: Mapping[str, str] = {"key.rotation_due": "key-due", "key.superseded_used": "key-superseded"}
MOST = 20


async def warn_administrators(uow: UnitOfWork, events: list[Event]) -> None:
    """Mail the administrators of a key's scope that it must be renewed, or that it is used although it has a successor."""
    for event in events:
        if event.type not in TEMPLATES:
            continue
        to = await _administrators(uow, event.customer_id)
        if to:
            known = {"key": event.data["key"], "name": event.data.get("name") or event.data["key"], "until": event.data.get("until")}
            about = f"{TEMPLATES[event.type]}:{event.key}:{event.recorded_at.date()}"
            await send(uow, template=TEMPLATES[event.type], to=to, context=known, customer_id=event.customer_id, key=about)


async def _administrators(uow: UnitOfWork, customer_id: UUID | None) -> list[Recipient]:
    role = "customer_admin" if customer_id else "partner_admin"
    people = await active_holders(uow, role, customer_id, limit=MOST)
    return [Recipient(user.email, user.name, user.locale) for user in people]
