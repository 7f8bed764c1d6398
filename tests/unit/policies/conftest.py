"""The real sandbox, once for these tests: conditions are never evaluated any other way."""

from collections.abc import AsyncIterator

import pytest_asyncio

from app.core.sandbox import Sandbox


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(size=1) as running:
        yield running
