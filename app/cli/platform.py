"""Keys of the platform's operator, made on the machine itself: whoever can read the operator's settings may make one."""

from app.core.clock import SystemClock
from app.core.context import Context
from app.core.listeners import Listeners
from app.core.secrets import Vault
from app.core.settings import Settings
from tenants.boundary import DatabaseBoundary
from tenants.platform import create_platform_key


async def rewrap_all(settings: Settings) -> int:
    """Wrap every tenant's data keys with the present master key (rotation, step two of three); returns how many were old."""
    boundary = DatabaseBoundary(settings, Listeners(), SystemClock())
    vault = Vault(settings)
    try:
        async with boundary.platform(actor="system:cli", reason="master key rotation: listing tenants") as connection:
            tenants = [r["id"] for r in await connection.fetch("select id from core.tenant order by id")]
        done = 0
        for tenant in tenants:
            async with boundary.unit_of_work(Context.one(tenant, actor="system:cli")) as uow:
                done += await vault.rewrap(uow)
        return done
    finally:
        await boundary.close()


async def make_platform_key(settings: Settings, name: str) -> str:
    """Store a new platform key and return its text, which is shown this once."""
    boundary = DatabaseBoundary(settings, Listeners(), SystemClock())
    try:
        return (await create_platform_key(boundary, name, prefix=settings.key_prefix)).text
    finally:
        await boundary.close()
