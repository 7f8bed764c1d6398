"""A branded partner with people of each kind."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from app.core.services import Shell
from tests.integration.portal.people import Person, branded_host, sign_in
from tests.integration.tenants.conftest import make_customer

SignIn = Callable[..., Awaitable[Person]]


@pytest.fixture
async def host(shell: Shell, tenant: UUID) -> str:
    return await branded_host(shell, tenant)


@pytest.fixture
async def customer(shell: Shell, tenant: UUID) -> UUID:
    return await make_customer(shell, tenant)


@pytest.fixture
def signed_in(shell: Shell, app: Any, tenant: UUID, host: str, customer: UUID) -> SignIn:
    """Signs somebody in: `await signed_in("operator")`, `await signed_in("customer_user")` (of `customer`)."""

    async def someone(role: str, **more: Any) -> Person:
        of = customer if role.startswith("customer_") else None
        return await sign_in(shell, app, tenant, host, role, customer=of, **more)

    return someone
