"""A partner's administrator: from an empty account to a first exception handled under the own brand, in the console alone."""

import time
from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from simulator.story.cast import CASTS
from simulator.story.client import Api
from tests.browser.chromium import Tab, Visitors
from tests.browser.people import Person, Portal
from tests.installation import Running
from tests.nouns import OWNER

pytestmark = pytest.mark.feature("M180", "M186", "M187")
FRESH = "fjordline"
TEN_MINUTES = 600


@pytest.fixture(scope="module")
def empty(portal: Portal, installation: Running) -> Iterator[Person]:
    """A partner that has nothing but its name and one administrator."""
    from dataclasses import replace

    platform = Api(installation.setting.base_url, {"authorization": f"Bearer {installation.setting.platform_key}"})
    email = f"boss@{FRESH}.example"
    partner = {"slug": FRESH, "name": "Fjordline", "type": "msp", "event_namespace": FRESH}
    platform.put(
        "/v1/provisioning/manifest",
        {"version": 1, "partner": partner, "environment": "live", "users": [{"email": email, "name": "Siv Moen", "role": "partner_admin"}]},
    )
    portal.also(FRESH, replace(CASTS[OWNER], partner=FRESH, brand="Fjordline", admin=email, operator=f"desk@{FRESH}.example"))
    yield portal.person(FRESH, "partner_admin")


class TestAPartnersAdministrator:
    async def test_handles_a_first_exception_within_ten_minutes(self, visitors: Visitors, empty: Person) -> None:
        began = time.monotonic()
        async with visitors.tab(empty) as tab:
            await tab.open("/admin")
            assert "first exception" in await tab.page.inner_text("main")
            await _brand(tab)
            await _customer(tab)
            for starter in ("source", "mapping", "policy", "workflow"):
                await tab.open("/admin")
                await tab.press(f"form[action='/admin/start/{starter}'] button")
                assert "/admin" in tab.page.url
            await tab.open("/admin")
            await tab.press("form[action='/admin/test-signal'] button[type=submit]")
            case = tab.page.locator("a[href^='/ops/cases/']").first
            for _ in range(30):
                if await case.count():
                    break
                await tab.page.wait_for_timeout(1000)
                await tab.page.reload()
            await case.click()
            await tab.page.wait_for_url("**/ops/cases/*")
            assert "Nordic Ware" in await tab.page.inner_text("main")
            assert "Fjord Care" in await tab.page.title()
            colleague = visitors.portal.person(FRESH, "operator")
            await _invite(tab, colleague.email)
        async with visitors.tab(colleague) as desk:
            await desk.open("/ops")
            await desk.press("form[action='/ops/next'] button")
            await desk.press("form[action$='/acknowledge'] button")
            assert "Fjord Care" in await desk.page.title()
            assert await desk.page.locator("form[action$='/acknowledge']").count() == 0
        assert time.monotonic() - began < TEN_MINUTES

    async def test_sees_the_brand_change_before_it_is_published(self, visitors: Visitors) -> None:
        async with visitors.tab(visitors.portal.person(OWNER, "partner_admin")) as tab:
            await tab.open("/admin/brand")
            preview = tab.page.frame_locator("iframe").first
            await expect(preview.locator("body")).to_be_visible()
            await tab.page.fill("input[name$=primary] >> nth=0", "#f5f59a")
            await tab.page.keyboard.press("Tab")
            await expect(tab.page.locator("main")).to_contain_text("Use #")
            await tab.is_sound()


async def _brand(tab: Tab) -> None:
    await tab.open("/admin/brand")
    await tab.page.fill("main input[name='voice.name']", "Fjord Care")
    await tab.page.fill("main input[name='voice.mail_from']", f"care@{FRESH}.example")
    await tab.press("main form[action='/admin/brand'] button[type=submit].main")


async def _customer(tab: Tab) -> None:
    await tab.open("/admin/customers")
    await tab.press("main a[href='/admin/customers/new']")
    await tab.page.fill("input[name=name]", "Nordic Ware")
    await tab.page.fill("input[name=slug]", "nordic-ware")
    await tab.press("main form[method=post] button[type=submit].main")


async def _invite(tab: Tab, email: str) -> None:
    await tab.open("/admin/users/new")
    await tab.page.fill("main input[name=email]", email)
    await tab.page.check("main input[name=role][value=operator]")
    await tab.press("main form[action='/admin/users'] button[type=submit]")
