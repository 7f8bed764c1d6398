"""An operator at the control tower: the dearest case first and why, taken and acted on by keyboard in six keys at most; the same without script."""

import pytest
from playwright.async_api import expect

from simulator.story.stage import Stage
from tests.browser.chromium import Visitors
from tests.browser.staging import OPENED, staged
from tests.installation import Running
from tests.nouns import OWNER
from tests.world import Telling

pytestmark = pytest.mark.feature("M208", "M187")
MOST_KEYS = 6


@pytest.fixture
def stage(installation: Running, telling: Telling) -> Stage:
    """A fresh case that nobody has."""
    return staged(installation, telling, OWNER, OPENED)


class TestAnOperator:
    async def test_takes_the_next_case_and_acts_in_six_keys(self, visitors: Visitors, stage: Stage) -> None:
        """n takes the most urgent case, a acknowledges it, e asks why it must climb; what is typed and Enter send it."""
        del stage
        async with visitors.tab(visitors.portal.person(OWNER, "operator")) as tab:
            page, pressed = tab.page, 0
            await tab.open("/ops")
            for key, after in (("n", "**/ops/cases/*"), ("a", "**done=acknowledged*")):
                await page.keyboard.press(key)
                await page.wait_for_url(after)
                pressed += 1
            case = page.url.split("/ops/cases/")[1].split("?")[0]
            await page.keyboard.press("e")
            await expect(page.locator("#do input[name=reason]")).to_be_visible()
            await page.locator("#do input[name=reason]").fill("The carrier doesn't answer.")  # words, not keys of the tower
            await page.keyboard.press("Enter")
            await page.wait_for_url("**done=escalated*")
            pressed += 2
            assert pressed <= MOST_KEYS
            operator = visitors.portal.client(visitors.portal.person(OWNER, "operator")).get(f"/ops/cases/{case}").text
            assert "Escalated" in operator
            await tab.is_sound()

    async def test_walks_the_queue_without_a_mouse(self, visitors: Visitors, stage: Stage) -> None:
        async with visitors.tab(visitors.portal.person(OWNER, "operator")) as tab:
            await tab.open("/ops")
            await tab.page.keyboard.press("j")
            marked = await tab.page.evaluate("document.activeElement.closest('[data-row]') !== null")
            assert marked, "j stands on no row"
            await tab.page.keyboard.press("Enter")
            await tab.page.wait_for_url("**/ops/cases/*")
            await tab.page.keyboard.press("?")
            await expect(tab.page.locator("dialog#keys")).to_be_visible()
            await tab.page.keyboard.press("Escape")
            await tab.page.keyboard.press("/")
            await tab.page.keyboard.type(stage.order.shipment)
            await tab.page.keyboard.press("Enter")
            await tab.page.wait_for_url("**/ops/search**")
            assert stage.order.shipment in await tab.page.inner_text("main")

    async def test_sees_why_a_case_stands_where_it_stands(self, visitors: Visitors, stage: Stage) -> None:
        async with visitors.tab(visitors.portal.person(OWNER, "operator")) as tab:
            await tab.open("/ops")
            row = tab.page.locator("tr[data-row]", has_text=stage.order.number).first
            assert (await row.locator("td.w").inner_text()).strip(), "the queue gives no reason"
            await row.locator("a[data-open]").click()
            await expect(tab.page.locator("h1")).to_contain_text(stage.order.number)
            facts = await tab.page.locator("dl.verdict").inner_text()
            assert all(word in facts for word in ("What is wrong", "What it costs", "By when", "If nobody acts"))
            await tab.page.locator("a[href^='/ops/runs/']").first.click()
            await tab.page.wait_for_url("**/ops/runs/**")

    async def test_does_the_same_without_script(self, visitors: Visitors, stage: Stage) -> None:
        async with visitors.tab(visitors.portal.person(OWNER, "operator"), script=False) as tab:
            page = tab.page
            await page.goto(visitors.portal.address(OWNER, f"/ops/cases/{stage.case_id}"))
            await tab.press("form[action$='/acknowledge'] button")
            await tab.press("nav.doing a[href*='do=comment']")
            await page.fill("textarea[name=text]", "Called the dock, they load at six.")
            await tab.press(page.get_by_role("button", name="Keep for colleagues"))
            assert "they load at six" in await page.inner_text("main")
            assert stage.case()["status"] != "open"

    async def test_is_shown_what_others_did_meanwhile(self, visitors: Visitors, stage: Stage) -> None:
        """A form sent from an older look at the case isn't taken blindly."""
        operator, approver = (visitors.portal.person(OWNER, role) for role in ("operator", "approver"))
        async with visitors.tab(operator) as tab, visitors.tab(approver, script=False) as other:
            await tab.open(f"/ops/cases/{stage.case_id}?do=escalate")
            await other.page.goto(visitors.portal.address(OWNER, f"/ops/cases/{stage.case_id}"))
            await other.press("form[action$='/acknowledge'] button")
            tab.watch.expected_status = {409}
            await tab.page.fill("#do input[name=reason]", "It must climb.")
            await tab.press("#do button[type=submit]")
            assert "It must climb." in await tab.page.content(), "what was typed is gone"
