"""Cases of one customer for the control tower's pages to show."""

from uuid import UUID

import pytest

from app.core.services import Shell
from tests.integration.cases.world import World


@pytest.fixture
async def world(shell: Shell, tenant: UUID, customer: UUID) -> World:
    """The tenant of the signed-in people, with its one customer."""
    return World(shell, tenant, customer)
