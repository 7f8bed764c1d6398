"""What is read of tenants, customers, people, roles and keys."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy import text as sql

from app.core.errors import FieldError
from app.core.paging import Page, page
from app.core.uow import UnitOfWork
from tenants.models import ApiKey, Customer, CustomRole, KeyUse, Membership, User
from tenants.roles import BUILT_IN, Role, RoleUnknown
from tenants.schemas import CustomerView, EnvironmentView, KeyView, MembershipView, RoleView, TenantInfo, UserView

_INFO = sql(
    "select tenant_id, environment, status, partner_id, partner_slug, partner_name, partner_type, event_namespace from core.tenant_info()"
)


async def info(uow: UnitOfWork) -> TenantInfo | None:
    """Return whose environment this tenant is; None before the platform has made it."""
    row = (await uow.session.execute(_INFO)).one_or_none()
    return TenantInfo(**row._mapping) if row else None


async def environments(uow: UnitOfWork) -> list[EnvironmentView]:
    """Return the environment asked from: a tenant knows of no other, not even the same partner's."""
    found = await info(uow)
    return (
        [EnvironmentView(id=found.tenant_id, environment=found.environment, status=found.status, partner=found.partner_slug)]
        if found
        else []
    )


async def find_roles(uow: UnitOfWork, names: Iterable[str]) -> list[Role]:
    """Return the roles of these names that exist, built-in ones and the tenant's own."""
    wanted = set(names)
    built_in = [BUILT_IN[name] for name in sorted(wanted & BUILT_IN.keys())]
    own = wanted - BUILT_IN.keys()
    # A customer's transaction can't see the partner's own roles, and has no use for them.
    if not own or uow.customer_id is not None:
        return built_in
    rows = (await uow.execute(select(CustomRole).where(CustomRole.name.in_(own)))).scalars()
    return built_in + [_role(row) for row in rows]


async def get_role(uow: UnitOfWork, name: str) -> Role:
    """Return the role of this name; raises RoleUnknown."""
    found = await find_roles(uow, [name])
    if not found:
        raise RoleUnknown(errors=[FieldError("/role", f"There is no role {name!r}.", "GET /v1/roles lists those there are.")])
    return found[0]


async def list_roles(uow: UnitOfWork) -> list[RoleView]:
    """Return the roles somebody here could be given: a customer sees only those meant for customers."""
    scopes = ("customer",) if uow.customer_id else ("partner", "customer", "source")
    built_in = [role for role in BUILT_IN.values() if role.scope in scopes]
    views = [RoleView(name=r.name, scope=r.scope, permissions=sorted(r.permissions), built_in=True) for r in built_in]
    if uow.customer_id is not None:
        return views
    rows = (await uow.execute(select(CustomRole).order_by(CustomRole.name))).scalars()
    return views + [role_view(row) for row in rows]


async def roles_of(uow: UnitOfWork, user_id: UUID) -> list[str]:
    """Return the names of the roles this user has where they belong: in the whole tenant, or in their own customer."""
    held = await roles_held(uow, user_id)
    row = await uow.get(User, user_id)
    return held.get(row.customer_id, [])


async def roles_held(uow: UnitOfWork, user_id: UUID) -> dict[UUID | None, list[str]]:
    """Return the names of the roles this user has, by the customer they hold for; None is the whole tenant."""
    wanted = select(Membership.customer_id, Membership.role).where(Membership.user_id == user_id).order_by(Membership.id)
    held: dict[UUID | None, list[str]] = {}
    for row in (await uow.execute(wanted)).all():
        held.setdefault(row.customer_id, []).append(row.role)
    return {customer_id: sorted(roles) for customer_id, roles in held.items()}


async def customer_by_slug(uow: UnitOfWork, slug: str) -> Customer | None:
    return (await uow.execute(select(Customer).where(Customer.slug == slug))).scalar_one_or_none()


async def customers(uow: UnitOfWork, *, cursor: str | None, limit: int) -> Page[CustomerView]:
    return await page(uow, select(Customer), by=[(Customer.id, UUID)], cursor=cursor, limit=limit, view=customer_view, descending=False)


