"""Cases of one customer for the control tower's pages to show."""

from uuid import UUID

import pytest

from app.core.services import Shell
from tenants.commands.customers import update_customer
from tenants.schemas import CustomerPatch
from tests.integration.cases.world import ROUND_THE_CLOCK, World
from tests.integration.workflows.conftest import desk, peer  # noqa: F401  (what runs are driven with)


@pytest.fixture
async def world(shell: Shell, tenant: UUID, customer: UUID) -> World:
    """The tenant of the signed-in people, with its one customer, who was promised answers round the clock."""
    made = World(shell, tenant, customer)
    async with made.act() as uow:
        await update_customer(uow, customer, CustomerPatch(sla=ROUND_THE_CLOCK))
    return made
