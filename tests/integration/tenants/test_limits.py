"""Rate limits on the real Valkey: shared by processes, atomic, and local while it is away."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from app.core.ids import new_id
from tenants.limits import Limiter

pytestmark = pytest.mark.feature("M55")


@pytest.fixture
async def limiters(services: dict[str, str]) -> AsyncIterator[list[Limiter]]:
    """Two processes' limiters."""
    both = [Limiter(services["redis"], patience=5), Limiter(services["redis"], patience=5)]
    yield both
    for limiter in both:
        await limiter.close()


async def spend(limiter: Limiter, tenant: UUID, times: int, principal: str = "key:a", per_key: int = 60, per_tenant: int = 600) -> int:
    taken = [await limiter.take(tenant=tenant, principal_bucket=principal, per_key=per_key, per_tenant=per_tenant) for _ in range(times)]
    assert all(verdict.shared for verdict in taken)
    return sum(verdict.allowed for verdict in taken)


class TestSharedLimits:
    async def test_hold_over_two_processes(self, limiters: list[Limiter]) -> None:
        tenant = new_id()
        allowed = await asyncio.gather(*(spend(limiter, tenant, 45) for limiter in limiters))
        # 60 at once, and what trickled back in the second or two this may take.
        assert 60 <= sum(allowed) <= 65

    async def test_stop_a_tenant_whose_keys_add_up(self, limiters: list[Limiter]) -> None:
        tenant = new_id()
        allowed = [await spend(limiters[n % 2], tenant, 20, principal=f"key:{n}", per_key=30, per_tenant=60) for n in range(5)]
        assert 60 <= sum(allowed) <= 65

    async def test_leave_a_quiet_tenant_untouched_by_anothers_burst(self, limiters: list[Limiter]) -> None:
        noisy, quiet = new_id(), new_id()
        await spend(limiters[0], noisy, 100)
        assert await spend(limiters[1], quiet, 10) == 10

    async def test_vanish_from_the_store_once_they_would_be_full(self, limiters: list[Limiter]) -> None:
        tenant = new_id()
        await spend(limiters[0], tenant, 1)
        names = [name async for name in limiters[0]._redis.scan_iter(f"limit:{{{tenant}}}:*")]
        assert len(names) == 2
        for name in names:
            assert 0 < await limiters[0]._redis.pttl(name) <= 3000
