"""An offer behind a signed link, through the real application: scanners may look, a post answers, once."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.cases import offers
from app.cases.models import Offer
from app.core.ids import new_id
from app.notifications.links import issue
from branding.commands import ensure_platform_host
from tests.integration.cases.test_offers import OPTIONS
from tests.integration.cases.world import World

pytestmark = pytest.mark.feature("M93")


@pytest.fixture
async def letter(world: World) -> tuple[str, str, Offer]:
    """The partner's host, the path in a mail, and the offer it is about."""
    case = await world.opened()
    until = datetime.now(UTC) + timedelta(hours=1)
    async with world.act("run:1") as uow:
        host = (await ensure_platform_host(uow, world.shell.settings)).host
        row = await offers.make(uow, case_id=case.id, to={}, options=OPTIONS, default=None, expires_at=until, key=str(new_id()))
        token = await issue(
            uow, kind="offer", subject_id=row.id, case_id=case.id, customer_id=world.customer, to="kim@acme.example", expires_at=until
        )  # fmt: skip
    return host, f"/l/{token}", row


class TestOfferBehindALink:
    async def test_is_shown_to_scanners_and_answered_once_by_a_post(
        self, world: World, client: httpx.AsyncClient, letter: tuple[str, str, Offer]
    ) -> None:
        host, path, row = letter
        for method in ("GET", "HEAD", "GET"):
            page = await client.request(method, path, headers={"host": host})
            assert page.status_code == 200
        assert "Wednesday 10-12" in page.text
        assert (await world.rows(Offer, id=row.id))[0].status == "open"

        answered = await client.post(path, data={"option": "air"}, headers={"host": host})
        assert answered.status_code == 200
        again = await client.post(path, data={"option": "wait"}, headers={"host": host})
        assert again.status_code == 409
        [kept] = await world.rows(Offer, id=row.id)
        assert (kept.status, kept.option) == ("answered", "air")
        [told] = await world.told("offer.answered")
        assert told.actor.startswith("link:")
        assert (await world.case(row.case_id)).status == "open"

    async def test_takes_one_of_many_posts_at_once(self, world: World, client: httpx.AsyncClient, letter: tuple[str, str, Offer]) -> None:
        host, path, _ = letter
        posts = [client.post(path, data={"option": option}, headers={"host": host}) for option in ("air", "wait", "air", "wait")]
        statuses = sorted(answer.status_code for answer in await asyncio.gather(*posts))
        assert statuses == [200, 409, 409, 409]
        assert len(await world.told("offer.answered")) == 1

    async def test_asks_again_after_a_choice_that_is_not_there(
        self, world: World, client: httpx.AsyncClient, letter: tuple[str, str, Offer]
    ) -> None:
        host, path, row = letter
        wrong = await client.post(path, data={"option": "boat"}, headers={"host": host})
        assert wrong.status_code == 422
        assert "Wednesday 10-12" in wrong.text
        assert (await client.post(path, data={"option": "wait"}, headers={"host": host})).status_code == 200
        assert (await world.rows(Offer, id=row.id))[0].option == "wait"
