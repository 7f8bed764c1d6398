"""The world cases are tested in."""

from uuid import UUID

import pytest

from app.cases.models import Case
from app.core.services import Shell
from tests.integration.cases.bounded import POLICY, OpenCase
from tests.integration.cases.world import World
from tests.services import Database


@pytest.fixture
async def world(shell: Shell, tenant: UUID) -> World:
    return await World.make(shell, tenant)


@pytest.fixture
async def held(world: World) -> World:
    await world.policy(POLICY)
    return world


@pytest.fixture
def open_case(held: World, database: Database) -> OpenCase:
    """Opens a case about an order and its shipment, for which the carrier offered `air` and `road`."""

    async def opened(number: str = "ORD-1", *, regulated: bool = False, shipment: str = "SHP-1") -> tuple[Case, UUID]:
        order = await held.order(number, regulated=regulated, shipment=shipment)
        case = await held.opened(order=number, subjects={"order": str(order)})
        await held.quoted(database, case, ("air", 90000), ("road", 20000), shipment=shipment)
        return case, order

    return opened
