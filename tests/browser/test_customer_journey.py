"""A customer's person: signs in by mail, finds the shipment by any reference, sends the document, answers the offer, reads what happened.

Once with script and once without.
"""

from pathlib import Path

import pytest
from playwright.async_api import expect

from simulator.story.stage import Stage
from tests.browser.chromium import Tab, Visitors
from tests.browser.staging import HELD, answered_and_over, offered, staged
from tests.installation import Running
from tests.world import Telling

pytestmark = pytest.mark.feature("M187")
PARTNER = "harborline"


async def _signs_in(tab: Tab, email: str) -> None:
    """Ask for a link on the partner's page, follow it from the mail, press its button."""
    outside = tab.portal.outside
    before = max([mail["seq"] for mail in outside.mails(email)], default=0)
    await tab.page.goto(tab.portal.address(PARTNER, "/shipments"))
    await expect(tab.page).to_have_url(tab.portal.address(PARTNER, "/sign-in?next=%2Fshipments"))
    await tab.page.fill("input[type=email]", email)
    await tab.page.click("main form[action='/sign-in'] button[type=submit]")
    await expect(tab.page.locator("h1")).to_be_visible()
    await tab.page.goto(tab.portal.newest_link(email, before))
    await tab.press("button[type=submit]")


async def _finds(tab: Tab, reference: str) -> None:
    """Type any reference into the one search box, and open what it finds."""
    await tab.open("/")
    await tab.page.fill("header input[type=search]", reference)
    await tab.page.press("header input[type=search]", "Enter")
    await tab.page.locator("main a[href^='/shipments/']").first.click()
    await tab.page.wait_for_url("**/shipments/**")
    await expect(tab.page.locator("h1")).to_be_visible()


async def _sends(tab: Tab, stage: Stage, name: str, folder: Path) -> None:
    file = folder / name
    file.write_bytes(stage.payload(name))
    await tab.page.set_input_files("main input[type=file]", file)
    await tab.press("main form[enctype='multipart/form-data'] button[type=submit]")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
class TestACustomer:
    async def test_gets_from_the_bad_news_to_its_end(
        self, installation: Running, telling: Telling, visitors: Visitors, tmp_path: Path, script: bool
    ) -> None:
        stage = staged(installation, telling, PARTNER, HELD)
        order = stage.order
        async with visitors.tab(None, PARTNER, script=script) as tab:
            await _signs_in(tab, stage.cast.colleague)
            for reference in (order.shipment, order.number):
                await _finds(tab, reference)
            assert order.shipment in await tab.page.inner_text("main")

            await tab.page.locator("main a[href^='/documents/']").first.click()
            await _sends(tab, stage, "certificate-wrong.json", tmp_path)
            assert "order" in (await tab.page.inner_text("main")).lower()
            assert [each for each in stage.documents() if each["status"] == "verified"] == []
            await _sends(tab, stage, "certificate.json", tmp_path)
            stage.until("the verified certificate", lambda: [each for each in stage.documents() if each["status"] == "verified"])

            offered(stage)
            await tab.open("/offers")
            assert order.number in await tab.page.inner_text("main")
            asked = tab.page.locator("main section.ask", has_text=order.number)
            assert stage.offer()["status"] == "open", "looking at an option answers nothing"
            await tab.press(asked.locator(f"form:has(input[name=option][value='{stage.approved_option}']) button[type=submit]"))
            assert (stage.offer()["status"], stage.offer()["option"]) == ("answered", stage.approved_option)

            answered_and_over(stage)
            await tab.open(f"/cases/{stage.case_id}")
            timeline = tab.page.locator("main .timeline li")
            assert await timeline.count() >= 3
            assert await tab.page.locator("main .answer.ok").count() == 1

    async def test_sees_nothing_of_its_neighbours(self, installation: Running, telling: Telling, visitors: Visitors, script: bool) -> None:
        del installation, telling
        neighbour = visitors.portal.person(PARTNER, "neighbour")
        mine = visitors.portal.client(visitors.portal.person(PARTNER, "customer_admin"))
        numbers = {link for link in mine.get("/cases?status=all").text.split('"') if link.startswith("/cases/")}
        async with visitors.tab(neighbour, script=script) as tab:
            for link in sorted(numbers)[:3]:
                await tab.open(link, status=404, sound=False)
            await tab.open("/search?q=ORD-")
            assert await tab.page.locator("main a[href^='/orders/']").count() == 0
