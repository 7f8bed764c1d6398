"""A tenant's own roles: combined from permissions, within what their maker holds."""

from sqlalchemy import func, select

from app.core.errors import Conflict
from app.core.uow import UnitOfWork
from tenants.models import ApiKey, CustomRole, IdentityProvider, Membership
from tenants.principal import Principal
from tenants.roles import RoleNameTaken, RoleUnknown, check_within, custom_role
from tenants.schemas import NewRole


class RoleInUse(Conflict):
    """Somebody has this role, or a key or a sign-in provider gives it; take it from them first."""


class RoleFixed(Conflict):
    """A role keeps its name and the scope it was made for; make another one."""


async def create_role(uow: UnitOfWork, new: NewRole, *, maker: Principal) -> CustomRole:
    """Make a role. Raises RoleNameTaken, PermissionUnknown, RoleExceedsMaker. Says role.created."""
    role = custom_role(new.name, new.scope, new.permissions, maker=maker.permissions)
    if await _find(uow, new.name):
        raise RoleNameTaken("You have a role of this name already.")
    row = uow.add(CustomRole(name=role.name, scope=role.scope, permissions=sorted(role.permissions), created_at=uow.now))
    uow.publish("role.created", of=row, key=f"role:{row.id}", data={"name": row.name})
    await uow.session.flush()
    return row


async def change_role(uow: UnitOfWork, name: str, wanted: NewRole, *, maker: Principal) -> CustomRole:
    """Give a role other permissions; neither what it had nor what it gets may exceed the maker. Says role.updated."""
    role = custom_role(wanted.name, wanted.scope, wanted.permissions, maker=maker.permissions)
    row = await _get(uow, name)
    check_within(frozenset(row.permissions), maker.permissions)
    if (row.name, row.scope) != (role.name, role.scope):
        raise RoleFixed()
    if set(row.permissions) != role.permissions:
        row.permissions = sorted(role.permissions)
        uow.publish("role.updated", of=row, key=f"role:{row.id}", data={"name": row.name})
    return row


async def delete_role(uow: UnitOfWork, name: str) -> None:
    """Delete a role that nobody has; raises RoleInUse, RoleUnknown. Says role.deleted."""
    row = await _get(uow, name)
    held = await uow.session.scalar(select(func.count()).select_from(Membership).where(Membership.role == name))
    held = held or await uow.session.scalar(
        select(func.count()).select_from(ApiKey).where(ApiKey.roles.any(name), ApiKey.revoked_at.is_(None))  # type: ignore[arg-type]
    )
    held = held or await uow.session.scalar(select(func.count()).select_from(IdentityProvider).where(IdentityProvider.default_role == name))
    if held:
        raise RoleInUse()
    uow.publish("role.deleted", of=row, key=f"role:{row.id}", data={"name": name})
    await uow.remove(row)


async def _find(uow: UnitOfWork, name: str) -> CustomRole | None:
    return (await uow.execute(select(CustomRole).where(CustomRole.name == name))).scalar_one_or_none()


async def _get(uow: UnitOfWork, name: str) -> CustomRole:
    row = await _find(uow, name)
    if row is None:
        raise RoleUnknown("There is no such role of your own; built-in roles stay as they are.")
    return row
