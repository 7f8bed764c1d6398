"""The world cases are tested in."""

from uuid import UUID

import pytest

from app.core.services import Shell
from tests.integration.cases.world import World


@pytest.fixture
async def world(shell: Shell, tenant: UUID) -> World:
    return await World.make(shell, tenant)
