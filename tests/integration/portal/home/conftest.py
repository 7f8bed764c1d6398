"""A customer's people, and what happens to their orders."""

from typing import Any
from uuid import UUID

import pytest

from app.core.services import Shell
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.home.life import Life, live
from tests.integration.portal.people import Person, sign_in
from tests.integration.tenants.conftest import make_customer


@pytest.fixture
async def life(shell: Shell, tenant: UUID, customer: UUID) -> Life:
    return await live(shell, tenant, customer)


@pytest.fixture
async def kim(signed_in: SignIn) -> Person:
    return await signed_in("customer_admin")


@pytest.fixture
async def neighbour(shell: Shell, app: Any, tenant: UUID, host: str) -> Person:
    """Somebody of another customer of the same partner."""
    other = await make_customer(shell, tenant, "boreal")
    return await sign_in(shell, app, tenant, host, "customer_admin", customer=other)
