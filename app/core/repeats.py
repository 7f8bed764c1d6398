"""Requests that come twice: a key claimed inside the request's own transaction, and the answer given the first time.

A twin waits for the first one's transaction and then gets its answer; a refused request rolls back and frees its key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import orjson
from sqlalchemy import text as sql

from app.core.ids import new_id
from app.core.uow import UnitOfWork


@dataclass(frozen=True)
class Seen:
    """What was answered the first time, and the digest of the request it answered."""

    digest: bytes
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


async def claim(uow: UnitOfWork, *, principal: str, key: str, digest: bytes) -> UUID | Seen:
    """Claim `key` for a day and return the claim's id, or what was answered to whoever claimed it before."""
    wanted = {"id": new_id(), "customer": uow.customer_id, "principal": principal, "key": key, "hash": digest}
    claimed: UUID | None = await uow.session.scalar(_CLAIM, wanted)
    if claimed is not None:
        return claimed
    known = (await uow.session.execute(_KNOWN, {"principal": principal, "key": key})).one()
    return Seen(known.request_hash, known.status, known.headers or {}, known.body or b"")


async def keep(uow: UnitOfWork, claimed: UUID, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Store the answer under its claim, in the transaction that did the work."""
    await uow.session.execute(_STORE, {"id": claimed, "status": status, "headers": orjson.dumps(dict(headers)).decode(), "body": body})


_CLAIM = sql("""
insert into core.idempotency as i (id, customer_id, principal, key, request_hash, expires_at)
values (:id, :customer, :principal, :key, :hash, clock_timestamp() + interval '1 day')
on conflict (tenant_id, principal, key) do update
  set id = excluded.id, request_hash = excluded.request_hash, status = null, headers = null, body = null, expires_at = excluded.expires_at
  where i.expires_at < clock_timestamp()
returning id""")
_KNOWN = sql("select request_hash, status, headers, body from core.idempotency where principal = :principal and key = :key")
_STORE = sql("update core.idempotency set status = :status, headers = cast(:headers as jsonb), body = :body where id = :id")
