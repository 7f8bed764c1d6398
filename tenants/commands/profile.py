"""One's own profile: what people are called, and the language and time zone they read in."""

from zoneinfo import available_timezones

from app.core.errors import FieldError, Invalid, NotFound
from app.core.uow import UnitOfWork
from tenants.models import User
from tenants.principal import Principal
from tenants.schemas import Profile


class ZoneUnknown(Invalid):
    """There is no time zone of this name; use one like Europe/Berlin."""

    status = 422


async def set_profile(uow: UnitOfWork, wanted: Profile, *, principal: Principal) -> User:
    """Keep what the person who asks says of themselves; without language or zone their customer's or the brand's hold.

    Raises ZoneUnknown; NotFound for whoever is no person. Says user.profile_changed.
    """
    user = await uow.find(User, principal.user_id, lock=True) if principal.user_id else None
    if user is None:
        raise NotFound()
    if wanted.zone is not None and wanted.zone not in available_timezones():
        raise ZoneUnknown(errors=[FieldError("/zone", f"{wanted.zone} is not a time zone.", "Choose one like Europe/Berlin.")])
    user.name, user.locale, user.zone = wanted.name, wanted.locale, wanted.zone
    uow.publish("user.profile_changed", of=user, key=f"user:{user.id}")
    return user
