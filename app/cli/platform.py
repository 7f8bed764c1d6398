"""Keys of the platform's operator, made on the machine itself: whoever can read the operator's settings may make one."""

from app.core.clock import SystemClock
from app.core.ids import new_id
from app.core.listeners import Listeners
from app.core.settings import Settings
from tenants import keys
from tenants.boundary import DatabaseBoundary


async def make_platform_key(settings: Settings, name: str) -> str:
    """Store a new platform key and return its text, which is shown this once."""
    key = keys.make("platform", prefix=settings.key_prefix)
    boundary = DatabaseBoundary(settings, Listeners(), SystemClock())
    try:
        async with boundary.platform(actor="system:cli", reason=f"platform key for {name}") as connection:
            await connection.execute(
                "insert into core.platform_key (id, public_id, secret_hash, name) values ($1, $2, $3, $4)", new_id(), key.public_id, key.hash, name
            )
    finally:
        await boundary.close()
    return key.text
