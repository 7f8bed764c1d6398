"""Saved views: kept from a list's page, removed from its menu."""

from typing import Any
from uuid import UUID

from litestar import Response

from app.core.errors import NotFound
from app.core.uow import UnitOfWork
from app.portal import commands
from app.portal.forms import Form
from app.portal.models import SavedView
from app.portal.pages import page_post
from app.portal.schemas import NewView
from app.portal.screens import Screen, is_local


@page_post("/views", area="any")
async def save_view(screen: Screen, form: Form) -> Response[str]:
    """Keep the list as it is filtered now."""
    new = form.read(NewView)
    back = f"{new.area}?{new.query}" if new.query else new.area

    async def change(uow: UnitOfWork) -> None:
        await commands.save_view(uow, screen.reader.principal, new)

    return await screen.change(change, form, then=back, done="view_saved", again=lambda _, wrong: _refused(screen, wrong, back))


@page_post("/views/{view_id:uuid}/remove", area="any")
async def remove_view(screen: Screen, form: Form, view_id: UUID) -> Response[str]:
    """Forget one's own view."""
    back = form.value("back") if is_local(form.value("back")) else "/"

    async def change(uow: UnitOfWork) -> None:
        view = await uow.get(SavedView, view_id)
        if view.user_id != screen.reader.principal.user_id:
            raise NotFound()
        await commands.remove_view(uow, screen.reader.principal, view)

    return await screen.change(change, form, then=back, done="view_removed", again=lambda _, wrong: _refused(screen, wrong, back))


async def _refused(screen: Screen, form: Form, back: str) -> Response[str]:
    return screen.show("view_refused.html", form=form, back=back)


ROUTES: list[Any] = [save_view, remove_view]
