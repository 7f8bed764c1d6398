"""A partner admin's HTTP client."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.core.services import Shell
from tests.integration.tenants.conftest import make_key


@pytest.fixture
async def admin(shell: Shell, app: Any, tenant: UUID) -> AsyncIterator[httpx.AsyncClient]:
    _, key = await make_key(shell, tenant, roles=["partner_admin"])
    headers = {"authorization": f"Bearer {key.text}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1", headers=headers) as client:
        yield client
