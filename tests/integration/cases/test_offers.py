"""Options put to a customer: answered once, in time; silence takes the default, never for regulated goods."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.cases import commands, offers
from app.cases.links import OfferLink
from app.cases.models import Case, CaseClock, Offer
from app.cases.offers import NoDefaultForRegulatedGoods, OfferAnswered, OfferExpired
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from app.notifications.links import Form
from app.notifications.models import Link
from tests.integration.cases.world import World, ago

OPTIONS = [
    {"id": "wait", "label": "Wednesday 10-12", "eta": "2026-11-25T10:00:00+01:00", "cost_minor": 0, "currency": "EUR"},
    {"id": "air", "label": "Tuesday by courier", "eta": "2026-11-24T21:00:00+01:00", "cost_minor": 24000, "currency": "EUR"},
]


async def _make(world: World, case: Case, *, now: datetime | None = None, **changes: Any) -> Offer:
    given: dict[str, Any] = {
        "case_id": case.id, "to": {"address": "ops@acme.example"}, "options": OPTIONS, "default": "wait", "key": str(new_id()),
        "expires_at": (now or datetime.now(UTC)) + timedelta(hours=1),
    }  # fmt: skip
    async with world.act("run:1", now=now) as uow:
        return await offers.make(uow, **{**given, **changes})


async def _answer(world: World, row: Offer, option: str = "air", by: str = "user:kim") -> Offer:
    async with world.act(by, customer=world.customer, case=row.case_id) as uow:
        return await offers.answer(uow, row.id, option)


async def _resolution(world: World, case: Case) -> CaseClock:
    [clock] = await world.rows(CaseClock, case_id=case.id, kind="resolution")
    return clock


class TestMake:
    async def test_hands_over_the_ball_and_stops_the_resolution_clock(self, world: World) -> None:
        case = await world.opened()
        row = await _make(world, case)
        assert (await world.case(case.id)).status == "waiting"
        assert (await _resolution(world, case)).paused_at is not None
        [told] = await world.told("offer.made")
        assert (told.key, told.data["default"], len(told.data["options"])) == (f"offer:{row.id}", "wait", 2)

    async def test_with_the_same_key_is_the_first_one(self, world: World) -> None:
        case = await world.opened()
        first = await _make(world, case, key="effect-1")
        assert (await _make(world, case, key="effect-1")).id == first.id

    @pytest.mark.feature("M31")
    async def test_has_no_default_for_regulated_goods(self, world: World) -> None:
        case = await world.opened(subjects={"order": str(await world.order(regulated=True))})
        with pytest.raises(NoDefaultForRegulatedGoods):
            await _make(world, case)
        assert (await _make(world, case, default=None)).default_option is None

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"options": []}, "/options"),
            ({"options": [{"id": "a", "label": ""}], "default": None}, "/options/0"),
            ({"options": [{"id": 1, "label": "x"}], "default": None}, "/options/0"),
            ({"options": [OPTIONS[0], OPTIONS[0]]}, "/options"),
            ({"default": "boat"}, "/default"),
            ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "/expires_at"),
        ],
    )
    async def test_refuses_what_nobody_could_answer(self, world: World, changes: dict[str, Any], pointer: str) -> None:
        case = await world.opened()
        with pytest.raises(Invalid) as refused:
            await _make(world, case, **changes)
        assert pointer in [error.pointer for error in refused.value.errors]


class TestAnswer:
    async def test_by_the_customer_lets_the_case_go_on(self, world: World) -> None:
        case = await world.opened()
        row = await _make(world, case)
        answered = await _answer(world, row)
        assert (answered.status, answered.option, answered.answered_by) == ("answered", "air", "user:kim")
        assert (await world.case(case.id)).status == "open"
        assert (await _resolution(world, case)).paused_at is None
        [told] = await world.told("offer.answered")
        assert (told.key, told.data["option"]["cost_minor"], told.actor) == (f"offer:{row.id}", 24000, "user:kim")

    async def test_is_once(self, world: World) -> None:
        case = await world.opened()
        row = await _make(world, case)
        await _answer(world, row)
        with pytest.raises(OfferAnswered):
            await _answer(world, row, "wait")
        assert len(await world.told("offer.answered")) == 1

    async def test_is_once_when_two_answer_at_the_same_moment(self, world: World) -> None:
        row = await _make(world, await world.opened())
        results = await asyncio.gather(*(_answer(world, row, option) for option in ("air", "wait", "air", "wait")), return_exceptions=True)
        assert sorted(type(result).__name__ for result in results) == ["Offer", "OfferAnswered", "OfferAnswered", "OfferAnswered"]
        assert len(await world.told("offer.answered")) == 1

    async def test_is_one_of_the_options(self, world: World) -> None:
        row = await _make(world, await world.opened())
        with pytest.raises(Invalid) as refused:
            await _answer(world, row, "boat")
        assert "wait, air" in refused.value.errors[0].remedy

    async def test_is_in_time(self, world: World) -> None:
        case = await world.opened()
        row = await _make(world, case, now=ago(hours=2))
        with pytest.raises(OfferExpired):
            await _answer(world, row)

    async def test_is_nobody_elses(self, world: World) -> None:
        other = await World.make(world.shell, world.tenant, slug="boreal")
        row, case_of_other = await _make(world, await world.opened()), await other.opened()
        for customer, case in ((other.customer, None), (world.customer, case_of_other.id)):
            with pytest.raises(NotFound):
                async with world.act("link:1", customer=customer, case=case) as uow:
                    await offers.answer(uow, row.id, "air")

    async def test_of_one_of_two_offers_leaves_the_case_waiting(self, world: World) -> None:
        case = await world.opened()
        first, second = await _make(world, case), await _make(world, case)
        await _answer(world, first)
        assert (await world.case(case.id)).status == "waiting"
        await _answer(world, second)
        assert (await world.case(case.id)).status == "open"

    async def test_is_refused_when_the_case_is_over(self, world: World) -> None:
        case = await world.opened()
        row = await _make(world, case)
        async with world.act() as uow:
            await commands.resolve(
                uow, case.id, outcome="rerouted", cause="warehouse.late", evidence_call_id=None, override_reason="by phone"
            )
        with pytest.raises(Conflict):
            await _answer(world, row)


class TestExpire:
    async def test_takes_the_default_on_silence(self, world: World) -> None:
        case = await world.opened(now=ago(hours=3))
        row = await _make(world, case, now=ago(hours=2))
        await world.work_off()
        [after] = await world.rows(Offer, id=row.id)
        assert (after.status, after.option, after.answered_at) == ("expired", "wait", None)
        [told] = await world.told("offer.expired")
        assert (told.data["option_id"], told.data["option"]["label"]) == ("wait", "Wednesday 10-12")
        assert (await world.case(case.id)).status == "open"

    async def test_asks_to_be_asked_again_when_it_is_early(self, world: World) -> None:
        row = await _make(world, await world.opened())
        async with world.act() as uow:
            assert not await offers.expire(uow, row.id)
        pending = await world.shell.boundary.dispatch("select due from core.work where tenant_id = $1 and kind = 'offer'", world.tenant)
        assert [work["due"] for work in pending] == [row.expires_at]

    async def test_takes_nothing_without_a_default(self, world: World) -> None:
        await _make(world, await world.opened(now=ago(hours=3)), now=ago(hours=2), default=None)
        await world.work_off()
        [told] = await world.told("offer.expired")
        assert (told.data["option_id"], told.data["option"]) == (None, None)


class TestOfferLink:
    async def test_shows_the_options_and_changes_nothing(self, world: World) -> None:
        row = await _make(world, await world.opened())
        for _ in range(3):
            async with world.shell.read(world.tenant, customer=world.customer, case=row.case_id) as uow:
                page = await OfferLink().show(world.shell, uow, _link(row))
        assert page.kind == "offer"
        assert [(choice.value, choice.is_default) for choice in page.choices] == [("wait", True), ("air", False)]
        assert (await world.rows(Offer, id=row.id))[0].status == "open"
        assert await world.told("offer.answered") == []

    async def test_takes_the_choice_that_was_posted_once(self, world: World) -> None:
        row = await _make(world, await world.opened())
        async with world.act("link:1", customer=world.customer, case=row.case_id) as uow:
            page = await OfferLink().act(world.shell, uow, _link(row), Form({"option": "air"}))
        assert (page.kind, page.answer) == ("answered", "Tuesday by courier")
        with pytest.raises(OfferAnswered):
            async with world.act("link:1", customer=world.customer, case=row.case_id) as uow:
                await OfferLink().act(world.shell, uow, _link(row), Form({"option": "wait"}))
        async with world.look() as uow:
            assert (await OfferLink().show(world.shell, uow, _link(row))).kind == "used"

    async def test_asks_again_when_nothing_was_chosen(self, world: World) -> None:
        row = await _make(world, await world.opened())
        with pytest.raises(Invalid):
            async with world.act("link:1", customer=world.customer, case=row.case_id) as uow:
                await OfferLink().act(world.shell, uow, _link(row), Form())


def _link(row: Offer) -> Link:
    return Link(id=new_id(), kind="offer", subject_id=row.id, case_id=row.case_id, customer_id=row.customer_id)
