"""Every page in real Chromium: sound, light, accessible in light and dark, and as wide as the window on a telephone and from right to left."""

import pytest

from tests.browser.chromium import Visitors
from tests.browser.routes import PageRoute, page_routes
from tests.browser.shots import role_of
from tests.nouns import OWNER, Rows

pytestmark = pytest.mark.feature("M187")

PAGES = [route for route in page_routes() if route.method == "GET"]
FRAGMENTS = ("/admin/brand/check", "/admin/brand/preview", "/ops/newer", "/sign-in/callback")
"""Pieces that a page fetches, and the way back from an identity provider: no pages by themselves."""


@pytest.mark.parametrize("route", [route for route in PAGES if not route.path.startswith(FRAGMENTS)], ids=str)
class TestEveryPage:
    async def test_is_sound_and_everybodys(self, visitors: Visitors, rows: Rows, route: PageRoute) -> None:
        known = rows.of_customer if route.area == "home" else rows.ids
        if not all(known.get(name) for name in route.ids):
            pytest.skip(f"the story leaves no {', '.join(route.ids)}")
        who = None if route.area == "open" else visitors.portal.person(OWNER, role_of(route))
        async with visitors.tab(who, OWNER) as tab:
            await tab.open(route.at({name: known[name][-1] for name in route.ids}))
            found = {"light": await tab.axe()}
            await tab.page.emulate_media(color_scheme="dark")
            found["dark"] = await tab.axe()
            await tab.page.set_viewport_size({"width": 360, "height": 740})
            found["too wide at 360 px"] = await tab.sideways()
            await tab.page.evaluate("document.documentElement.dir = 'rtl'")
            found["too wide from right to left"] = await tab.sideways()
            await tab.is_sound()
        assert {name: lines for name, lines in found.items() if lines} == {}
