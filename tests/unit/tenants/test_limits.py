"""Rate limits without Redis: each process's own buckets, the same arithmetic."""

from uuid import UUID

import pytest

from tenants.limits import Limiter, Verdict, refilled

pytestmark = pytest.mark.feature("M55")
NOWHERE = "redis://127.0.0.1:9/0"
ONE, TWO = UUID(int=1), UUID(int=2)


class Time:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def take(limiter: Limiter, tenant: UUID = ONE, principal: str = "key:a", per_key: int = 3, per_tenant: int = 5) -> Verdict:
    return await limiter.take(tenant=tenant, principal_bucket=principal, per_key=per_key, per_tenant=per_tenant)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def limiter(time: Time) -> Limiter:
    return Limiter(NOWHERE, timer=time)


class TestLimiterWithoutRedis:
    async def test_refuses_a_key_that_used_up_its_minute(self, limiter: Limiter) -> None:
        assert [(await take(limiter)).allowed for _ in range(4)] == [True, True, True, False]

    async def test_says_that_its_buckets_are_its_own(self, limiter: Limiter) -> None:
        assert not (await take(limiter)).shared

    async def test_refills_with_time(self, limiter: Limiter, time: Time) -> None:
        for _ in range(4):
            await take(limiter)
        time.now += 20.1
        assert (await take(limiter)).allowed
        assert not (await take(limiter)).allowed

    async def test_limits_a_tenant_over_all_its_keys(self, limiter: Limiter) -> None:
        answers = [(await take(limiter, principal=f"key:{n}")).allowed for n in range(6)]
        assert answers == [True] * 5 + [False]

    async def test_leaves_another_tenant_alone(self, limiter: Limiter) -> None:
        for n in range(9):
            await take(limiter, principal=f"key:{n}")
        assert (await take(limiter, tenant=TWO)).allowed

    async def test_takes_nothing_for_a_refused_request(self, limiter: Limiter) -> None:
        for _ in range(3):
            await take(limiter)
        for _ in range(10):
            refused = await take(limiter)
        assert {bucket.name: left for bucket, left in refused.left}["tenant"] == 2

    async def test_tells_what_is_left_and_when_to_come_back(self, limiter: Limiter) -> None:
        first = dict((await take(limiter)).headers())
        assert first[b"ratelimit-policy"] == b'"key";q=3;w=60, "tenant";q=5;w=60'
        assert first[b"ratelimit"] == b'"key";r=2;t=20, "tenant";r=4;t=12'
        assert b"retry-after" not in first
        for _ in range(3):
            last = await take(limiter)
        assert dict(last.headers())[b"retry-after"] == b"20"


class TestRefilled:
    @pytest.mark.parametrize(("tokens", "seconds", "expected"), [(0, 0, 0), (0, 30, 30), (0, 600, 60), (60, 5, 60), (5, -10, 5)])
    def test_grows_evenly_up_to_the_brim(self, tokens: float, seconds: float, expected: float) -> None:
        assert refilled(60, tokens, 100.0, 100.0 + seconds) == expected
