"""The vault on the real database: what is stored opens only in its place, and a master key can be replaced under way."""

import os
from dataclasses import replace
from uuid import UUID

import pytest

from app.core.ids import new_id
from app.core.secrets import SecretUnreadable, Vault
from app.core.services import Shell

pytestmark = pytest.mark.feature("M122")
CANARY = b"canary-7f3a-secret"
PLACE = {"table": "connectors.credential", "field": "secret"}


async def sealed_in(shell: Shell, tenant: UUID, row: UUID, vault: Vault | None = None, customer: UUID | None = None) -> bytes:
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        return await (vault or shell.vault).seal(uow, row=row, plain=CANARY, customer_id=customer, **PLACE)


class TestVault:
    async def test_opens_what_it_sealed_and_shows_it_nowhere(self, shell: Shell, tenant: UUID):
        row = new_id()
        sealed = await sealed_in(shell, tenant, row)
        assert CANARY not in sealed and b"canary" not in repr(shell.vault).encode()
        async with shell.read(tenant) as uow:
            assert await shell.vault.open(uow, row=row, sealed=sealed, **PLACE) == CANARY

    async def test_is_bound_to_tenant_table_row_and_field(self, shell: Shell, tenant: UUID, other_tenant: UUID):
        row = new_id()
        sealed = await sealed_in(shell, tenant, row)
        async with shell.read(tenant) as uow:
            for moved in ({"row": new_id(), **PLACE}, {"row": row, **PLACE, "field": "token"}, {"row": row, **PLACE, "table": "x.y"}):
                with pytest.raises(SecretUnreadable):
                    await shell.vault.open(uow, sealed=sealed, **moved)
            altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
            for wrong in (altered, b"", b"\x02" + sealed[1:]):
                with pytest.raises(SecretUnreadable):
                    await shell.vault.open(uow, row=row, sealed=wrong, **PLACE)
        async with shell.read(other_tenant) as uow:
            with pytest.raises(SecretUnreadable):
                await shell.vault.open(uow, row=row, sealed=sealed, **PLACE)

    async def test_gives_a_customer_a_key_of_its_own(self, shell: Shell, tenant: UUID):
        row, customer = new_id(), new_id()
        shared, own = await sealed_in(shell, tenant, row), await sealed_in(shell, tenant, row, customer=customer)
        assert shared[1:17] != own[1:17]
        assert own[1:17] == (await sealed_in(shell, tenant, row, customer=customer))[1:17]

    async def test_rotates_the_master_key_while_both_are_valid(self, shell: Shell, tenant: UUID):
        row = new_id()
        sealed = await sealed_in(shell, tenant, row)
        fresh = os.urandom(32)
        both = Vault(replace(shell.settings, master_key=fresh, previous_master_key=shell.settings.master_key))
        only_new = Vault(replace(shell.settings, master_key=fresh, previous_master_key=b""))
        async with shell.read(tenant) as uow:
            assert await both.open(uow, row=row, sealed=sealed, **PLACE) == CANARY
            with pytest.raises(SecretUnreadable):
                await only_new.open(uow, row=row, sealed=sealed, **PLACE)
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            assert await both.rewrap(uow) == 1 and await both.rewrap(uow) == 0
        async with shell.read(tenant) as uow:
            assert await only_new.open(uow, row=row, sealed=sealed, **PLACE) == CANARY
