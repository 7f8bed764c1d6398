"""Settings: one's own profile and mails, for everybody who is signed in."""

from copy import copy
from typing import Any
from zoneinfo import available_timezones

import msgspec
from litestar import Response

from app.core.errors import FieldError
from app.core.uow import UnitOfWork
from app.notifications import preferences
from app.notifications.commands.preferences import prefer
from app.notifications.schemas import Preferences
from app.notifications.wishes import MAY
from app.portal import words
from app.portal.forms import Form, FormIncomplete
from app.portal.home.telling import show
from app.portal.pages import page_get, page_post
from app.portal.reader import forget_people
from app.portal.screens import Screen
from branding import formats
from tenants.commands.profile import set_profile
from tenants.models import User
from tenants.schemas import Profile

TOPICS = ("documents", "updates", "mentions")


class OwnScreen(Screen):
    """A screen whose transactions reach the reader's own rows, also while they work or act for a customer."""

    def work(self) -> Any:
        """A transaction in the scope the reader belongs to."""
        who = self.reader.principal
        return self.shell.unit_of_work(who.tenant, actor=who.actor, customer=who.own_customer_id, cause=f"request:{self._request}")

    def read(self) -> Any:
        """The same, to read."""
        who = self.reader.principal
        return self.shell.read(who.tenant, actor=who.actor, customer=who.own_customer_id)


def own(screen: Screen) -> Screen:
    """The same screen, for the reader's own rows."""
    mine = copy(screen)
    mine.__class__ = OwnScreen
    return mine


@page_get("/settings", area="any")
async def settings(screen: Screen) -> Response[str]:
    """What belongs to the reader, each a page of its own."""
    who = screen.reader.principal
    links = ["profile", "notices", "sessions"]
    if who.scope == "customer":
        links += [name for name, permission in (("users", "users.read"), ("access", "consent.read")) if screen.reader.may(permission)]
    return show(screen, "settings.html", links=links)


@page_get("/settings/profile", area="any")
async def show_profile(screen: Screen) -> Response[str]:
    """Name, language, time zone."""
    async with own(screen).read() as uow:
        return await _profile(screen, uow)


@page_post("/settings/profile", area="any")
async def keep_profile(screen: Screen, form: Form) -> Response[str]:
    """Keep them; the next page speaks the new language."""

    async def change(uow: UnitOfWork) -> None:
        wanted = form.read(Profile, only=("name", "locale", "zone"))
        if wanted.locale is not None and wanted.locale not in words.languages():
            raise FormIncomplete(errors=[FieldError("/locale", "isn't one of the choices")])
        await set_profile(uow, wanted, principal=screen.reader.principal)

    answer = await own(screen).change(
        change, form, then="/settings/profile", done="saved", again=lambda uow, wrong: _profile(screen, uow, wrong)
    )
    forget_people(screen.shell)
    return answer


@page_get("/settings/notices", area="any")
async def show_notices(screen: Screen) -> Response[str]:
    """What we write about, and when."""
    async with own(screen).read() as uow:
        return await _notices(screen, uow)


@page_post("/settings/notices", area="any")
async def keep_notices(screen: Screen, form: Form) -> Response[str]:
    """Keep it."""

    async def change(uow: UnitOfWork) -> None:
        await prefer(uow, form.read(Preferences, only=(*TOPICS, "quiet_from", "quiet_until")))

    return await own(screen).change(
        change, form, then="/settings/notices", done="saved", again=lambda uow, wrong: _notices(screen, uow, wrong)
    )


async def _profile(screen: Screen, uow: UnitOfWork, form: Form | None = None) -> Response[str]:
    user = await uow.get(User, screen.reader.principal.user_id)  # type: ignore[arg-type]
    shown = form or Form.of({"name": user.name, "locale": (user.locale or "").split("-")[0], "zone": user.zone or ""})
    return show(screen, "profile.html", form=shown, email=user.email, languages=_languages(), zones=_zones(), default_zone=screen.zone)


async def _notices(screen: Screen, uow: UnitOfWork, form: Form | None = None) -> Response[str]:
    kept = await preferences.own(uow)
    return show(
        screen,
        "notices.html",
        form=form or Form.of(kept),
        topics=[(topic, MAY[topic]) for topic in TOPICS],
        kept=msgspec.structs.asdict(kept),
    )


def _languages() -> list[tuple[str, str]]:
    """The languages these pages speak, each called by its own name."""
    return [(tag, (formats.spoken(tag).get_display_name(tag) or tag).capitalize()) for tag in sorted(words.languages())]


def _zones() -> list[str]:
    """Time zones by the city that names them; the old short names stay out."""
    return sorted(
        zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "US/", "posix", "right"))
    )


ROUTES: list[Any] = [settings, show_profile, keep_profile, show_notices, keep_notices]
