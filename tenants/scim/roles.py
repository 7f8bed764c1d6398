"""Groups: the roles of this scope, and who holds them."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.errors import FieldError, Invalid, NotAllowed, NotFound
from app.core.uow import UnitOfWork
from tenants.commands.users import grant_role, revoke_role
from tenants.models import DirectoryEntry, Membership, User
from tenants.principal import Principal
from tenants.queries import list_roles
from tenants.scim.discovery import GROUP, listed
from tenants.scim.filters import FilterUnreadable, parse
from tenants.scim.patches import holds
from tenants.scim.people import check_version, meta


class GroupsAreRoles(NotAllowed):
    """Groups are the roles there are: make or remove a role in the console, then link the directory's group to it by name."""

    status = 403


class MemberUnknown(Invalid):
    """A member is nobody of this scope."""


async def find(uow: UnitOfWork, *, filter: str, start: int, count: int, base: str) -> dict[str, Any]:
    """The roles that can be given in this scope, narrowed by a filter on displayName, id or members."""
    names = await _names(uow)
    held = await _members(uow, names)
    shown = [view(name, held.get(name, []), base) for name in names]
    if filter:
        tree = parse(filter)
        try:
            shown = [each for each in shown if holds(tree, {**each, "members": [m["value"] for m in each.get("members", [])]})]
        except TypeError:
            raise FilterUnreadable("Groups are asked for by displayName or id.") from None
    first = max(1, start)
    return listed(shown[first - 1 : first - 1 + max(0, count)], total=len(shown), start=first)


async def get(uow: UnitOfWork, name: str, base: str) -> dict[str, Any]:
    """One role with everybody who holds it."""
    if name not in await _names(uow):
        raise NotFound()
    return view(name, (await _members(uow, [name])).get(name, []), base)


async def set_members(
    uow: UnitOfWork, name: str, given: Mapping[str, Any], *, maker: Principal, base: str, expected: str = ""
) -> dict[str, Any]:
    """Let exactly these people hold the role. Raises NotFound, ResourceChanged, MemberUnknown, RoleExceedsMaker.

    Says user.role_granted and user.role_revoked. The name can't be changed.
    """
    before = await get(uow, name, base)
    check_version(before, expected)
    if given.get("displayName") not in (None, before["displayName"]):
        raise GroupsAreRoles()
    there, wanted = {UUID(m["value"]) for m in before.get("members", [])}, set(_wanted(given.get("members") or []))
    for user_id in sorted(wanted - there):
        if not await _is_ours(uow, user_id):
            raise MemberUnknown(errors=[FieldError("/members", f"{user_id} is nobody of this scope.", "Create the User first.")])
        await grant_role(uow, user_id, name, maker=maker)
    for user_id in sorted(there - wanted):
        await revoke_role(uow, user_id, name, maker=maker)
    await uow.session.flush()
    return await get(uow, name, base)


def view(name: str, members: Iterable[User], base: str) -> dict[str, Any]:
    """A role as a Group resource."""
    people = [{"value": str(user.id), "display": user.name or user.email, "$ref": f"{base}/Users/{user.id}"} for user in members]
    shown: dict[str, Any] = {"schemas": [GROUP], "id": name, "displayName": name, **({"members": people} if people else {})}
    return {**shown, "meta": meta("Group", f"{base}/Groups/{name}", shown)}


async def _names(uow: UnitOfWork) -> list[str]:
    wanted = "customer" if uow.customer_id else "partner"
    return [role.name for role in await list_roles(uow) if role.scope == wanted]


async def _members(uow: UnitOfWork, names: Iterable[str]) -> dict[str, list[User]]:
    """Who holds each role for the whole scope; a role held for single customers is the console's business."""
    scope = Membership.customer_id.is_(None) if uow.customer_id is None else Membership.customer_id == uow.customer_id
    joined = (User.tenant_id == Membership.tenant_id) & (User.id == Membership.user_id)
    gone = (DirectoryEntry.tenant_id == User.tenant_id) & (DirectoryEntry.id == User.id)
    query = select(Membership.role, User).join(User, joined).outerjoin(DirectoryEntry, gone)
    rows = (
        await uow.execute(query.where(scope, Membership.role.in_(list(names)), DirectoryEntry.removed_at.is_(None)).order_by(User.id))
    ).all()
    held: dict[str, list[User]] = {}
    for row in rows:
        held.setdefault(row.role, []).append(row.User)
    return held


async def _is_ours(uow: UnitOfWork, user_id: UUID) -> bool:
    user = await uow.find(User, user_id)
    entry = await uow.find(DirectoryEntry, user_id)
    return user is not None and user.customer_id == uow.customer_id and (entry is None or entry.removed_at is None)


def _wanted(members: Any) -> Iterable[UUID]:
    for each in members if isinstance(members, list) else [members]:
        try:
            yield UUID(str(each["value"] if isinstance(each, dict) else each))
        except (ValueError, KeyError):
            raise MemberUnknown(errors=[FieldError("/members", "A member is named by the id of a User.", "")]) from None
