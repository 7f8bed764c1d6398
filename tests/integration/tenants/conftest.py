"""People and keys to test with, made through the commands."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from app.core.services import Shell
from tenants.commands.customers import create_customer
from tenants.commands.keys import create_key
from tenants.keys import Key
from tenants.limits import Limiter
from tenants.models import ApiKey
from tenants.principal import Principal
from tenants.roles import BUILT_IN
from tenants.schemas import NewCustomer, NewKey


def admin(tenant: UUID) -> Principal:
    """A partner admin, as the maker of others."""
    return Principal(tenant, "user:admin", "partner", BUILT_IN["partner_admin"].permissions)


def bearer(token: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"127.0.0.1:8080"), (b"authorization", f"Bearer {token}".encode())]


async def make_customer(shell: Shell, tenant: UUID, slug: str = "acme") -> UUID:
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        return (await create_customer(uow, NewCustomer(slug=slug, name=slug.title()))).id


async def make_key(shell: Shell, tenant: UUID, **wanted: object) -> tuple[ApiKey, Key]:
    new = NewKey(**{"name": "test", "scope": "partner", "roles": ["operator"], **wanted})  # type: ignore[arg-type]
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        return await create_key(uow, new, maker=admin(tenant))


@pytest.fixture
async def patient(shell: Shell, services: dict[str, str]) -> AsyncIterator[None]:
    """Limits that wait for the store however busy this machine is, and start with nobody having asked for anything."""
    before, shell.extras["limiter"] = shell.extras["limiter"], Limiter(services["redis"], patience=10)
    await _forget_limits(shell)
    yield
    await _forget_limits(shell)
    await shell.extras["limiter"].close()
    shell.extras["limiter"] = before


async def _forget_limits(shell: Shell) -> None:
    redis = shell.extras["limiter"]._redis
    for name in [name async for name in redis.scan_iter("limit:*")]:
        await redis.delete(name)


@pytest.fixture
async def customer(shell: Shell, tenant: UUID) -> UUID:
    return await make_customer(shell, tenant)
