"""Whether the database can be used at all, said in one sentence before anything starts."""

import asyncpg

from app.core.migrate import WrongDatabase, check_server
from app.core.settings import PREFIX, Settings


async def check(settings: Settings, *names: str, runtime: bool = True) -> None:
    """Refuse a server that is away, refuses us or is too old and, at `runtime`, a role that sees through the wall; raises WrongDatabase."""
    for name in names:
        try:
            await check_server(getattr(settings, name), runtime=runtime)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            said = str(error).splitlines()[0].rstrip(".") if isinstance(error, asyncpg.PostgresError) else type(error).__name__
            raise WrongDatabase(
                f"The database does not let us in ({said}); check {PREFIX}{name.upper()} and that PostgreSQL runs."
            ) from None
