"""What people wish of our mails, as it is read: one's own, and those of whom a notice goes to."""

from collections.abc import Collection
from datetime import time
from uuid import UUID

from sqlalchemy import select

from app.core.uow import UnitOfWork
from app.notifications.models import Preference
from app.notifications.schemas import Preferences
from app.notifications.wishes import Quiet
from tenants.models import Customer, User


def person(uow: UnitOfWork) -> UUID | None:
    """Who acts, when it is a person."""
    kind, _, id = uow.actor.partition(":")
    return UUID(id) if kind == "user" else None


async def own(uow: UnitOfWork) -> Preferences:
    """What the person behind this transaction wishes; everything at once while they said nothing."""
    user_id = person(uow)
    row = (await uow.execute(select(Preference).where(Preference.user_id == user_id))).scalar_one_or_none() if user_id else None
    return view(row) if row else Preferences()


def view(row: Preference) -> Preferences:
    """The row as its owner reads it."""
    return Preferences(
        documents=row.documents, updates=row.updates, mentions=row.mentions, quiet_from=row.quiet_from, quiet_until=row.quiet_until  # type: ignore[arg-type]
    )  # fmt: skip


async def of_people(uow: UnitOfWork, addresses: Collection[str], customer_id: UUID | None) -> dict[str, tuple[Preferences, Quiet | None]]:
    """The wishes of the people with these addresses (in lower case), of this customer or, without one, of the partner."""
    owner = User.customer_id.is_(None) if customer_id is None else User.customer_id == customer_id
    query = select(Preference, User).join(User, (User.tenant_id == Preference.tenant_id) & (User.id == Preference.user_id))
    rows = (await uow.session.execute(query.where(User.email.in_(addresses), owner))).all()
    if not rows:
        return {}
    customer = await uow.find(Customer, customer_id) if customer_id else None
    return {user.email: (view(row), _quiet(row, user.zone or (customer.zone if customer else "UTC"))) for row, user in rows}


def _quiet(row: Preference, zone: str) -> Quiet | None:
    if row.quiet_from is None or row.quiet_until is None:
        return None
    return Quiet(time.fromisoformat(row.quiet_from), time.fromisoformat(row.quiet_until), zone)
