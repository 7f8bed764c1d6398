"""Authentication against the real database: who a key stands for, from where, and for how long."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text as sql

from app.core.services import Shell
from tenants import keys, queries
from tenants.auth import AddressRefused, Cache, CredentialAmbiguous, CredentialMissing, CredentialRefused, authenticate, cache_of, require
from tenants.commands.customers import update_customer
from tenants.commands.keys import KeyNoLongerValid, create_key, revoke_key, rotate_key
from tenants.principal import PermissionMissing
from tenants.roles import BUILT_IN, RoleExceedsMaker
from tenants.schemas import CustomerPatch, NewKey
from tests.integration.tenants.conftest import admin, bearer, make_customer, make_key

pytestmark = pytest.mark.feature("M54", "M125")


@pytest.fixture(autouse=True)
def time(shell: Shell) -> "Time":
    """A cache whose time stands still until a test moves it."""
    time = Time()
    shell.extras["tenants.auth"] = Cache(timer=time)
    return time


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def said(shell: Shell, tenant: UUID, kind: str) -> list[dict]:
    async with shell.read(tenant) as uow:
        rows = await uow.session.execute(sql("select envelope from core.event where type = :kind order by id"), {"kind": kind})
        return [row.envelope for row in rows]


class TestAuthenticate:
    async def test_knows_a_partners_key_and_what_it_may_do(self, shell: Shell, tenant: UUID) -> None:
        row, key = await make_key(shell, tenant, roles=["operator", "approver"])
        principal = await authenticate(shell, bearer(key.text), "192.0.2.1")
        assert (principal.tenant_id, principal.actor, principal.customer_id) == (tenant, f"key:{row.id}", None)
        assert principal.permissions == BUILT_IN["operator"].permissions | BUILT_IN["approver"].permissions

    async def test_confines_a_customers_key_to_its_customer(self, shell: Shell, tenant: UUID, customer: UUID) -> None:
        _, key = await make_key(shell, tenant, scope="customer", customer_id=customer, roles=["customer_admin"])
        principal = await authenticate(shell, bearer(key.text), None)
        assert principal.customer_id == customer and not principal.may("policies.read")

    async def test_lets_a_source_key_feed_its_source_only(self, shell: Shell, tenant: UUID) -> None:
        _, key = await make_key(shell, tenant, scope="source", source="wms", roles=["source_key"])
        principal = await authenticate(shell, bearer(key.text), None)
        assert (principal.source, principal.permissions) == ("wms", {"signals.create"})

    async def test_refuses_the_right_public_id_with_another_secret(self, shell: Shell, tenant: UUID) -> None:
        _, key = await make_key(shell, tenant)
        forged = keys.Key(key.prefix, key.environment, key.public_id, keys.make("live").secret)
        with pytest.raises(CredentialRefused):
            await authenticate(shell, bearer(forged.text), None)

    async def test_refuses_a_key_nobody_made(self, shell: Shell) -> None:
        with pytest.raises(CredentialRefused):
            await authenticate(shell, bearer(keys.make("live").text), None)

    async def test_refuses_a_request_without_a_credential(self, shell: Shell) -> None:
        with pytest.raises(CredentialMissing):
            await authenticate(shell, [(b"host", b"127.0.0.1")], None)

    async def test_refuses_two_credentials_at_once(self, shell: Shell, tenant: UUID) -> None:
        _, key = await make_key(shell, tenant)
        with pytest.raises(CredentialAmbiguous):
            await authenticate(shell, [*bearer(key.text), (b"authorization", b"Bearer x")], None)

    async def test_refuses_a_key_from_outside_its_networks_and_records_it(self, shell: Shell, tenant: UUID) -> None:
        _, key = await make_key(shell, tenant, addresses=["192.0.2.0/24", "2001:db8::/32"])
        for good in ("192.0.2.9", "::ffff:192.0.2.9", "2001:db8::1"):
            await authenticate(shell, bearer(key.text), good)
        for bad in ("198.51.100.1", None, "not an address"):
            with pytest.raises(AddressRefused):
                await authenticate(shell, bearer(key.text), bad)
        assert len(await said(shell, tenant, "access.denied")) == 3

    async def test_refuses_an_expired_key_though_it_is_cached(self, shell: Shell, tenant: UUID) -> None:
        _, key = await make_key(shell, tenant, expires_at=shell.clock.now() + timedelta(milliseconds=300))
        await authenticate(shell, bearer(key.text), None)
        await asyncio.sleep(0.4)
        with pytest.raises(CredentialRefused):
            await authenticate(shell, bearer(key.text), None)

    async def test_refuses_the_keys_of_a_suspended_customer(self, shell: Shell, tenant: UUID, customer: UUID) -> None:
        _, key = await make_key(shell, tenant, scope="customer", customer_id=customer, roles=["customer_user"])
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await update_customer(uow, customer, CustomerPatch(status="suspended"))
        with pytest.raises(CredentialRefused):
            await authenticate(shell, bearer(key.text), None)

    async def test_never_sees_another_tenants_key(self, shell: Shell, tenant: UUID, other_tenant: UUID) -> None:
        _, key = await make_key(shell, other_tenant)
        assert (await authenticate(shell, bearer(key.text), None)).tenant_id == other_tenant

    async def test_notes_the_use_of_a_key(self, shell: Shell, tenant: UUID) -> None:
        row, key = await make_key(shell, tenant)
        await authenticate(shell, bearer(key.text), None)
        async with shell.read(tenant) as uow:
            assert (await queries.key(uow, row.id)).last_used_at is not None


class TestRevokedKey:
    async def test_is_refused_by_every_cache_within_five_seconds(self, shell: Shell, tenant: UUID, time: Time) -> None:
        row, key = await make_key(shell, tenant)
        await authenticate(shell, bearer(key.text), None)
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await revoke_key(uow, row.id)
        time.now += 5.0
        with pytest.raises(CredentialRefused):
            await authenticate(shell, bearer(key.text), None)

    async def test_is_refused_at_once_by_the_process_that_revoked_it(self, shell: Shell, tenant: UUID) -> None:
        row, key = await make_key(shell, tenant)
        await authenticate(shell, bearer(key.text), None)
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await revoke_key(uow, row.id)
            uow.after_commit(lambda: cache_of(shell).forget(row.id))
        with pytest.raises(CredentialRefused):
            await authenticate(shell, bearer(key.text), None)

    async def test_costs_one_look_up_in_five_seconds_however_often_it_is_tried(self, shell: Shell, time: Time, monkeypatch) -> None:
        asked = []
        real = shell.boundary.look_up

        async def counting(query: str, *args: object) -> list:
            asked.append(query)
            return await real(query, *args)

        monkeypatch.setattr(shell.boundary, "look_up", counting)
        text = keys.make("live").text
        for _ in range(20):
            with pytest.raises(CredentialRefused):
                await authenticate(shell, bearer(text), None)
        assert len(asked) == 1
        time.now += 5.0
        with pytest.raises(CredentialRefused):
            await authenticate(shell, bearer(text), None)
        assert len(asked) == 2


class TestManyAtOnce:
    async def test_share_one_look_up(self, shell: Shell, tenant: UUID, monkeypatch) -> None:
        """A thousand requests on an expired entry must not take every connection there is."""
        asked = []
        real = shell.boundary.look_up

        async def counting(query: str, *args: object) -> list:
            asked.append(query)
            return await real(query, *args)

        monkeypatch.setattr(shell.boundary, "look_up", counting)
        row, key = await make_key(shell, tenant)
        found = await asyncio.gather(*(authenticate(shell, bearer(key.text), None) for _ in range(1000)))
        assert len(asked) == 1 and {principal.key_id for principal in found} == {row.id}

    async def test_are_not_left_alone_when_the_first_gives_up(self, shell: Shell, tenant: UUID) -> None:
        _, key = await make_key(shell, tenant)
        first = asyncio.ensure_future(authenticate(shell, bearer(key.text), None))
        second = asyncio.ensure_future(authenticate(shell, bearer(key.text), None))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).tenant_id == tenant


class TestRotatedKey:
    async def test_overlaps_with_its_successor_and_ends_then(self, shell: Shell, tenant: UUID, time: Time) -> None:
        row, old = await make_key(shell, tenant)
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            _, new = await rotate_key(uow, row.id, overlap=timedelta(milliseconds=400), maker=admin(tenant))
        for key in (old, new):
            await authenticate(shell, bearer(key.text), None)
        await asyncio.sleep(0.5)
        time.now += 5.0
        with pytest.raises(CredentialRefused):
            await authenticate(shell, bearer(old.text), None)
        await authenticate(shell, bearer(new.text), None)

    async def test_raises_an_alarm_when_the_old_half_is_still_used(self, shell: Shell, tenant: UUID) -> None:
        row, old = await make_key(shell, tenant)
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await rotate_key(uow, row.id, overlap=timedelta(hours=1), maker=admin(tenant))
        await authenticate(shell, bearer(old.text), None)
        assert [e["data"]["key"] for e in await said(shell, tenant, "key.superseded_used")] == [old.shown]

    async def test_can_not_be_rotated_twice(self, shell: Shell, tenant: UUID) -> None:
        row, _ = await make_key(shell, tenant)
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await rotate_key(uow, row.id, overlap=timedelta(hours=1), maker=admin(tenant))
        with pytest.raises(KeyNoLongerValid):
            async with shell.unit_of_work(tenant, actor="system:test") as uow:
                await rotate_key(uow, row.id, overlap=timedelta(hours=1), maker=admin(tenant))

    async def test_tells_nobody_its_secret_or_hash(self, shell: Shell, tenant: UUID) -> None:
        row, key = await make_key(shell, tenant)
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await rotate_key(uow, row.id, overlap=timedelta(hours=1), maker=admin(tenant))
        told = str(await said(shell, tenant, "key.created")) + str(await said(shell, tenant, "key.rotated"))
        assert key.shown in told
        assert key.secret not in told and key.hash.hex() not in told


@pytest.mark.feature("M121")
class TestMakingKeys:
    async def test_never_gives_more_than_the_maker_holds(self, shell: Shell, tenant: UUID, customer: UUID) -> None:
        maker = replace(admin(tenant), permissions=frozenset({"keys.write", "cases.read"}))
        with pytest.raises(RoleExceedsMaker):
            async with shell.unit_of_work(tenant, actor="system:test") as uow:
                await create_key(uow, NewKey(name="x", scope="partner", roles=["partner_admin"]), maker=maker)

    async def test_by_a_customer_stays_with_that_customer(self, shell: Shell, tenant: UUID, customer: UUID) -> None:
        other = await make_customer(shell, tenant, "borealis")
        maker = replace(admin(tenant), scope="customer", customer_id=customer, permissions=BUILT_IN["customer_admin"].permissions)
        new = NewKey(name="x", scope="customer", roles=["customer_user"], customer_id=other)
        async with shell.unit_of_work(tenant, actor="system:test", customer=customer) as uow:
            row, _ = await create_key(uow, new, maker=maker)
        assert row.customer_id == customer


@pytest.mark.feature("M121")
class TestRequire:
    async def test_records_a_refusal_as_access_denied(self, shell: Shell, tenant: UUID) -> None:
        row, key = await make_key(shell, tenant, roles=["analyst"])
        principal = await authenticate(shell, bearer(key.text), None)
        with pytest.raises(PermissionMissing):
            await require(shell, principal, "cases.work", route="POST /v1/cases/{id}/resolve")
        (event,) = await said(shell, tenant, "access.denied")
        assert event["actor"] == f"key:{row.id}"
        assert event["data"] == {"permission": "cases.work", "route": "POST /v1/cases/{id}/resolve"}

    async def test_lets_pass_what_is_held(self, shell: Shell, tenant: UUID) -> None:
        _, key = await make_key(shell, tenant, roles=["analyst"])
        await require(shell, await authenticate(shell, bearer(key.text), None), "cases.read", route="GET /v1/cases")
        assert await said(shell, tenant, "access.denied") == []
