"""The queue's page: what it shows, that it stands still, what is done from it."""

import csv
import io
import re
from uuid import UUID

import pytest

from app.cases.models import Case
from app.core.services import Shell
from tests.integration.cases.world import World, ago
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.people import Page, Person


def order_of(html: str) -> list[str]:
    """The orders on the page, from the top."""
    return list(dict.fromkeys(re.findall(r"Order (ORD-\w+) missed", html)))


async def press(person: Person, do: str, *cases: Case) -> str:
    """Tick cases and press a button below them; where it leads to."""
    answer = await person.post("/ops/bulk", {"do": do, "c": [str(case.id) for case in cases], "back": "/ops"})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


class TestTheQueue:
    @pytest.mark.feature("M4", "M40", "M208")
    async def test_shows_money_clock_reference_customer_and_every_factor_with_its_points(self, world: World, signed_in: SignIn) -> None:
        tier = {"name": "customer.tier", "value": "gold", "source": "call:1"}
        case = await world.opened(order="ORD-1", minor=1840000, inputs=[tier], now=ago(minutes=10))
        kim = await signed_in("operator")
        text = Page((await kim.get("/ops")).text).text
        assert "€18,400" in text and "Order ORD-1 missed the warehouse cutoff" in text and "gold tier" in text
        async with world.look() as uow:
            from app.cases import cockpit

            [line] = await cockpit.lines(uow, [case.id])
        assert line.urgency is not None
        for factor in line.urgency.because:
            assert f"{factor.points:+d}" in text
        assert f"= {line.urgency.score} points" in text

    @pytest.mark.feature("M4")
    async def test_has_the_most_urgent_case_first(self, world: World, signed_in: SignIn) -> None:
        for order, minor, level in (("ORD-A", 10_000, "P4"), ("ORD-B", 4_520_000, "P1"), ("ORD-C", 615_000, "P3")):
            await world.opened(order=order, minor=minor, level=level)
        kim = await signed_in("operator")
        assert order_of((await kim.get("/ops")).text) == ["ORD-B", "ORD-C", "ORD-A"]

    @pytest.mark.feature("M208", "M214")
    async def test_keeps_its_order_and_only_says_that_something_more_urgent_arrived(self, world: World, signed_in: SignIn) -> None:
        await world.opened(order="ORD-A", minor=10_000, level="P4")
        kim = await signed_in("operator")
        html = (await kim.get("/ops")).text
        asked = re.search(r'hx-get="(/ops/newer\?[^"]+)"', html)
        assert asked is not None and Page((await kim.get(asked[1])).text).text == ""
        await world.opened(order="ORD-B", minor=9_000_000, level="P1")
        piece = (await kim.get(asked[1])).text
        assert "1 more urgent" in Page(piece).text and 'data-key="."' in piece and "<html" not in piece

    async def test_is_narrowed_by_its_filters_and_says_when_nothing_fits(self, world: World, signed_in: SignIn) -> None:
        await world.opened(order="ORD-A", level="P1")
        await world.opened(order="ORD-B", level="P3")
        kim = await signed_in("operator")
        assert order_of((await kim.get("/ops?priority=P3&type=&customer=")).text) == ["ORD-B"]
        assert "No case fits these filters" in Page((await kim.get("/ops?priority=P4")).text).text

    @pytest.mark.parametrize("odd", ["customer=nobody", "owner=%00", "lane=ZZZZ", "since=never", "sort=random", "tab=nowhere"])
    async def test_takes_filters_it_can_not_read_for_none(self, world: World, signed_in: SignIn, odd: str) -> None:
        await world.opened(order="ORD-A")
        kim = await signed_in("operator")
        answer = await kim.get(f"/ops?{odd}")
        assert answer.status_code in (200, 400, 422)
        if answer.status_code == 200:
            assert order_of(answer.text) == ["ORD-A"]

    @pytest.mark.feature("M40", "M208")
    async def test_of_fifty_cases_stays_under_sixty_kilobytes(self, world: World, signed_in: SignIn) -> None:
        inputs = [
            {"name": "customer.tier", "value": "platinum", "source": "call:1"},
            {"name": "order.regulated", "value": True, "source": "order:1"},
            {"name": "customer.penalty_minor", "value": 250000, "source": "call:1"},
        ]
        for number in range(51):
            await world.opened(order=f"ORD-{7000 + number}", inputs=inputs, minor=1840000 + number * 100)
        kim = await signed_in("operator")
        answer = await kim.get("/ops")
        assert len(order_of(answer.text)) == 50 and 'rel="next"' in answer.text
        assert len(answer.content) < 60_000

    async def test_teaches_the_next_step_where_it_is_empty(self, signed_in: SignIn) -> None:
        kim = await signed_in("operator")
        for tab, words in (
            ("queue", "Nothing needs you"),
            ("mine", "You have no case"),
            ("waiting", "Nobody is being waited for"),
            ("breached", "Every promise is kept"),
        ):
            assert words in Page((await kim.get(f"/ops?tab={tab}")).text).text

    async def test_is_read_by_analysts_who_may_change_nothing(self, world: World, signed_in: SignIn) -> None:
        await world.opened(order="ORD-A")
        lena = await signed_in("analyst")
        answer = await lena.get("/ops")
        assert "ORD-A" in answer.text and "/ops/bulk" not in answer.text and "/ops/next" not in answer.text
        assert (await lena.post("/ops/next")).status_code == 403

    async def test_is_nowhere_for_a_customers_people(self, signed_in: SignIn) -> None:
        ann = await signed_in("customer_user")
        assert (await ann.get("/ops")).status_code == 404

    async def test_lists_every_key_without_scripts(self, signed_in: SignIn) -> None:
        kim = await signed_in("operator")
        text = Page((await kim.get("/ops/keys")).text).text
        for words in ("escalate", "snooze", "acknowledge", "the most urgent case nobody has", "search any reference"):
            assert words in text


