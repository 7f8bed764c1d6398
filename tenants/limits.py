"""Rate limits: a token bucket for each key and one for each tenant, shared by all processes through Redis.

A bucket holds as many tokens as requests are allowed a minute and refills evenly. Without Redis each process goes on with
buckets of its own, so accepting never waits for Redis and a noisy tenant still can't crowd out another.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from redis.exceptions import RedisError

from app.core.doorbell import connect

MINUTE = 60.0
PATIENCE = 0.05
_BACK_OFF = 1.0
_MOST_LOCAL = 50_000

# All buckets of a request in one atomic step, by Redis's clock: taken from all or, when one is empty, from none.
# A bucket is a hash of tokens and time; it vanishes when it would be full again.
_TAKE = """
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1000000
local left, allowed = {}, 1
for i, key in ipairs(KEYS) do
  local size = tonumber(ARGV[i])
  local held = redis.call('HMGET', key, 'n', 't')
  local n = tonumber(held[1]) or size
  local t = tonumber(held[2]) or now
  left[i] = math.min(size, n + math.max(0, now - t) * size / 60)
  if left[i] < 1 then allowed = 0 end
end
local shown = {allowed}
for i, key in ipairs(KEYS) do
  local size = tonumber(ARGV[i])
  left[i] = left[i] - allowed
  redis.call('HSET', key, 'n', tostring(left[i]), 't', tostring(now))
  redis.call('PEXPIRE', key, math.ceil((size - left[i]) * 60000 / size) + 1000)
  shown[i + 1] = tostring(left[i])
end
return shown
"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One limit: whose it is (`key` or `tenant`), where it is kept, and requests a minute."""

    name: Literal["key", "tenant"]
    place: str
    size: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may go on, and how much is left of each of its limits. `shared` is False while Redis is away."""

    allowed: bool
    left: tuple[tuple[Bucket, float], ...]
    shared: bool = True

    @property
    def retry_after(self) -> int:
        """Whole seconds until every bucket has a token again, at least 1."""
        return max(1, *(math.ceil((1 - left) * MINUTE / bucket.size) for bucket, left in self.left))

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The RateLimit and RateLimit-Policy fields (IETF httpapi draft), and Retry-After for a refusal."""
        policy = ", ".join(f'"{bucket.name}";q={bucket.size};w=60' for bucket, _ in self.left)
        state = ", ".join(f'"{bucket.name}";r={max(0, math.floor(left))};t={_until_full(bucket, left)}' for bucket, left in self.left)
        fields = [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]
        return fields if self.allowed else [*fields, (b"retry-after", str(self.retry_after).encode())]


class Limiter:
    """Takes a token for each request; never raises and never waits for Redis longer than `patience` seconds (50 ms)."""

    def __init__(self, redis_url: str, *, patience: float = PATIENCE, timer: Callable[[], float] = time.monotonic) -> None:
        self._redis = connect(redis_url)
        self._take: Any = self._redis.register_script(_TAKE)
        self._patience = patience
        self._timer = timer
        self._away_until = 0.0
        self._local: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def take(self, *, tenant: UUID | None, principal_bucket: str, per_key: int, per_tenant: int) -> Verdict:
        """Take one request of `principal_bucket` (an actor: "key:<id>", "user:<id>") in `tenant` (None: the platform's own) off both limits."""
        buckets = [Bucket("key", _place(tenant, principal_bucket), per_key)]
        if tenant is not None:
            buckets.append(Bucket("tenant", _place(tenant, "all"), per_tenant))
        if self._timer() >= self._away_until:
            try:
                async with asyncio.timeout(self._patience):
                    return await self._shared(buckets)
            except (RedisError, OSError, TimeoutError):
                # Not asked again for a second: a dead Redis must not cost each request its patience.
                self._away_until = self._timer() + _BACK_OFF
        return self._alone(buckets)

    async def close(self) -> None:
        await self._redis.aclose()

    async def _shared(self, buckets: Sequence[Bucket]) -> Verdict:
        allowed, *left = await self._take(keys=[bucket.place for bucket in buckets], args=[bucket.size for bucket in buckets])
        return Verdict(bool(allowed), tuple(zip(buckets, map(float, left), strict=True)))

    def _alone(self, buckets: Sequence[Bucket]) -> Verdict:
        now = self._timer()
        left = [refilled(bucket.size, *self._local.get(bucket.place, (float(bucket.size), now)), now) for bucket in buckets]
        allowed = all(tokens >= 1 for tokens in left)
        left = [tokens - allowed for tokens in left]
        for bucket, tokens in zip(buckets, left, strict=True):
            self._local[bucket.place] = (tokens, now)
            self._local.move_to_end(bucket.place)
        while len(self._local) > _MOST_LOCAL:
            self._local.popitem(last=False)
        return Verdict(allowed, tuple(zip(buckets, left, strict=True)), shared=False)


def refilled(size: int, tokens: float, since: float, now: float) -> float:
    """Return what a bucket of `size` requests a minute holds at `now` when it held `tokens` at `since` (both in seconds)."""
    return min(float(size), tokens + max(0.0, now - since) * size / MINUTE)


def _until_full(bucket: Bucket, left: float) -> int:
    return math.ceil((bucket.size - left) * MINUTE / bucket.size)


def _place(tenant: UUID | None, whose: str) -> str:
    # The braces keep a request's buckets on one node of a cluster.
    return f"limit:{{{tenant or 'platform'}}}:{whose}"
