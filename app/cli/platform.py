"""Keys of the platform's operator, made on the machine itself: whoever can read the operator's settings may make one."""

from app.core.clock import SystemClock
from app.core.context import Context
from app.core.ids import new_id
from app.core.listeners import Listeners
from app.core.secrets import Vault
from app.core.settings import Settings
from tenants import keys
from tenants.boundary import DatabaseBoundary


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
    key = keys.make("platform", prefix=settings.key_prefix)
    boundary = DatabaseBoundary(settings, Listeners(), SystemClock())
    try:
        async with boundary.platform(actor="system:cli", reason=f"platform key for {name}") as connection:
            await connection.execute(
                "insert into core.platform_key (id, public_id, secret_hash, name) values ($1, $2, $3, $4)",
                new_id(),
                key.public_id,
                key.hash,
                name,
            )
    finally:
        await boundary.close()
    return key.text
