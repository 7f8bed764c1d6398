"""Every page in real Chromium: sound, light, accessible in light and dark, and as wide as the window on a telephone and from right to left."""

import pytest

from tests.browser.chromium import Visitors
from tests.browser.routes import PageRoute, page_routes
from tests.browser.shots import role_of
from tests.nouns import OWNER, Rows

pytestmark = pytest.mark.feature("M187")

PIECES = ("/ops/cases/{case_id}/changed", "/ops/newer", "/admin/test-signal/{signal_id}", "/sign-in/callback/{provider_id}")
"""They ask for more than an id, or are about a signal of one's own."""
PAGES = [route for route in page_routes() if route.method == "GET"]


@pytest.mark.parametrize("route", PAGES, ids=str)
class TestEveryPage:
    async def test_is_sound_and_everybodys(self, visitors: Visitors, rows: Rows, route: PageRoute) -> None:
        known = rows.of_customer if route.area == "home" else rows.ids
        if not all(known.get(name) for name in route.ids):
            pytest.skip(f"the story leaves no {', '.join(route.ids)}")
        address = route.at({name: known[name][-1] for name in route.ids})
        who = None if route.area == "open" else visitors.portal.person(OWNER, role_of(route))
        answer = visitors.portal.client(who, OWNER).get(address)
        if answer.status_code == 200 and 'id="content"' not in answer.text:
            pytest.skip("a file, a letter, or a piece that a page fetches")
        if answer.status_code in (204, 400, 403, 404) and (set(route.parameters) - set(route.ids) or route.path in PIECES):
            pytest.skip("it is about something the story has none of")
        async with visitors.tab(who, OWNER) as tab:
            await tab.open(address)
            found = {"light": await tab.axe()}
            await tab.page.emulate_media(color_scheme="dark")
            found["dark"] = await tab.axe()
            await tab.page.set_viewport_size({"width": 360, "height": 740})
            found["too wide at 360 px"] = await tab.sideways()
            await tab.page.evaluate("document.documentElement.dir = 'rtl'")
            found["too wide from right to left"] = await tab.sideways()
            await tab.is_sound()
        wrong = [f"{name}: {line}" for name, lines in found.items() for line in lines]
        assert wrong == [], "\n".join(wrong)
