"""People: they are invited with a role, given and relieved of roles, suspended and let in again."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from app.core.errors import Conflict, FieldError, NotFound
from app.core.uow import UnitOfWork
from tenants.models import Customer, Membership, User
from tenants.principal import Principal
from tenants.queries import find_roles, get_role, roles_held, user_of
from tenants.roles import Role, RoleOutOfScope, check_grant
from tenants.schemas import NewUser


class UserExists(Conflict):
    """Somebody with this address is here already; give them another role instead."""


class RoleAlreadyHeld(Conflict):
    """This user has this role already."""


async def create_user(uow: UnitOfWork, new: NewUser, *, maker: Principal) -> User:
    """Invite somebody with their first role. A maker confined to a customer invites for that customer only.

    Somebody of the partner may be given the role for some customers only (`only_customers`) instead of for all. Raises RoleUnknown, RoleOutOfScope, RoleExceedsMaker, UserExists, NotFound (customer). Says user.created.
    """
    customer_id = uow.customer_id or new.customer_id
    if customer_id is not None:
        await uow.get(Customer, customer_id)
    role = await _grantable(uow, new.role, customer_id, maker)
    if await user_of(uow, new.email, customer_id):
        raise UserExists()
    user = User(
        customer_id=customer_id,
        email=new.email.lower(),
        name=new.name,
        locale=new.locale,
        zone=new.zone,
        status="active",
        created_at=uow.now,
    )
    uow.add(user)
    await uow.session.flush()
    scopes = [customer_id] if customer_id is not None else await _customers(uow, new.only_customers)
    held = [uow.add(Membership(customer_id=scope, user_id=user.id, role=role.name, created_at=uow.now)) for scope in scopes]
    uow.publish("user.created", of=user, also=held, key=f"user:{user.id}", data={"role": role.name})
    await uow.session.flush()
    return user


async def grant_role(uow: UnitOfWork, user_id: UUID, role_name: str, *, maker: Principal, customer_id: UUID | None = None) -> Membership:
    """Give a user one more role: in their own customer, or, to somebody of the partner, for all customers or for one.

    Raises as `create_user` and RoleAlreadyHeld. Says user.role_granted.
    """
    user = await uow.get(User, user_id, lock=True)
    role = await _grantable(uow, role_name, user.customer_id, maker)
    [scope] = await _customers(uow, [user.customer_id or customer_id])
    if await _membership(uow, user, role.name, scope):
        raise RoleAlreadyHeld()
    membership = uow.add(Membership(customer_id=scope, user_id=user.id, role=role.name, created_at=uow.now))
    uow.publish("user.role_granted", of=membership, key=f"user:{user.id}", data={"role": role.name})
    return membership


async def revoke_role(uow: UnitOfWork, user_id: UUID, role_name: str, *, maker: Principal, customer_id: UUID | None = None) -> None:
    """Relieve a user of a role (with a customer: of the role they hold for that one); NotFound when they don't have it.

    Says user.role_revoked.
    """
    user = await uow.get(User, user_id, lock=True)
    membership = await _membership(uow, user, role_name, user.customer_id or customer_id)
    if membership is None:
        raise NotFound()
    await _grantable(uow, role_name, user.customer_id, maker)
    uow.publish("user.role_revoked", of=membership, key=f"user:{user.id}", data={"role": role_name})
    await uow.remove(membership)


async def set_user_status(uow: UnitOfWork, user_id: UUID, status: str, *, maker: Principal) -> User:
    """Suspend somebody (their sessions are refused from then on) or let them in again. Says user.suspended or user.restored.

    Raises RoleExceedsMaker for somebody whose roles the maker couldn't give.
    """
    user = await uow.get(User, user_id, lock=True)
    await check_reach(uow, user_id, maker=maker)
    if user.status != status:
        user.status = status
        uow.publish("user.suspended" if status == "suspended" else "user.restored", of=user, key=f"user:{user.id}")
    return user


async def check_reach(uow: UnitOfWork, user_id: UUID, *, maker: Principal) -> None:
    """Raise RoleExceedsMaker unless the maker could have given this user all the roles they hold."""
    held = await roles_held(uow, user_id)
    for role in await find_roles(uow, {name for names in held.values() for name in names}):
        check_grant(role, maker=maker.permissions, maker_scope=maker.scope)


async def _grantable(uow: UnitOfWork, name: str, customer_id: UUID | None, maker: Principal) -> Role:
    role = await get_role(uow, name)
    wanted = "customer" if customer_id else "partner"
    if role.scope != wanted:
        raise RoleOutOfScope(errors=[FieldError("/role", f"{name!r} is a {role.scope} role.", f"Choose a {wanted} role.")])
    check_grant(role, maker=maker.permissions, maker_scope=maker.scope)
    return role


async def _customers(uow: UnitOfWork, wanted: Sequence[UUID | None]) -> list[UUID | None]:
    """The scopes a role is given for: these customers, each looked up, or the whole tenant when none is named."""
    for customer_id in wanted:
        if customer_id is not None:
            await uow.get(Customer, customer_id)
    return list(dict.fromkeys(wanted)) or [None]


async def _membership(uow: UnitOfWork, user: User, role: str, customer_id: UUID | None) -> Membership | None:
    scope = Membership.customer_id.is_(None) if customer_id is None else Membership.customer_id == customer_id
    wanted = select(Membership).where(Membership.user_id == user.id, Membership.role == role, scope)
    return (await uow.execute(wanted)).scalar_one_or_none()