async def customer_names(uow: UnitOfWork, customer_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return what these customers are called."""
    rows = (await uow.execute(select(Customer.id, Customer.name).where(Customer.id.in_(list(customer_ids))))).all()
    return {row.id: row.name for row in rows}


async def users_by_email(uow: UnitOfWork, email: str) -> Sequence[User]:
    """Return the active users with this address: one for the partner and each customer they serve."""
    wanted = select(User).where(User.email == email.lower(), User.status == "active").order_by(User.id)
    return (await uow.execute(wanted)).scalars().all()


async def active_holders(uow: UnitOfWork, role: str, customer_id: UUID | None, *, limit: int) -> Sequence[User]:
    """Return the active users who hold a role for the whole tenant, or for this customer as its own people."""
    scope = Membership.customer_id.is_(None) if customer_id is None else Membership.customer_id == customer_id
    owner = User.customer_id.is_(None) if customer_id is None else User.customer_id == customer_id
    joined = (Membership.tenant_id == User.tenant_id) & (Membership.user_id == User.id)
    wanted = select(User).join(Membership, joined).where(Membership.role == role, scope, owner, User.status == "active")
    return (await uow.execute(wanted.order_by(User.id).limit(limit))).scalars().all()


async def user_of(uow: UnitOfWork, email: str, customer_id: UUID | None) -> User | None:
    owner = User.customer_id.is_(None) if customer_id is None else User.customer_id == customer_id
    return (await uow.execute(select(User).where(User.email == email.lower(), owner))).scalar_one_or_none()


async def memberships_of(uow: UnitOfWork, user_ids: Iterable[UUID]) -> dict[UUID, list[MembershipView]]:
    rows = (await uow.execute(select(Membership).where(Membership.user_id.in_(list(user_ids))).order_by(Membership.id))).scalars()
    found: dict[UUID, list[MembershipView]] = {}
    for row in rows:
        found.setdefault(row.user_id, []).append(MembershipView(id=row.id, role=row.role, customer_id=row.customer_id))
    return found


async def users(uow: UnitOfWork, *, customer_id: UUID | None, cursor: str | None, limit: int) -> Page[UserView]:
    query: Select[Any] = select(User) if customer_id is None else select(User).where(User.customer_id == customer_id)
    rows = await page(uow, query, by=[(User.id, UUID)], cursor=cursor, limit=limit, view=lambda user: user, descending=False)
    held = await memberships_of(uow, [user.id for user in rows.items])
    return Page([user_view(user, held.get(user.id, [])) for user in rows.items], rows.next)


async def user(uow: UnitOfWork, user_id: UUID) -> UserView:
    row = await uow.get(User, user_id)
    return user_view(row, (await memberships_of(uow, [user_id])).get(user_id, []))


async def keys(uow: UnitOfWork, *, cursor: str | None, limit: int) -> Page[KeyView]:
    rows = await page(uow, select(ApiKey), by=[(ApiKey.id, UUID)], cursor=cursor, limit=limit, view=lambda key: key)
    uses = await _uses(uow, [key.id for key in rows.items])
    return Page([key_view(key, uses.get(key.id)) for key in rows.items], rows.next)


async def key(uow: UnitOfWork, key_id: UUID) -> KeyView:
    row = await uow.get(ApiKey, key_id)
    return key_view(row, (await _uses(uow, [key_id])).get(key_id))


async def has_keys(uow: UnitOfWork) -> bool:
    return bool(await uow.session.scalar(select(func.count()).select_from(ApiKey)))


async def _uses(uow: UnitOfWork, key_ids: list[UUID]) -> dict[UUID, KeyUse]:
    rows = (await uow.execute(select(KeyUse).where(KeyUse.id.in_(key_ids)))).scalars()
    return {row.id: row for row in rows}


def _role(row: CustomRole) -> Role:
    return Role(row.name, "partner" if row.scope == "partner" else "customer", frozenset(row.permissions))


def role_view(row: CustomRole) -> RoleView:
    return RoleView(name=row.name, scope=row.scope, permissions=sorted(row.permissions), built_in=False, id=row.id)


def customer_view(row: Customer) -> CustomerView:
    return CustomerView(id=row.id, slug=row.slug, name=row.name, sla=row.sla, locale=row.locale, zone=row.zone, status=row.status)


def user_view(row: User, memberships: list[MembershipView]) -> UserView:
    return UserView(
        id=row.id, email=row.email, name=row.name, customer_id=row.customer_id, status=row.status, locale=row.locale, zone=row.zone,
        memberships=memberships,
    )  # fmt: skip


def renew_at(row: ApiKey) -> datetime | None:
    """When a key that must be rotated should be: four fifths into its time; None for any other, and for one that was."""
    if row.rotate_days is None or row.successor_id is not None or row.revoked_at is not None:
        return None
    return row.created_at + timedelta(days=row.rotate_days) * 0.8


def key_view(row: ApiKey, use: KeyUse | None = None) -> KeyView:
    return KeyView(
        id=row.id, key=row.shown, name=row.name, scope=row.scope, roles=list(row.roles), customer_id=row.customer_id, source=row.source,
        addresses=list(row.addresses), expires_at=row.expires_at, last_used_at=use.used_at if use else None, revoked_at=row.revoked_at,
        successor_id=row.successor_id, rotate_days=row.rotate_days, renew_at=renew_at(row),
    )  # fmt: skip
