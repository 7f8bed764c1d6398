"""What people keep on their screens: lists with their filters, under a name."""

from sqlalchemy import select

from app.core.errors import Conflict, LimitReached
from app.core.uow import UnitOfWork
from app.portal.models import SavedView
from app.portal.schemas import NewView
from tenants.principal import Principal

MOST_VIEWS = 50


class ViewNameTaken(Conflict):
    """You have a view of this name here; choose another or remove that one first."""


class TooManyViews(LimitReached):
    """You have fifty views on this list; remove one first."""

    status = 422


async def save_view(uow: UnitOfWork, principal: Principal, new: NewView) -> SavedView:
    """Keep a list's filters under a name, for oneself or everybody of the same scope. Says view.saved."""
    mine = (await uow.execute(select(SavedView.name).where(SavedView.user_id == principal.user_id, SavedView.area == new.area))).scalars()
    names = set(mine)
    if new.name in names:
        raise ViewNameTaken()
    if len(names) >= MOST_VIEWS:
        raise TooManyViews()
    view = SavedView(
        customer_id=principal.customer_id, user_id=principal.user_id, area=new.area, name=new.name, query=new.query,
        is_shared=new.is_shared, created_at=uow.now,
    )  # fmt: skip
    uow.add(view)
    uow.publish("view.saved", of=view, key=f"user:{principal.user_id}", customer_id=principal.customer_id, data={"name": new.name})
    return view


async def remove_view(uow: UnitOfWork, principal: Principal, view: SavedView) -> None:
    """Forget one of one's own views. Says view.removed."""
    await uow.session.delete(view)
    uow.publish("view.removed", of=view, key=f"user:{principal.user_id}", customer_id=principal.customer_id, data={"name": view.name})
