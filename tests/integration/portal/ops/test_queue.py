"""The queue's page: what it shows, that it stands still, what is done from it."""

from tests.integration.cases.world import World
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.people import Page


class TestTheQueue:
    async def test_shows_money_clock_title_customer_and_reasons(self, world: World, signed_in: SignIn) -> None:
        await world.opened(order="ORD-1", minor=1840000)
        kim = await signed_in("operator")
        answer = await kim.get("/ops")
        assert answer.status_code == 200, answer.text
        page = Page(answer.text)
        assert "€18,400.00" in page.text and "Order ORD-1 missed the warehouse cutoff" in page.text
