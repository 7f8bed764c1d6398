from collections.abc import AsyncIterator

import pytest

from app.core.sandbox import Sandbox


@pytest.fixture(scope="package")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(size=2) as made:
        yield made
