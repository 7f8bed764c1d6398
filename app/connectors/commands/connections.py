"""Connections: made, changed, given new secrets, switched off. Every version is kept; calls name the one they used."""

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.connectors import credentials
from app.connectors.connector import Connector, connectors
from app.connectors.models import CircuitBreaker, Connection, ConnectionVersion
from app.connectors.schemas import ConnectionChange, NewConnection, Tested
from app.core.errors import Conflict, FieldError, Invalid
from app.core.parsing import canonical_json
from app.core.secrets import Vault
from app.core.uow import UnitOfWork
from tenants.models import Customer


class ConnectionInvalid(Invalid):
    """This connection can't be made."""


class ConnectionExists(Conflict):
    """There is a connection of this name already; change it, or take another name."""


async def create_connection(uow: UnitOfWork, vault: Vault, wanted: NewConnection) -> Connection:
    """A connection ready to be used. Raises ConnectionInvalid naming the fields, ConnectionExists, NotFound for a foreign customer."""
    if wanted.customer_id is not None:
        await uow.get(Customer, wanted.customer_id)
    check(wanted)
    if await named(uow, wanted.name, wanted.customer_id):
        raise ConnectionExists()
    row = Connection(
        id=uow.new_id(), name=wanted.name, customer_id=wanted.customer_id, connector=wanted.connector, version=1, status="published"
    )
    row.created_at, row.created_by, row.changed_at = uow.now, uow.actor, uow.now
    _take_over(row, wanted)
    uow.add(row)
    await uow.session.flush()
    breaker = CircuitBreaker(customer_id=row.customer_id, connection_id=row.id, state="closed", failures=0, trips=0)
    also: list[Any] = [uow.add(_version_of(uow, row)), uow.add(breaker)]
    if wanted.secret is not None:
        also.append(await credentials.put_secret(uow, vault, row, wanted.secret))
    _say(uow, "connection.created", row, also)
    return row


async def change_connection(uow: UnitOfWork, vault: Vault, connection_id: UUID, change: ConnectionChange) -> Connection:
    """Change what a connection may be asked and how; name, connector and owner stay. Raises ConnectionInvalid naming the fields."""
    row = await uow.get(Connection, connection_id, lock=True)
    kept: dict[str, Any] = {"name": row.name, "connector": row.connector, "customer_id": row.customer_id}
    wanted = NewConnection(**kept, **msgspec.structs.asdict(change))
    check(wanted)
    return row if content_hash(wanted) == row.content_hash else await update_connection(uow, vault, row, wanted)


async def update_connection(uow: UnitOfWork, vault: Vault, row: Connection, wanted: NewConnection) -> Connection:
    """The next version of a connection, and its new secret where one is given."""
    check(wanted)
    also: list[Any] = []
    if content_hash(wanted) != row.content_hash:
        row.version, row.changed_at = row.version + 1, uow.now
        _take_over(row, wanted)
        await credentials.drop_token(uow, row.id)  # it was got with the settings before
        also.append(uow.add(_version_of(uow, row)))
    if wanted.secret is not None:
        also.append(await credentials.put_secret(uow, vault, row, wanted.secret))
    _say(uow, "connection.changed", row, also)
    return row


async def rotate(uow: UnitOfWork, vault: Vault, connection_id: UUID, secret: str) -> Connection:
    """A new secret from now on; calls under way end with the one they left with."""
    row = await uow.get(Connection, connection_id, lock=True)
    credential = await credentials.put_secret(uow, vault, row, secret)
    _say(uow, "connection.rotated", row, [credential])
    return row


async def disable(uow: UnitOfWork, connection_id: UUID) -> Connection:
    """No call leaves by it any more; doing it twice is quiet."""
    return await _switch(uow, connection_id, "disabled", "connection.disabled")


async def enable(uow: UnitOfWork, connection_id: UUID) -> Connection:
    """Calls may leave by it again."""
    return await _switch(uow, connection_id, "published", "connection.enabled")


