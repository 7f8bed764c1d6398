"""The figures' page says what the figures say, and each of its numbers opens exactly its rows."""

import re
from typing import Any
from uuid import UUID

import pytest

from app.core.services import Shell
from tests.integration.canonical.conftest import add_customer
from tests.integration.cases.world import World
from tests.integration.intelligence.story import Story
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.people import Page

pytestmark = pytest.mark.feature("M132", "M133", "M134", "M135", "M136", "M137")


@pytest.fixture
async def told(shell: Shell, tenant: UUID) -> Story:
    world = await World.make(shell, tenant, slug="figures")
    story = Story(world, await add_customer(shell, tenant, "boreal"), seed=5)
    await story.tell(25)
    await world.work_off()
    return story


class TestTheFiguresPage:
    async def test_shows_every_figure_small_enough_and_without_style_or_script_of_its_own(self, told: Story, signed_in: SignIn) -> None:
        answer = await (await signed_in("operator")).get("/ops/kpis?by=customer")
        assert answer.status_code == 200, answer.text
        page = Page(answer.text)
        for title in (
            "Open exceptions by age", "First response by people", "First response by automation", "Closed by automation alone", "Touches a case",
            "Manual interventions for 100 exceptions", "Customers told in time", "Service levels kept at first response", "By customer", "Boreal",
        ):  # fmt: skip
            assert title in page.text, title
        assert len(answer.content) < 60 * 1024
        assert not re.search(r"\sstyle=|\son\w+=|<style", answer.text)
        assert (
            len(re.findall(r'<svg class="chart [^>]*role="img" aria-labelledby="(\S+) (\S+)"', answer.text))
            == answer.text.count('role="img"')
            > 4
        )

    async def test_every_number_opens_as_many_rows_as_it_says(self, told: Story, signed_in: SignIn) -> None:
        reader = await signed_in("analyst")
        html = (await reader.get("/ops/kpis")).text
        found = re.findall(r'<a href="(/ops/kpis/[^"]+)" aria-label="[^"]*: ([\d,]+) rows"', html)
        assert len(found) > 12
        for path, count in found:
            rows = (await reader.get(path.replace("&amp;", "&"))).text
            assert rows.count("<tr data-row>") == min(int(count), 50), path

    async def test_a_row_leads_to_its_case(self, told: Story, signed_in: SignIn) -> None:
        page = Page((await (await signed_in("operator")).get("/ops/kpis/touches")).text)
        cases = [link for link in page.links if link.startswith("/ops/cases/")]
        assert len(cases) >= 10 and "Order ORD-" in page.text

    async def test_pages_its_rows(self, told: Story, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
        from app.portal.ops import kpis

        monkeypatch.setattr(kpis, "SHOWN", 4)
        reader, path, seen = await signed_in("operator"), "/ops/kpis/sla_adherence?split=resolution", list[str]()
        while path:
            html = (await reader.get(path)).text
            seen += re.findall(r'data-open href="(/ops/cases/[^"]+)"', html)
            following = re.search(r'rel="next"[^>]* href="([^"]+)"', html)
            path = following.group(1).replace("&amp;", "&") if following else ""
        assert len(seen) > 8

    async def test_teaches_the_next_step_where_there_is_nothing(self, signed_in: SignIn) -> None:
        page = Page((await (await signed_in("operator")).get("/ops/kpis")).text)
        assert "No exception in this period" in page.text

    @pytest.mark.parametrize("query", ["since=2026-13-45", "since=2026-02-02&until=2026-02-01", "since=1999-01-01&until=2026-01-01"])
    async def test_says_what_is_wrong_with_a_period_and_shows_another(self, told: Story, signed_in: SignIn, query: str) -> None:
        answer = await (await signed_in("operator")).get(f"/ops/kpis?{query}")
        assert answer.status_code == 400
        assert "This period can’t be shown" in Page(answer.text).text and "Touches a case" in answer.text

    async def test_is_not_for_customers(self, signed_in: SignIn) -> None:
        for path in ("/ops/kpis", "/ops/kpis/touches"):
            assert (await (await signed_in("customer_admin")).get(path)).status_code == 404

    async def test_shows_usage_to_whoever_may_see_it(self, told: Story, signed_in: SignIn) -> None:
        assert "Cases opened" in Page((await (await signed_in("partner_admin")).get("/ops/kpis")).text).text
        assert "Usage" not in Page((await (await signed_in("operator")).get("/ops/kpis")).text).text

    async def test_text_of_outsiders_stays_text(self, shell: Shell, tenant: UUID, signed_in: SignIn) -> None:
        world = await World.make(shell, tenant, slug="figures")
        await world.opened(title="<img src=x onerror=alert(1)>")
        await world.work_off()
        html = (await (await signed_in("operator")).get("/ops/kpis/exceptions_open")).text
        assert "<img src=x" not in html and "&lt;img src=x" in html

    async def test_an_unknown_figure_or_part_is_no_page(self, told: Story, signed_in: SignIn) -> None:
        reader: Any = await signed_in("operator")
        assert (await reader.get("/ops/kpis/unknown")).status_code == 404
        assert (await reader.get("/ops/kpis/touches?part=unknown")).status_code == 400
