"""Visitors of both partners' portals after the story."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.browser.chromium import Visitors, chromium
from tests.browser.people import Portal
from tests.installation import Running
from tests.world import Telling


@pytest.fixture(scope="session")
def portal(installation: Running, telling: Telling) -> Portal:
    """Both portals, and a way in for everybody."""
    del telling
    return Portal(installation.setting.base_url, installation.setting.outside)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def visitors(portal: Portal) -> AsyncIterator[Visitors]:
    """Chromium, started once for all tests of this worker."""
    async with chromium(portal) as started:
        yield started
