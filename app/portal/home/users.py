"""Colleagues: who of the customer may look, decide and send; its administrators invite, give roles and suspend."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response

from app.core.errors import Conflict
from app.core.uow import UnitOfWork
from app.portal.forms import Form
from app.portal.home.telling import show
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from tenants import queries
from tenants.commands import users
from tenants.schemas import Email, NewUser, RoleName

PAGE = 50


class Invitation(msgspec.Struct, frozen=True):
    """Whom to invite, as what."""

    email: Email
    role: RoleName
    name: str = ""


class RoleChange(msgspec.Struct, frozen=True):
    """The one role somebody has from now on."""

    role: RoleName


class NotYourself(Conflict):
    """You can't take away your own access; ask a colleague who may."""


@page_get("/settings/users", area="home", permission="users.read")
async def list_users(screen: Screen, uow: UnitOfWork, cursor: str = "") -> Response[str]:
    """Everybody of the customer, and the form to invite somebody."""
    return await _users(screen, uow, cursor=cursor)


@page_post("/settings/users", area="home", permission="users.write")
async def invite_user(screen: Screen, form: Form) -> Response[str]:
    """Invite a colleague; they sign in with a link to their address."""
    who = screen.reader.principal

    async def change(uow: UnitOfWork) -> None:
        new = form.read(Invitation, only=("email", "role", "name"))
        await users.create_user(uow, NewUser(email=new.email, role=new.role, name=new.name, customer_id=who.customer_id), maker=who)

    return await screen.change(change, form, then="/settings/users", done="invited", again=lambda uow, wrong: _users(screen, uow, wrong))


@page_post("/settings/users/{user_id:uuid}/role", area="home", permission="users.write")
async def change_role(screen: Screen, form: Form, user_id: UUID) -> Response[str]:
    """Give somebody another role instead of the ones they have."""
    who = screen.reader.principal

    async def change(uow: UnitOfWork) -> None:
        wanted = form.read(RoleChange, only=("role",)).role
        if user_id == who.user_id:
            raise NotYourself()
        held = {membership.role for membership in (await queries.user(uow, user_id)).memberships}
        if wanted not in held:
            await users.grant_role(uow, user_id, wanted, maker=who)
        for role in held - {wanted}:
            await users.revoke_role(uow, user_id, role, maker=who)

    return await screen.change(change, form, then="/settings/users", done="saved", again=lambda uow, wrong: _users(screen, uow, wrong))


@page_post("/settings/users/{user_id:uuid}/suspend", area="home", permission="users.write")
async def suspend_user(screen: Screen, form: Form, user_id: UUID) -> Response[str]:
    """Keep somebody out; their sessions end within five seconds."""
    return await _set_status(screen, form, user_id, "suspended", "user_suspended")


@page_post("/settings/users/{user_id:uuid}/restore", area="home", permission="users.write")
async def restore_user(screen: Screen, form: Form, user_id: UUID) -> Response[str]:
    """Let somebody in again."""
    return await _set_status(screen, form, user_id, "active", "user_restored")


async def _set_status(screen: Screen, form: Form, user_id: UUID, status: str, done: str) -> Response[str]:
    who = screen.reader.principal

    async def change(uow: UnitOfWork) -> None:
        if user_id == who.user_id:
            raise NotYourself()
        await users.set_user_status(uow, user_id, status, maker=who)

    return await screen.change(change, form, then="/settings/users", done=done, again=lambda uow, wrong: _users(screen, uow, wrong))


async def _users(screen: Screen, uow: UnitOfWork, form: Form | None = None, cursor: str = "") -> Response[str]:
    page = await queries.users(uow, customer_id=screen.reader.principal.customer_id, cursor=cursor or None, limit=PAGE)
    roles = [role.name for role in await queries.list_roles(uow) if role.scope == "customer"]
    return show(screen, "users.html", seen=[page.items], form=form, people=page.items, next=page.next, cursor=cursor, roles=roles)


ROUTES: list[Any] = [list_users, invite_user, change_role, suspend_user, restore_user]
