"""What customers and people are called: for pages that show ids of theirs."""

from collections.abc import Iterable
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.core.uow import UnitOfWork
from tenants.models import Customer, Membership, User

MOST = 500
"""People or customers a page's choice offers; beyond that one types."""


class Named(msgspec.Struct, frozen=True):
    """Somebody with the name people use for them."""

    id: UUID
    name: str
    email: str = ""
    roles: tuple[str, ...] = ()


async def customer_names(uow: UnitOfWork, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """What these customers are called."""
    wanted = {one for one in ids if one is not None}
    if not wanted:
        return {}
    return {row.id: row.name for row in await uow.session.execute(select(Customer.id, Customer.name).where(Customer.id.in_(wanted)))}


async def all_customers(uow: UnitOfWork) -> list[Named]:
    """The customers by name, as many as a choice can hold."""
    rows = await uow.session.execute(select(Customer.id, Customer.name).order_by(Customer.name, Customer.id).limit(MOST))
    return [Named(row.id, row.name) for row in rows]


async def colleagues(uow: UnitOfWork) -> list[Named]:
    """The partner's active people by name, as many as a choice can hold."""
    return await _people(uow, None)


async def people_of(uow: UnitOfWork, customer_id: UUID) -> list[Named]:
    """A customer's active people by name."""
    return await _people(uow, customer_id)


async def _people(uow: UnitOfWork, customer_id: UUID | None) -> list[Named]:
    of_them = (User.status == "active", User.customer_id.is_not_distinct_from(customer_id))
    rows = (await uow.session.execute(select(User.id, User.name, User.email).where(*of_them).limit(MOST))).all()
    held: dict[UUID, list[str]] = {}
    for user_id, role in await uow.session.execute(
        select(Membership.user_id, Membership.role).where(Membership.user_id.in_([row.id for row in rows])).order_by(Membership.role)
    ):
        held.setdefault(user_id, []).append(role)
    people = [Named(row.id, row.name or row.email, row.email, tuple(held.get(row.id, ()))) for row in rows]
    return sorted(people, key=lambda one: one.name.casefold())


async def actor_names(uow: UnitOfWork, actors: Iterable[str]) -> dict[str, str]:
    """What users among these actors (`user:<id>`) are called."""
    wanted = {actor: UUID(name) for actor in set(actors) if actor.startswith("user:") and _is_id(name := actor.partition(":")[2])}
    if not wanted:
        return {}
    rows = await uow.session.execute(select(User.id, User.name, User.email).where(User.id.in_(wanted.values())))
    called = {row.id: row.name or row.email for row in rows}
    return {actor: called[user] for actor, user in wanted.items() if user in called}


def _is_id(text: str) -> bool:
    """Whether a user is named by an id; tests and migrations may name theirs in words."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
