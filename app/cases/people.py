"""Who stands behind an actor: a user, or a key with everyone who made it.

Four eyes need two people. A key made by a user, or by a key of that user, is that user's hand.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import select

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


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
