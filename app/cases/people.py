"""Who stands behind an actor: a user, or a key with everyone who made it.

Four eyes need two people. A key made by a user, or by a key of that user, is that user's hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.cases.schemas import Person
from app.core.events import Event
from app.core.uow import UnitOfWork
from tenants.models import ApiKey, User
from tenants.queries import memberships_of

LONGEST_CHAIN: Final = 8
"""Keys that made keys; a longer chain ends without a person."""


class Identity(msgspec.Struct, frozen=True):
    """An actor with those it acts for; `person` is the user at the end of the chain."""

    actor: str
    acts_for: frozenset[str]
    person: UUID | None
    roles: frozenset[str]

    def is_hand_of(self, other: Identity) -> bool:
        """Whether the two are one pair of eyes: the same actor, one acting for the other, or both for one user."""
        if self.actor in other.acts_for or other.actor in self.acts_for:
            return True
        return self.person is not None and self.person == other.person


async def behind(uow: UnitOfWork, actor: str, customer_id: UUID) -> Identity:
    """The identity of `actor` with its own roles for this customer; one that is neither user nor key stands for itself and has none."""
    chain, person, roles = [actor], None, frozenset[str]()
    for step in range(LONGEST_CHAIN):
        kind, _, name = chain[-1].partition(":")
        subject = _uuid(name)
        if kind == "user" and subject:
            person = subject
            roles = await _roles_of_user(uow, person, customer_id) if step == 0 else roles
        key = await uow.find(ApiKey, subject) if kind == "key" and subject else None
        if key is None:
            break
        roles = frozenset(key.roles) if step == 0 and key.customer_id in (None, customer_id) else roles
        chain[-1:] = [*await _rotated_from(uow, key), chain[-1], key.created_by]
    return Identity(actor, frozenset(chain), person, roles)


async def _rotated_from(uow: UnitOfWork, key: ApiKey) -> list[str]:
    """The keys this one took over from: another secret, the same hand."""
    older: list[str] = []
    wanted = key.id
    for _ in range(LONGEST_CHAIN):
        found = (await uow.execute(select(ApiKey.id).where(ApiKey.successor_id == wanted))).scalars().first()
        if found is None:
            break
        older.append(f"key:{found}")
        wanted = found
    return older


async def _roles_of_user(uow: UnitOfWork, user_id: UUID, customer_id: UUID) -> frozenset[str]:
    user = await uow.find(User, user_id)
    if user is None or user.status != "active":
        return frozenset()
    held = (await memberships_of(uow, [user_id])).get(user_id, [])
    return frozenset(membership.role for membership in held if membership.customer_id in (None, customer_id))


async def persons(uow: UnitOfWork, user_ids: Iterable[UUID]) -> dict[UUID, Person]:
    """Users by their ids; one without a name goes by their address."""
    wanted = set(user_ids)
    if not wanted:
        return {}
    rows = await uow.session.execute(select(User.id, User.name, User.email).where(User.id.in_(wanted)))
    return {user: Person(user, name or email) for user, name, email in rows}


async def names(uow: UnitOfWork, events: Iterable[Event]) -> dict[str, str]:
    """What the people and keys in events are called, by their actor (`user:<id>`) and by their id alone."""
    return await _called(uow, {part for event in events for part in _named(event)})


async def called(uow: UnitOfWork, actors: Iterable[str]) -> dict[str, str]:
    """What actors are called."""
    return await _called(uow, {actor.partition(":")[2] for actor in actors})


async def _called(uow: UnitOfWork, parts: set[str]) -> dict[str, str]:
    """A customer's people aren't told who works here."""
    ids = {subject for part in parts if (subject := _uuid(part)) is not None}
    if not ids or uow.customer_id is not None:
        return {}
    users = await persons(uow, ids)
    keys = (await uow.session.execute(select(ApiKey.id, ApiKey.name).where(ApiKey.id.in_(ids - users.keys())))).all()
    by_actor = {f"user:{user}": person.name for user, person in users.items()} | {f"key:{key}": name for key, name in keys}
    return by_actor | {str(user): person.name for user, person in users.items()}


_PEOPLE: Final = ("owner_id", "from_owner_id", "to_user", "from_user")


def _named(event: Event) -> Iterator[str]:
    yield event.actor.partition(":")[2]
    yield from (str(event.data[name]) for name in _PEOPLE if event.data.get(name))
    mentions = event.data.get("mentions")
    yield from (str(user) for user in mentions) if isinstance(mentions, list) else ()


async def who(uow: UnitOfWork) -> UUID | None:
    """The user who acts, or whose key does; None for what runs by itself."""
    kind, _, name = uow.actor.partition(":")
    if kind == "user":
        return _uuid(name)
    return (await behind(uow, uow.actor, uow.tenant_id)).person if kind == "key" else None


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
