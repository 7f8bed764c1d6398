"""The room's fixture: a furnished desk for every test."""

from uuid import UUID

import httpx
import pytest_asyncio

from app.core.services import Shell
from tests.integration.ingest.desk import Desk, Settle


@pytest_asyncio.fixture(loop_scope="session")
async def desk(shell: Shell, tenant: UUID, client: httpx.AsyncClient, settle: Settle) -> Desk:
    return await Desk(shell, tenant, client, settle).furnish()
