"""Which host serves whom: the platform's own names serve every key, a partner's domain serves that partner's environment only."""

import time
from uuid import UUID

from app.core.services import Boundary
from branding.domains import tenant_of

SECONDS = 5.0
MOST = 10_000


class Hosts:
    """Look-ups of verified domains, kept five seconds, good and bad ones alike."""

    def __init__(self, boundary: Boundary, own: tuple[str, ...]) -> None:
        self._boundary = boundary
        self._own = frozenset(own)
        self._kept: dict[str, tuple[float, UUID | None]] = {}

    def is_own(self, host: str) -> bool:
        """Whether the platform itself is called so."""
        return host in self._own

    async def serves(self, host: str, tenant: UUID | None) -> bool:
        """Whether `tenant` (None: the platform's operator) may be served under `host`."""
        return self.is_own(host) or (tenant is not None and await self._tenant(host) == tenant)

    async def is_a_partners(self, host: str) -> bool:
        """Whether `host` is some partner's verified domain."""
        return await self._tenant(host) is not None

    async def _tenant(self, host: str) -> UUID | None:
        until, tenant = self._kept.get(host, (0.0, None))
        if time.monotonic() < until:
            return tenant
        if len(self._kept) >= MOST:
            self._kept.clear()
        found = await tenant_of(self._boundary, host)
        self._kept[host] = (time.monotonic() + SECONDS, found)
        return found
