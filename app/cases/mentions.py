"""Whom a comment calls by name: `@name`, `@first.last` or `@address`, and those a form names by id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select

from app.cases.models import Case
from app.core.errors import FieldError, Invalid
from app.core.uow import UnitOfWork
from tenants.models import User
from tenants.queries import find_roles, roles_of

MOST: Final = 20
_CALLED: Final = re.compile(r"(?<![\w@.])@([A-Za-z0-9][\w.+-]*(?:@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)?)")


class MentionUnclear(Invalid):
    """More than one person goes by this name; write the address."""

    status = 422


class MentionRefused(Invalid):
    """This person can't be mentioned here."""

    status = 422


async def found(uow: UnitOfWork, case: Case, text: str, named: Sequence[UUID], *, visible: bool) -> list[User]:
    """The active users a comment on this case calls; a word after an @ that is nobody's name is just a word.

    A person of the customer is called by address or id, and only where the customer reads it. Raises MentionUnclear, MentionRefused.
    """
    called = [await _by_name(uow, case, name) for name in dict.fromkeys(match.rstrip(".-+").lower() for match in _CALLED.findall(text))]
    chosen = [await _by_id(uow, case, user_id) for user_id in dict.fromkeys(named)]
    users = {user.id: user for user in (*called, *chosen) if user is not None}
    if len(users) > MOST:
        raise MentionRefused(f"A comment calls at most {MOST} people.", errors=[FieldError("/text", "calls too many")])
    for user in users.values():
        await _check(uow, user, visible=visible)
    return list(users.values())


async def _by_name(uow: UnitOfWork, case: Case, name: str) -> User | None:
    if "@" in name:
        query = select(User).where(User.email == name, or_(User.customer_id.is_(None), User.customer_id == case.customer_id))
        # The partner's own person goes before the customer's of the same address.
        users = (await uow.execute(query.where(User.status == "active").order_by(User.customer_id.is_not(None)))).scalars()
        return next(iter(users), None)
    staff = (await uow.execute(select(User).where(User.customer_id.is_(None), User.status == "active"))).scalars()
    going_by = [user for user in staff if name in _names(user)]
    if len(going_by) > 1:
        choices = ", ".join(f"@{user.email}" for user in going_by)
        raise MentionUnclear(errors=[FieldError("/text", f"@{name} is more than one person.", f"Write one of {choices}.")])
    return going_by[0] if going_by else None


def _names(user: User) -> Iterable[str]:
    """What somebody may be called by: the address's first half, the name written together or with dots, the first name."""
    words = user.name.lower().split()
    return {user.email.partition("@")[0], *({"".join(words), ".".join(words), words[0]} if words else ())}


async def _by_id(uow: UnitOfWork, case: Case, user_id: UUID) -> User:
    user = await uow.find(User, user_id)
    if user is None or user.status != "active" or user.customer_id not in (None, case.customer_id):
        raise MentionRefused(errors=[FieldError("/mentions", "No active user has this id.", "Take an id from GET /v1/users.")])
    return user


async def _check(uow: UnitOfWork, user: User, *, visible: bool) -> None:
    if user.customer_id is not None and not visible:
        remedy = "Let the customer read the comment, or leave the name out."
        raise MentionRefused(
            "The customer doesn't read this comment, so nobody of theirs can be called in it.",
            errors=[FieldError("/text", f"{user.email} is the customer's", remedy)],
        )
    held = await find_roles(uow, await roles_of(uow, user.id))
    if not any("cases.read" in role.permissions for role in held):
        raise MentionRefused(
            "Somebody called here may not see the case.", errors=[FieldError("/text", f"{user.name or user.email} may not see cases")]
        )
