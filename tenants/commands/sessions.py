"""Sessions from the outside: their owner ends one or all, an administrator ends somebody's, and a person chooses whom to work for."""

from uuid import UUID

from sqlalchemy import select

from app.core.errors import Conflict, NotFound
from app.core.uow import UnitOfWork
from tenants.commands.sign_in import end_session
from tenants.commands.users import check_reach
from tenants.models import Session, User
from tenants.principal import Principal
from tenants.queries import roles_held


class FocusMissing(Conflict):
    """You serve single customers only; choose the one you work for now."""


async def end_own(uow: UnitOfWork, user_id: UUID, session_id: UUID) -> None:
    """End one of one's own sessions; NotFound for anybody else's. Says session.ended."""
    session = await uow.get(Session, session_id)
    if session.user_id != user_id:
        raise NotFound()
    await end_session(uow, session_id)


async def end_all(uow: UnitOfWork, user_id: UUID, *, but: UUID | None = None) -> list[UUID]:
    """End every session of a user, `but` one; returns those that ended. Says session.ended for each."""
    wanted = select(Session.id).where(Session.user_id == user_id, Session.ended_at.is_(None), Session.expires_at > uow.now)
    ended = [session_id for session_id in (await uow.execute(wanted)).scalars() if session_id != but]
    for session_id in ended:
        await end_session(uow, session_id)
    return ended


async def end_all_of(uow: UnitOfWork, user_id: UUID, *, maker: Principal) -> list[UUID]:
    """End somebody else's sessions; raises RoleExceedsMaker for somebody whose roles the maker couldn't give."""
    await uow.get(User, user_id)
    await check_reach(uow, user_id, maker=maker)
    return await end_all(uow, user_id)


async def choose_focus(uow: UnitOfWork, session_id: UUID, customer_id: UUID | None) -> None:
    """Work for one of the customers one holds a role for; None goes back to the whole tenant.

    Raises NotFound for a customer one has no role for, FocusMissing where there is no whole tenant to go back to.
    Says session.focused. The row stands in the tenant's scope, so `uow` must be the tenant's.
    """
    session = await uow.get(Session, session_id, lock=True)
    held = await roles_held(uow, session.user_id)
    if customer_id not in held:
        raise NotFound() if customer_id is not None else FocusMissing()
    if session.focus_id != customer_id:
        session.focus_id = customer_id
        uow.publish("session.focused", of=session, key=f"user:{session.user_id}", data={"customer_id": customer_id})
