"""The vault: secrets at rest under a data key of their tenant or customer, which itself is wrapped by the master key.

AES-256-GCM throughout. A sealed secret is bound to its tenant, table, row and field, so a value copied elsewhere doesn't open; its form is
version byte, data key's id, nonce, ciphertext. Rotating the master key re-wraps data keys and touches no secret.
"""

import hashlib
import hmac
import os
from datetime import datetime
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Index, UniqueConstraint, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.core.errors import Unavailable
from app.core.ids import new_id
from app.core.settings import Settings
from app.core.tables import TenantRow
from app.core.uow import UnitOfWork

_VERSION = b"\x01"
_NONCE = 12
_HEAD = len(_VERSION) + 16 + _NONCE
_MAKE = sql("insert into core.data_key (id, owner_id, wrapped, wrapped_by) values (:id, :owner, :wrapped, :by) on conflict do nothing")
_REWRAP = sql("update core.data_key set wrapped = :wrapped, wrapped_by = :by where id = :id and wrapped_by = :was")


class SecretUnreadable(Unavailable):
    """A stored secret can't be opened with the master keys this installation has."""


class DataKey(TenantRow):
    """The key that secrets of one tenant (no owner) or one customer are sealed with, itself sealed by the master key."""

    __tablename__ = "data_key"
    __table_args__ = (
        UniqueConstraint("tenant_id", "owner_id", postgresql_nulls_not_distinct=True),
        Index("data_key_wrapped_by", "tenant_id", "wrapped_by"),
        {"schema": "core", "info": {"data_class": "secret", "retention": "forever", "erasure": "with_customer", "derived": True}},
    )
    owner_id: Mapped[UUID | None]
    wrapped: Mapped[bytes] = mapped_column(info={"secret": True})
    wrapped_by: Mapped[str]
    created_at: Mapped[datetime]


class Vault:
    """Seals and opens secrets for whoever holds a unit of work of their tenant; knows no secret itself."""

    def __init__(self, settings: Settings) -> None:
        self._current = _Wrapper(settings.master_key)
        known = [self._current, *([_Wrapper(settings.previous_master_key)] if settings.previous_master_key else [])]
        self._wrappers = {wrapper.name: wrapper for wrapper in known}

    def __repr__(self) -> str:
        return "Vault(…)"

    async def seal(self, uow: UnitOfWork, *, table: str, row: UUID, field: str, plain: bytes, customer_id: UUID | None = None) -> bytes:
        """The secret as it may be stored, under the data key of the tenant, or of the customer that owns it."""
        key = await self._key_of(uow, customer_id)
        nonce = os.urandom(_NONCE)
        sealed = AESGCM(self._unwrap(key)).encrypt(nonce, plain, _bound_to(uow.tenant_id, table, row, field))
        return _VERSION + key.id.bytes + nonce + sealed

    async def open(self, uow: UnitOfWork, *, table: str, row: UUID, field: str, sealed: bytes) -> bytes:
        """The secret; SecretUnreadable when it was sealed for another place, altered, or its key is gone."""
        if len(sealed) < _HEAD or sealed[:1] != _VERSION:
            raise SecretUnreadable()
        key = await uow.find(DataKey, UUID(bytes=sealed[1:17]))
        if key is None:
            raise SecretUnreadable()
        try:
            return AESGCM(self._unwrap(key)).decrypt(sealed[17:_HEAD], sealed[_HEAD:], _bound_to(uow.tenant_id, table, row, field))
        except InvalidTag:
            raise SecretUnreadable() from None

    async def rewrap(self, uow: UnitOfWork) -> int:
        """Wrap this tenant's data keys that still hang on the previous master key by the current one; returns how many."""
        others = (await uow.session.scalars(select(DataKey).where(DataKey.wrapped_by != self._current.name))).all()
        for key in others:
            wrapped = self._current.wrap(self._unwrap(key), key.tenant_id, key.id)
            await uow.session.execute(_REWRAP, {"id": key.id, "wrapped": wrapped, "by": self._current.name, "was": key.wrapped_by})
        return len(others)

    async def _key_of(self, uow: UnitOfWork, owner: UUID | None) -> DataKey:
        mine = select(DataKey).where(DataKey.owner_id == owner if owner else DataKey.owner_id.is_(None))
        found = await uow.session.scalar(mine)
        if found is None:
            made = new_id()
            wrapped = self._current.wrap(AESGCM.generate_key(256), uow.tenant_id, made)
            # Two first secrets at once: one key is kept, both use it.
            await uow.session.execute(_MAKE, {"id": made, "owner": owner, "wrapped": wrapped, "by": self._current.name})
            found = (await uow.session.scalars(mine)).one()
        return found

    def _unwrap(self, key: DataKey) -> bytes:
        wrapper = self._wrappers.get(key.wrapped_by)
        if wrapper is None:
            raise SecretUnreadable()
        return wrapper.unwrap(key.wrapped, key.tenant_id, key.id)


class _Wrapper:
    """One master key in use; its name is a fingerprint that betrays nothing of it."""

    def __init__(self, master_key: bytes) -> None:
        key = hmac.digest(master_key, b"detour vault key encryption key v1", "sha256")
        self.name = hashlib.sha256(b"fingerprint" + key).hexdigest()[:16]
        self._cipher = AESGCM(key)

    def __repr__(self) -> str:
        return f"_Wrapper({self.name})"

    def wrap(self, key: bytes, tenant_id: UUID, id: UUID) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, key, _bound_to(tenant_id, "core.data_key", id, "wrapped"))

    def unwrap(self, wrapped: bytes, tenant_id: UUID, id: UUID) -> bytes:
        try:
            return self._cipher.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _bound_to(tenant_id, "core.data_key", id, "wrapped"))
        except InvalidTag:
            raise SecretUnreadable() from None


def _bound_to(tenant_id: UUID, table: str, row: UUID, field: str) -> bytes:
    return f"{tenant_id}|{table}|{row}|{field}".encode()
