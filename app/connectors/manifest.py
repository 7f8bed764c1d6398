"""The `connections` section of a provisioning manifest, at the top (the partner's own) or inside a customer.

`[{name, connector, capabilities, config?, secret?, precedence?, rate_per_minute?}]`; the secret comes as `{"secret": "…"}` or as text.
"""

import hmac
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.connectors import commands, credentials
from app.connectors.commands.connections import content_hash
from app.connectors.models import Connection
from app.connectors.schemas import NewConnection
from app.core.errors import FieldError, Invalid
from app.core.services import Shell
from app.core.uow import UnitOfWork
from tenants.schemas import Change, Section

_SHOWN = ("connector", "config", "capabilities", "precedence", "rate_per_minute")


async def reconcile(uow: UnitOfWork, shell: Shell, wanted: list[dict[str, Any]], *, customer_id: UUID | None, prune: bool) -> list[Change]:
    """Create and change connections so that they are as wanted; with `prune`, disable those not named."""
    present = {row.name: row for row in await _owned(uow, customer_id)}
    changes = [await _apply(uow, shell, index, entry, customer_id, present) for index, entry in enumerate(wanted)]
    gone = sorted(name for name in present.keys() - {change.name for change in changes} if present[name].status == "published")
    for name in gone if prune else []:
        await commands.disable(uow, present[name].id)
        changes.append(Change(what="connection", name=name, action="delete"))
    return changes


async def _apply(
    uow: UnitOfWork, shell: Shell, index: int, entry: dict[str, Any], customer_id: UUID | None, present: dict[str, Connection]
) -> Change:
    new = _read(index, entry, customer_id)
    row = present.get(new.name)
    try:
        if row is None:
            await commands.create_connection(uow, shell.vault, new)
            return Change(what="connection", name=new.name, action="create")
        return await _change(uow, shell, row, new)
    except Invalid as wrong:
        raise Invalid(wrong.detail, errors=[FieldError(f"/{index}{e.pointer}", e.detail, e.remedy) for e in wrong.errors]) from wrong


async def _change(uow: UnitOfWork, shell: Shell, row: Connection, new: NewConnection) -> Change:
    new = msgspec.structs.replace(new, capabilities=sorted(set(new.capabilities)))
    fields = {name: [getattr(row, name), getattr(new, name)] for name in _SHOWN if getattr(row, name) != getattr(new, name)}
    is_same = content_hash(new) == row.content_hash and row.status == "published"
    is_new_secret = new.secret is not None and not await _is_kept(uow, shell, row.id, new.secret)
    if is_same and not is_new_secret:
        return Change(what="connection", name=new.name, action="unchanged")
    if row.status == "disabled":
        await commands.enable(uow, row.id)
    await commands.update_connection(uow, shell.vault, row, msgspec.structs.replace(new, secret=new.secret if is_new_secret else None))
    return Change(what="connection", name=new.name, action="update", fields=fields | ({"secret": ["…", "…"]} if is_new_secret else {}))


async def _is_kept(uow: UnitOfWork, shell: Shell, connection_id: UUID, secret: str) -> bool:
    known = await credentials.secret_of(uow, shell.vault, connection_id)
    return known is not None and hmac.compare_digest(known.encode(), secret.encode())


async def _owned(uow: UnitOfWork, customer_id: UUID | None) -> list[Connection]:
    owner = Connection.customer_id.is_(None) if customer_id is None else Connection.customer_id == customer_id
    return list(await uow.session.scalars(select(Connection).where(owner)))


def _read(index: int, entry: dict[str, Any], customer_id: UUID | None) -> NewConnection:
    secret = entry.get("secret")
    plain = secret.get("secret") if isinstance(secret, dict) else secret
    if "customer_id" in entry:
        raise _wrong(f"/{index}/customer_id", "The place of a connection says whose it is.", "Put it under its customer.")
    try:
        return msgspec.convert({**entry, "secret": plain, "customer_id": customer_id}, NewConnection)
    except msgspec.ValidationError as wrong:
        detail, _, path = str(wrong).partition(" - at `$")
        pointer = f"/{index}" + path.rstrip("`").replace(".", "/").replace("[", "/").replace("]", "")
        raise _wrong(pointer, detail, "Correct the field.") from wrong


def _wrong(pointer: str, detail: str, remedy: str) -> Invalid:
    return Invalid("The connection can't be read.", errors=[FieldError(pointer, detail, remedy)])


SECTION = Section("connections", reconcile, "both")
