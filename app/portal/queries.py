"""Reading what people keep on their screens."""

from collections.abc import Sequence

from sqlalchemy import or_, select

from app.core.uow import UnitOfWork
from app.portal.models import SavedView
from tenants.principal import Principal


async def views(uow: UnitOfWork, principal: Principal, area: str) -> Sequence[SavedView]:
    """Return one's own and the shared views of a list, by name; a list has at most some dozens."""
    wanted = select(SavedView).where(SavedView.area == area, or_(SavedView.user_id == principal.user_id, SavedView.is_shared))
    return (await uow.execute(wanted.order_by(SavedView.name, SavedView.id).limit(200))).scalars().all()
