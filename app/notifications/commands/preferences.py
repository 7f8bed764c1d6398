"""What people wish of our mails: kept for themselves, by themselves."""

from sqlalchemy import select

from app.core.errors import FieldError, Invalid, NotFound
from app.core.uow import UnitOfWork
from app.notifications import preferences
from app.notifications.models import Preference
from app.notifications.schemas import Preferences
from tenants.models import User


class QuietHoursHalf(Invalid):
    """Quiet hours need a beginning and an end."""

    status = 422


async def prefer(uow: UnitOfWork, wanted: Preferences) -> Preference:
    """Keep what the person behind this transaction wishes. Says preference.changed; NotFound for whoever is no person.

    Raises QuietHoursHalf naming the field that is missing.
    """
    user_id = preferences.person(uow)
    user = await uow.find(User, user_id, lock=True) if user_id else None
    if user is None:
        raise NotFound()
    if (wanted.quiet_from is None) != (wanted.quiet_until is None):
        missing = "/quiet_from" if wanted.quiet_from is None else "/quiet_until"
        raise QuietHoursHalf(errors=[FieldError(missing, "is needed", "Give both times, or neither.")])
    found = (await uow.execute(select(Preference).where(Preference.user_id == user.id))).scalar_one_or_none()
    row: Preference = found or uow.add(Preference(customer_id=user.customer_id, user_id=user.id))
    row.documents, row.updates, row.mentions = wanted.documents, wanted.updates, wanted.mentions
    row.quiet_from, row.quiet_until, row.changed_at = wanted.quiet_from, wanted.quiet_until, uow.now
    uow.publish("preference.changed", of=row, key=f"user:{user.id}", customer_id=user.customer_id)
    return row