async def mark_tested(uow: UnitOfWork, connection_id: UUID, tested: Tested) -> None:
    """Say how a test went."""
    row = await uow.get(Connection, connection_id)
    _say(uow, "connection.tested", row, ok=tested.ok, detail=tested.detail, status=tested.status, took_ms=tested.took_ms)


async def named(uow: UnitOfWork, name: str, customer_id: UUID | None) -> Connection | None:
    """The connection of this name and owner."""
    owner = Connection.customer_id.is_(None) if customer_id is None else Connection.customer_id == customer_id
    return await uow.session.scalar(select(Connection).where(Connection.name == name, owner))


def check(wanted: NewConnection) -> None:
    """Raise ConnectionInvalid with every field that doesn't fit its connector."""
    known = connectors().get(wanted.connector)
    if known is None:
        wrong = [FieldError("/connector", f"There is no connector {wanted.connector!r}.", f"Use one of {', '.join(sorted(connectors()))}.")]
    else:
        wrong = [*_wrong_capabilities(known, wanted), *_wrong_config(known, wanted)]
    if wrong:
        raise ConnectionInvalid(wrong[0].detail, errors=wrong)


def content_hash(wanted: NewConnection) -> str:
    """What makes a version: everything but name, owner and secret."""
    content = msgspec.to_builtins(wanted)
    kept = {name: content[name] for name in ("connector", "config", "precedence", "rate_per_minute")}
    return hashlib.sha256(canonical_json(kept | {"capabilities": sorted(set(wanted.capabilities))})).hexdigest()


async def _switch(uow: UnitOfWork, connection_id: UUID, status: str, event: str) -> Connection:
    row = await uow.get(Connection, connection_id, lock=True)
    if row.status != status:
        row.status, row.changed_at = status, uow.now
        _say(uow, event, row)
    return row


def _take_over(row: Connection, wanted: NewConnection) -> None:
    row.connector, row.config, row.capabilities = wanted.connector, dict(wanted.config), sorted(set(wanted.capabilities))
    row.precedence, row.rate_per_minute, row.content_hash = wanted.precedence, wanted.rate_per_minute, content_hash(wanted)


def _version_of(uow: UnitOfWork, row: Connection) -> ConnectionVersion:
    copied = ("customer_id", "version", "connector", "config", "capabilities", "precedence", "rate_per_minute", "content_hash")
    return ConnectionVersion(
        connection_id=row.id, created_at=uow.now, created_by=uow.actor, **{name: getattr(row, name) for name in copied}
    )


def _say(uow: UnitOfWork, event: str, row: Connection, also: Sequence[Any] = (), **more: Any) -> None:
    """Say what happened to a connection, under the key its history is found by."""
    told = {"connection": row.name, "connector": row.connector, "version": row.version, "capabilities": row.capabilities}
    uow.publish(event, of=row, also=also, key=f"connection:{row.id}", data=told | more)


def _wrong_capabilities(known: Connector, wanted: NewConnection) -> list[FieldError]:
    can = known.capabilities
    return [
        FieldError(f"/capabilities/{index}", f"{known.name} can't do {name!r}.", f"Use some of {', '.join(can)}.")
        for index, name in enumerate(wanted.capabilities)
        if name not in can
    ]


def _wrong_config(known: Connector, wanted: NewConnection) -> list[FieldError]:
    missing = [
        FieldError(f"/config/{name}", f"{name} is missing.", f"{meaning}.")
        for name, meaning in known.config.items()
        if not wanted.config.get(name)
    ]
    strange = [
        FieldError(f"/config/{name}", f"{known.name} has no setting {name!r}.", f"Settings: {', '.join(known.config)}.")
        for name in wanted.config
        if name not in known.config
    ]
    url = wanted.config.get("base_url", "https://")
    if not url.startswith(("https://", "http://")) or any(c.isspace() for c in url) or not url.isascii():
        strange.append(FieldError("/config/base_url", "This is not an address.", "Write it like https://api.example.com."))
    return missing + strange