class TestNextCase:
    @pytest.mark.feature("M214", "M208")
    async def test_gives_the_most_urgent_free_case_and_opens_it(self, world: World, signed_in: SignIn) -> None:
        await world.opened(order="ORD-A", minor=10_000, level="P4")
        dear = await world.opened(order="ORD-B", minor=9_000_000, level="P1")
        kim = await signed_in("operator")
        answer = await kim.post("/ops/next")
        assert answer.headers["location"].startswith(f"/ops/cases/{dear.id}")
        assert (await world.case(dear.id)).owner_id == kim.user_id
        assert "This one is yours now" in Page((await kim.get(answer.headers["location"])).text).text

    @pytest.mark.feature("M208")
    async def test_gives_two_people_two_cases(self, world: World, signed_in: SignIn) -> None:
        for order in ("ORD-A", "ORD-B"):
            await world.opened(order=order)
        kim, ida = await signed_in("operator"), await signed_in("operator")
        places = {(await person.post("/ops/next")).headers["location"] for person in (kim, ida)}
        assert len(places) == 2 and all(place.startswith("/ops/cases/") for place in places)

    async def test_says_when_there_is_none(self, signed_in: SignIn) -> None:
        kim = await signed_in("operator")
        answer = await kim.post("/ops/next")
        assert "No case is free right now" in Page((await kim.get(answer.headers["location"])).text).text

    @pytest.mark.feature("M214")
    async def test_to_acknowledged_takes_two_keys(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened(order="ORD-A")
        kim = await signed_in("operator")
        queue = (await kim.get("/ops")).text
        assert re.search(r'<form method="post" action="/ops/next".*?<button[^>]*data-key="n"', queue, re.DOTALL)
        opened = (await kim.get((await kim.post("/ops/next")).headers["location"])).text
        assert re.search(rf'action="/ops/cases/{case.id}/acknowledge".*?<button[^>]*data-key="a"', opened, re.DOTALL)
        await kim.post(f"/ops/cases/{case.id}/acknowledge", {"version": (await world.case(case.id)).version})
        after = await world.case(case.id)
        assert after.status == "acknowledged" and after.owner_id == kim.user_id


class TestTickedCases:
    async def test_are_acknowledged_together(self, world: World, signed_in: SignIn) -> None:
        cases = [await world.opened(order=f"ORD-{n}") for n in range(3)]
        kim = await signed_in("operator")
        assert await press(kim, "ack", *cases[:2]) == "/ops?done=acknowledged"
        assert [(await world.case(case.id)).status for case in cases] == ["acknowledged", "acknowledged", "open"]

    async def test_are_given_away_all_or_none(self, world: World, signed_in: SignIn) -> None:
        cases = [await world.opened(order=f"ORD-{n}") for n in range(2)]
        kim, ida = await signed_in("operator"), await signed_in("operator", name="Ida Brandt")
        await ida.post(f"/ops/cases/{cases[1].id}/take")
        place = await press(kim, "give", *cases)
        assert "Ida Brandt works on it" in Page((await kim.get(place)).text).text
        given = {"c": [str(case.id) for case in cases], "to": str(kim.user_id)}
        refused = await kim.post("/ops/give", given)
        assert refused.status_code == 409 and (await world.case(cases[0].id)).owner_id is None
        assert (await kim.post("/ops/give", {**given, "reason": "Ida is off"})).status_code == 303
        assert {(await world.case(case.id)).owner_id for case in cases} == {kim.user_id}

    async def test_go_into_a_file_in_which_nothing_is_a_formula(self, world: World, signed_in: SignIn) -> None:
        evil = await world.opened(order="ORD-1", title='=HYPERLINK("http://evil.example";"open")', minor=615000)
        kim = await signed_in("operator")
        answer = await kim.post("/ops/bulk", {"do": "export", "c": str(evil.id)})
        assert answer.headers["content-type"].startswith("text/csv") and "attachment" in answer.headers["content-disposition"]
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert rows[0]["Title"].startswith("'=HYPERLINK") and rows[0]["Money at risk"] == "6150.00" and rows[0]["Currency"] == "EUR"

    @pytest.mark.parametrize("do", ["ack", "give", "message", "export"])
    async def test_are_needed_first(self, world: World, signed_in: SignIn, do: str) -> None:
        await world.opened(order="ORD-A")
        kim = await signed_in("operator")
        answer = await kim.post("/ops/bulk", {"do": do, "back": "/ops?priority=P2"})
        assert answer.status_code == 422 and "Tick the cases" in Page(answer.text).text and "ORD-A" in answer.text

    async def test_lead_nowhere_else_than_back_to_this_host(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened(order="ORD-A")
        kim = await signed_in("operator")
        answer = await kim.post("/ops/bulk", {"do": "ack", "c": str(case.id), "back": "//evil.example/?x=1"})
        assert answer.headers["location"] == "/ops?done=acknowledged"


class TestWhoIsOnACase:
    @pytest.mark.feature("M208")
    async def test_stands_on_the_queue_and_on_the_case(self, shell: Shell, world: World, signed_in: SignIn, tenant: UUID) -> None:
        case = await world.opened(order="ORD-A")
        kim, ida = await signed_in("operator"), await signed_in("operator", name="Ida Brandt")
        assert (await ida.post(f"/ops/cases/{case.id}/here")).status_code == 204
        assert "Ida Brandt is here" in Page((await kim.get("/ops")).text).text
        assert "Ida Brandt is also here" in Page((await kim.get(f"/ops/cases/{case.id}")).text).text
        assert "is also here" not in Page((await ida.get(f"/ops/cases/{case.id}")).text).text
