"""What the console's lists ask of customers, people, keys and roles: searched, narrowed, a page at a time."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import aliased

from app.core.paging import Page, page
from app.core.uow import UnitOfWork
from tenants.models import ApiKey, Customer, CustomRole, KeyUse, Membership, User
from tenants.queries import customer_view, key_view, memberships_of, user_view
from tenants.schemas import CustomerView, KeyView, UserView

_OLD = aliased(ApiKey)


async def customers(uow: UnitOfWork, *, search: str = "", status: str = "", cursor: str | None, limit: int) -> Page[CustomerView]:
    """Return customers by name, those whose name or slug holds `search`."""
    query: Select[Any] = select(Customer)
    if search:
        query = query.where(or_(Customer.name.icontains(search, autoescape=True), Customer.slug.icontains(search, autoescape=True)))
    if status:
        query = query.where(Customer.status == status)
    by: list[Any] = [(Customer.name, str), (Customer.id, UUID)]
    return await page(uow, query, by=by, cursor=cursor, limit=limit, view=customer_view, descending=False)


async def users(
    uow: UnitOfWork, *, search: str = "", status: str = "", customer_id: UUID | None = None, whose: str = "", cursor: str | None, limit: int
) -> Page[UserView]:
    """Return people by address; `whose` narrows to the partner's own ("partner") or to customers' ("customer")."""
    query: Select[Any] = select(User)
    if search:
        query = query.where(or_(User.email.icontains(search, autoescape=True), User.name.icontains(search, autoescape=True)))
    if status:
        query = query.where(User.status == status)
    if customer_id is not None:
        query = query.where(User.customer_id == customer_id)
    if whose:
        query = query.where(User.customer_id.is_(None) if whose == "partner" else User.customer_id.is_not(None))
    by: list[Any] = [(User.email, str), (User.id, UUID)]
    rows: Page[User] = await page(uow, query, by=by, cursor=cursor, limit=limit, view=lambda user: user, descending=False)
    held = await memberships_of(uow, [user.id for user in rows.items])
    return Page([user_view(user, held.get(user.id, [])) for user in rows.items], rows.next)


async def keys(uow: UnitOfWork, *, state: str = "", customer_id: UUID | None = None, cursor: str | None, limit: int) -> Page[KeyView]:
    """Return keys, newest first; `state` narrows to those that work ("active"), that were replaced ("rotated") or that don't work any more ("over")."""
    query: Any = select(ApiKey, KeyUse).outerjoin(KeyUse, (KeyUse.tenant_id == ApiKey.tenant_id) & (KeyUse.id == ApiKey.id))
    if customer_id is not None:
        query = query.where(ApiKey.customer_id == customer_id)
    over = or_(ApiKey.revoked_at.is_not(None), ApiKey.expires_at <= uow.now)
    if state == "over":
        query = query.where(over)
    elif state in ("active", "rotated"):
        query = query.where(ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > uow.now))
        query = query.where(ApiKey.successor_id.is_not(None)) if state == "rotated" else query
    return await page(uow, query, by=[(ApiKey.id, UUID)], cursor=cursor, limit=limit, view=lambda row: key_view(row[0], row[1]))


async def used_after_rotation(uow: UnitOfWork, *, limit: int = 20) -> list[KeyView]:
    """Return the keys that have a successor, still work, and were used after it was made: somebody didn't change over."""
    successor = select(ApiKey.created_at).where(ApiKey.tenant_id == _OLD.tenant_id, ApiKey.id == _OLD.successor_id).scalar_subquery()
    query: Any = select(_OLD, KeyUse).join(KeyUse, (KeyUse.tenant_id == _OLD.tenant_id) & (KeyUse.id == _OLD.id))
    query = query.where(_OLD.successor_id.is_not(None), _OLD.revoked_at.is_(None), _OLD.expires_at > uow.now, KeyUse.used_at > successor)
    rows: Any = (await uow.execute(query.order_by(_OLD.expires_at).limit(limit))).all()
    return [key_view(row[0], row[1]) for row in rows]


async def first_customers(uow: UnitOfWork, limit: int = 50) -> list[CustomerView]:
    """Return the first customers by name: what a form proposes while one types."""
    rows = (await uow.execute(select(Customer).order_by(Customer.name, Customer.id).limit(limit))).scalars()
    return [customer_view(row) for row in rows]


async def called(uow: UnitOfWork, actors: Iterable[str]) -> dict[str, str]:
    """Return what people read for each actor ("user:<id>", "key:<id>"): a name, else an address; a key's name. Others are left out."""
    wanted = set(actors)
    users_, keys_ = _ids("user", wanted), _ids("key", wanted)
    found: dict[str, str] = {}
    if users_:
        people: Any = (await uow.execute(select(User.id, User.name, User.email).where(User.id.in_(users_)))).all()
        found |= {f"user:{row[0]}": row[1] or row[2] for row in people}
    if keys_:
        named: Any = (await uow.execute(select(ApiKey.id, ApiKey.name).where(ApiKey.id.in_(keys_)))).all()
        found |= {f"key:{row[0]}": row[1] for row in named}
    return found


async def people_like(uow: UnitOfWork, text: str, *, limit: int = 20) -> list[UUID]:
    """Return the ids of people whose address or name holds `text`."""
    held = or_(User.email.icontains(text, autoescape=True), User.name.icontains(text, autoescape=True))
    return list((await uow.execute(select(User.id).where(held).limit(limit))).scalars())


async def role_holders(uow: UnitOfWork) -> dict[str, int]:
    """Return how many people and working keys hold each role."""
    people: Any = (await uow.execute(select(Membership.role, func.count()).group_by(Membership.role))).all()
    roles = select(func.unnest(ApiKey.roles).label("role")).where(ApiKey.revoked_at.is_(None)).subquery()
    keyed: Any = (await uow.execute(select(roles.c.role, func.count()).group_by(roles.c.role))).all()
    held: dict[str, int] = {}
    for role, count in [*people, *keyed]:
        held[role] = held.get(role, 0) + count
    return held


async def own_role(uow: UnitOfWork, name: str) -> CustomRole | None:
    """Return the tenant's own role of this name."""
    found: CustomRole | None = (await uow.execute(select(CustomRole).where(CustomRole.name == name))).scalar_one_or_none()
    return found


def _ids(kind: str, actors: Iterable[str]) -> set[UUID]:
    made = set()
    for actor in actors:
        name, _, rest = actor.partition(":")
        try:
            made |= {UUID(rest)} if name == kind else set()
        except ValueError:
            continue
    return made
