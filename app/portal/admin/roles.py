"""Roles: the built-in ones explained, and a partner's own made of permissions, never beyond what their maker holds."""

from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response

from app.core.errors import NotFound
from app.core.uow import UnitOfWork
from app.portal.admin.role_words import ROLES, known, role_word
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from tenants import console_queries, queries
from tenants.commands.roles import change_role, create_role, delete_role
from tenants.roles import RoleScope, ceiling_of
from tenants.schemas import NewRole, RoleView

LIST = "/admin/roles"
SCOPES = {"partner": "your own people", "customer": "customers' people", "source": "systems that send"}


class Permissions(msgspec.Struct, frozen=True):
    """What a role of theirs holds from now on."""

    permissions: Annotated[list[str], msgspec.Meta(min_length=1, max_length=200)] = []


@page_get(LIST, area="admin", permission="users.read")
async def list_roles(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """Every role somebody here can be given, and how many hold it."""
    return screen.show(
        "admin/roles.html", roles=await queries.list_roles(uow), held=await console_queries.role_holders(uow), words=ROLES, scopes=SCOPES,
        role_word=role_word,
    )  # fmt: skip


@page_get(f"{LIST}/new", area="admin", permission="users.write")
async def new_role(screen: Screen, uow: UnitOfWork, scope: str = "partner", like: str = "") -> Response[str]:
    """The form for a new one; `like` starts from what another role holds."""
    start = {"scope": scope if scope in ("partner", "customer") else "partner"}
    other = next((role for role in await queries.list_roles(uow) if role.name == like), None)
    return await _new(screen, uow, Form.of({**start, "permissions": other.permissions if other else []}))


@page_post(LIST, area="admin", permission="users.write")
async def make_role(screen: Screen, form: Form) -> Response[str]:
    """Make a role."""

    async def change(uow: UnitOfWork) -> str:
        return (await create_role(uow, form.read(NewRole), maker=screen.reader.principal)).name

    return await screen.change(change, form, then=lambda name: f"{LIST}/{name}", done="role_made", again=partial(_new, screen))


@page_get(f"{LIST}/{{role_name:str}}", area="admin", permission="users.read")
async def show_role(screen: Screen, uow: UnitOfWork, role_name: str) -> Response[str]:
    """What a role may do, in words; one of their own can be changed here."""
    role = await _find(uow, role_name)
    return await _show(screen, role_name, uow, Form.of({"permissions": role.permissions}))


@page_post(f"{LIST}/{{role_name:str}}", area="admin", permission="users.write")
async def save_role(screen: Screen, form: Form, role_name: str) -> Response[str]:
    """Give a role of their own other permissions; it holds for everybody who has it within five seconds."""

    async def change(uow: UnitOfWork) -> None:
        role = await _find(uow, role_name)
        scope: Any = role.scope
        wanted = NewRole(name=role.name, scope=scope, permissions=form.read(Permissions).permissions)
        await change_role(uow, role_name, wanted, maker=screen.reader.principal)

    return await screen.change(change, form, then=f"{LIST}/{role_name}", done="role_changed", again=partial(_show, screen, role_name))


@page_get(f"{LIST}/{{role_name:str}}/delete", area="admin", permission="users.write")
async def ask_deletion(screen: Screen, uow: UnitOfWork, role_name: str) -> Response[str]:
    """Say what deleting means, and who stands in its way."""
    return await _deletion(screen, role_name, uow, Form())


@page_post(f"{LIST}/{{role_name:str}}/delete", area="admin", permission="users.write")
async def remove_role(screen: Screen, form: Form, role_name: str) -> Response[str]:
    """Delete a role that nobody has."""

    async def change(uow: UnitOfWork) -> None:
        await delete_role(uow, role_name)

    return await screen.change(change, form, then=LIST, done="role_deleted", again=partial(_deletion, screen, role_name))


async def _new(screen: Screen, uow: UnitOfWork, form: Form) -> Response[str]:
    scope: RoleScope = "customer" if form.value("scope") == "customer" else "partner"
    return screen.show(
        "admin/role_new.html", form=form, scope=scope, groups=known(ceiling_of(scope)), own=screen.reader.principal.permissions
    )


async def _show(screen: Screen, role_name: str, uow: UnitOfWork, form: Form) -> Response[str]:
    role = await _find(uow, role_name)
    scope: Any = role.scope
    held = (await console_queries.role_holders(uow)).get(role_name, 0)
    own = screen.reader.principal.permissions
    can_change = not role.built_in and screen.reader.may("users.write") and set(role.permissions) <= own
    return screen.show(
        "admin/role.html", form=form, role=role, held=held, words=ROLES, scopes=SCOPES, role_word=role_word, own=own, can_change=can_change,
        groups=known(ceiling_of(scope) if can_change else frozenset(role.permissions)),
    )  # fmt: skip


async def _deletion(screen: Screen, role_name: str, uow: UnitOfWork, form: Form) -> Response[str]:
    role = await _find(uow, role_name)
    if role.built_in:
        raise NotFound()
    held = (await console_queries.role_holders(uow)).get(role_name, 0)
    return screen.show("admin/role_delete.html", form=form, role=role, held=held, role_word=role_word)


async def _find(uow: UnitOfWork, name: str) -> RoleView:
    found = next((role for role in await queries.list_roles(uow) if role.name == name), None)
    if found is None:
        raise NotFound()
    return found


ROUTES: list[Any] = [list_roles, new_role, make_role, show_role, save_role, ask_deletion, remove_role]
