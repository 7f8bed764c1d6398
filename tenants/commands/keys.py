"""API keys: made once in the clear, rotated with an overlap, revoked at once."""

import ipaddress
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text as sql

from app.core.errors import Conflict, FieldError, Invalid
from app.core.uow import UnitOfWork
from tenants import keys
from tenants.keys import Key
from tenants.models import ApiKey, Customer
from tenants.principal import Principal
from tenants.queries import find_roles, info, renew_at
from tenants.roles import Role, RoleUnknown, check_grant
from tenants.schemas import NewKey

RENEWAL = "key"
_REGISTER = sql("select core.register_key(:public_id, :key_id)")


class KeyInvalid(Invalid):
    """This key can't be made as it is described."""

    status = 422


class KeyNoLongerValid(Conflict):
    """This key was rotated, revoked or has expired; use its successor or make a new one."""


async def create_key(uow: UnitOfWork, new: NewKey, *, maker: Principal, prefix: str = keys.PREFIX) -> tuple[ApiKey, Key]:
    """Make a key and return it with its secret, which exists nowhere else.

    A maker confined to a customer makes keys of that customer only. Raises KeyInvalid (with pointers), RoleUnknown,
    RoleExceedsMaker, NotFound (customer). Says key.created.
    """
    customer_id = uow.customer_id or new.customer_id
    if customer_id is not None:
        await uow.get(Customer, customer_id)
    _check(new, customer_id, uow)
    await _check_roles(uow, new.roles, new.scope, maker)
    row, key = await _make(uow, prefix, {
        "customer_id": customer_id, "name": new.name, "scope": new.scope, "roles": list(new.roles), "source": new.source,
        "addresses": list(new.addresses), "expires_at": _ends(uow, new.expires_at, new.rotate_days), "rotate_days": new.rotate_days,
    })  # fmt: skip
    uow.publish("key.created", of=row, key=f"key:{row.id}", data={"key": row.shown, "scope": row.scope, "roles": row.roles})
    await uow.session.flush()
    return row, key


async def rotate_key(
    uow: UnitOfWork, key_id: UUID, *, overlap: timedelta, maker: Principal, prefix: str = keys.PREFIX
) -> tuple[ApiKey, Key]:
    """Make the key's successor, with the same rights; the old one works on for `overlap`, never longer than it would have.

    Raises KeyNoLongerValid, RoleExceedsMaker. Says key.rotated.
    """
    old = await uow.get(ApiKey, key_id, lock=True)
    if old.successor_id or old.revoked_at or (old.expires_at and old.expires_at <= uow.now):
        raise KeyNoLongerValid()
    await _check_roles(uow, old.roles, old.scope, maker)
    row, key = await _make(uow, prefix, {
        "customer_id": old.customer_id, "name": old.name, "scope": old.scope, "roles": list(old.roles), "source": old.source,
        "addresses": list(old.addresses), "expires_at": _ends(uow, None, old.rotate_days) if old.rotate_days else old.expires_at,
        "rotate_days": old.rotate_days,
    })  # fmt: skip
    await uow.session.flush()
    old.successor_id = row.id
    old.expires_at = min(filter(None, (old.expires_at, uow.now + overlap)))
    uow.publish(
        "key.rotated", of=old, also=[row], key=f"key:{old.id}", data={"key": old.shown, "successor": row.shown, "until": old.expires_at}
    )
    await uow.session.flush()
    return row, key


async def revoke_key(uow: UnitOfWork, key_id: UUID) -> ApiKey:
    """Refuse the key everywhere from now on (within five seconds, the age of a cached look-up). Says key.revoked, once."""
    row = await uow.get(ApiKey, key_id, lock=True)
    if row.revoked_at is None:
        row.revoked_at = uow.now
        uow.publish("key.revoked", of=row, key=f"key:{row.id}", data={"key": row.shown})
    return row


async def _make(uow: UnitOfWork, prefix: str, values: dict[str, object]) -> tuple[ApiKey, Key]:
    tenant = await info(uow)
    key = keys.make(tenant.environment if tenant else "test", prefix=prefix)
    row = ApiKey(public_id=key.public_id, shown=key.shown, secret_hash=key.hash, created_at=uow.now, created_by=uow.actor, **values)
    uow.add(row)
    await uow.session.execute(_REGISTER, {"public_id": key.public_id, "key_id": row.id})
    if due := renew_at(row):
        uow.work(RENEWAL, subject=row.id, due=due)
    return row, key


async def remind(uow: UnitOfWork, key_id: UUID) -> None:
    """Say that a key must be renewed, while it must: first four fifths into its time, then daily. Says key.rotation_due."""
    row = await uow.find(ApiKey, key_id, lock=True)
    if row is None or renew_at(row) is None or row.expires_at is None or row.expires_at <= uow.now:
        return
    said = {"key": row.shown, "name": row.name, "until": row.expires_at}
    uow.publish("key.rotation_due", key=f"key:{row.id}", subject=f"key:{row.id}", customer_id=row.customer_id, data=said)
    uow.work(RENEWAL, subject=row.id, due=uow.now + timedelta(days=1))


def _ends(uow: UnitOfWork, asked: datetime | None, rotate_days: int | None) -> datetime | None:
    """Until when a key works: as asked, and never longer than it may be used without being rotated."""
    within = uow.now + timedelta(days=rotate_days) if rotate_days else None
    return min(filter(None, (asked, within)), default=None)


def _check(new: NewKey, customer_id: UUID | None, uow: UnitOfWork) -> None:
    errors = [FieldError(f"/addresses/{i}", f"{text!r} is not an address or network.", "Write 192.0.2.7 or 192.0.2.0/24.")
              for i, text in enumerate(new.addresses) if not _is_network(text)]  # fmt: skip
    if (new.scope == "customer" and customer_id is None) or (new.scope == "partner" and customer_id is not None):
        errors.append(FieldError("/customer_id", f"A key of scope {new.scope} {'needs' if customer_id is None else 'has no'} customer."))
    if (new.scope == "source") != (new.source is not None):
        errors.append(FieldError("/source", "A key of scope source names its source; no other does."))
    if new.expires_at and new.expires_at <= uow.now:
        errors.append(FieldError("/expires_at", "This lies in the past.", "Choose a later time or leave it out."))
    if errors:
        raise KeyInvalid(errors=errors)


async def _check_roles(uow: UnitOfWork, names: list[str], scope: str, maker: Principal) -> list[Role]:
    found = {role.name: role for role in await find_roles(uow, names)}
    for index, name in enumerate(names):
        if name not in found:
            raise RoleUnknown(errors=[FieldError(f"/roles/{index}", f"There is no role {name!r}.", "GET /v1/roles lists those there are.")])
        if found[name].scope != scope:
            raise KeyInvalid(errors=[FieldError(f"/roles/{index}", f"{name!r} is a {found[name].scope} role.", f"Choose a {scope} role.")])
        check_grant(found[name], maker=maker.permissions, maker_scope=maker.scope)
    return list(found.values())


def _is_network(text: str) -> bool:
    try:
        return bool(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return False
