"""Approvals, search, inbox, handover and messages: the rest of an operator's desk."""

import re
from typing import Any
from uuid import UUID

import pytest

from app.cases import approvals, commands
from app.cases.inbox import fill
from app.cases.models import Approval, HeldMessage
from tests.integration.cases.world import World, ago
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.people import Page, Person


async def asked(world: World, by: Person, minor: int = 184000) -> UUID:
    """An approval somebody asked for."""
    case = await world.opened(order="ORD-1")
    async with world.act(f"user:{by.user_id}") as uow:
        row = await approvals.request(
            uow, case_id=case.id, kind="expedite", amount_minor=minor, currency="EUR", key=str(uow.new_id()), expires_at=ago(hours=-4),
            subject={"capability": "carrier.amend", "option_id": "air", "params": {"option_id": "air"}, "reason": "Above 1,000 EUR"},
            requested_by=f"user:{by.user_id}",
        )  # fmt: skip
        return row.id


class TestAnApproval:
    @pytest.mark.feature("M208")
    async def test_says_what_how_dear_who_asks_and_what_it_lets_happen_once(self, world: World, signed_in: SignIn) -> None:
        ida, omar = await signed_in("operator", name="Ida Brandt"), await signed_in("approver")
        approval = await asked(world, ida)
        assert "€1,840.00" in Page((await omar.get("/ops/approvals")).text).text
        text = Page((await omar.get(f"/ops/approvals/{approval}")).text).text
        assert "€1,840.00" in text and "Ida Brandt" in text and "Above 1,000 EUR" in text
        assert "this may happen once" in text and "with the option air" in text
        answer = await omar.post(f"/ops/approvals/{approval}/decide", {"outcome": "approved", "note": "Agreed"})
        assert answer.headers["location"].endswith("done=approved")
        assert "Agreed" in Page((await omar.get(f"/ops/approvals/{approval}")).text).text

    async def test_is_never_given_by_who_asked_and_the_try_is_recorded(self, world: World, signed_in: SignIn) -> None:
        omar = await signed_in("approver")
        approval = await asked(world, omar)
        page = Page((await omar.get(f"/ops/approvals/{approval}")).text)
        assert "You can't decide this one" in page.text and f"/ops/approvals/{approval}/decide" not in page.actions
        refused = await omar.post(f"/ops/approvals/{approval}/decide", {"outcome": "approved"})
        assert refused.status_code == 403 and "somebody else must decide" in Page(refused.text).text
        assert (await world.rows(Approval, id=approval))[0].status == "requested"
        assert [event.data["rule"] for event in await world.told("access.denied")] == ["own-request"]

    async def test_is_decided_once(self, world: World, signed_in: SignIn) -> None:
        ida, omar = await signed_in("operator"), await signed_in("approver")
        approval = await asked(world, ida)
        assert (await omar.post(f"/ops/approvals/{approval}/decide", {"outcome": "refused"})).status_code == 303
        late = await omar.post(f"/ops/approvals/{approval}/decide", {"outcome": "approved"})
        assert late.status_code == 409 and "was decided already" in Page(late.text).text


class TestSearch:
    async def test_leads_from_any_reference_to_the_thing_and_its_case(self, world: World, signed_in: SignIn) -> None:
        order = await world.order("ORD-4711", shipment="SHP-220-77")
        case = await world.opened(order="ORD-4711", subjects={"order": str(order)})
        kim = await signed_in("operator")
        html = (await kim.get("/ops/search?q=shp 22077")).text
        shipment = re.search(r"/ops/shipments/[0-9a-f-]{36}", html)
        assert shipment is not None and "SHP-220-77" in html
        assert "SHP-220-77" in (await kim.get(shipment[0])).text
        assert f"/ops/cases/{case.id}" in (await kim.get("/ops/search?q=ORD-4711&kind=order")).text
        assert f"/ops/cases/{case.id}" in (await kim.get(f"/ops/orders/{order}")).text

    @pytest.mark.parametrize(("q", "words"), [("a-1", "at least four"), ("zzzzzz", "Nothing goes by"), ("", "Search any reference")])
    async def test_says_what_to_do_when_nothing_is_found(self, signed_in: SignIn, q: str, words: str) -> None:
        kim = await signed_in("operator")
        assert words in Page((await kim.get(f"/ops/search?q={q}")).text).text


class TestTheInbox:
    @pytest.mark.feature("M208")
    async def test_holds_what_is_given_and_leads_there(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened(order="ORD-1")
        kim, ida = await signed_in("operator"), await signed_in("operator", name="Ida Brandt")
        await ida.post(f"/ops/cases/{case.id}/assign", {"owner_id": str(kim.user_id)})
        async with world.act() as uow:
            await fill(uow, await world.told("case.assigned"))
        html = (await kim.get("/ops/inbox")).text
        assert "Ida Brandt gave you" in Page(html).text
        action = re.search(r"/ops/inbox/[0-9a-f-]{36}/open", html)
        assert action is not None
        assert (await kim.post(action[0])).headers["location"] == f"/ops/cases/{case.id}"
        assert "You have read everything" in Page((await kim.get("/ops/inbox?unread=yes")).text).text
        assert (await ida.post(action[0])).status_code == 404


class TestHandingOver:
    @pytest.mark.feature("M208")
    async def test_makes_the_note_from_open_clocks_and_gives_the_cases_away(self, world: World, signed_in: SignIn) -> None:
        cases = [await world.opened(order=f"ORD-{n}", now=ago(minutes=n)) for n in range(1, 4)]
        kim, ida = await signed_in("operator"), await signed_in("operator", name="Ida Brandt")
        for case in cases:
            await kim.post(f"/ops/cases/{case.id}/take")
        page = Page((await kim.get("/ops/handover")).text)
        assert "Order ORD-3 missed the warehouse cutoff" in page.text and "to first response" in page.text
        given: dict[str, Any] = {"to_user": str(ida.user_id), "case_ids": [str(case.id) for case in cases[:2]], "note": "Watch ORD-1"}
        answer = await kim.post("/ops/handover", given)
        assert "Watch ORD-1" in Page((await ida.get(answer.headers["location"])).text).text
        assert [(await world.case(case.id)).owner_id for case in cases] == [ida.user_id, ida.user_id, kim.user_id]

    async def test_needs_a_receiver_and_keeps_the_note(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened(order="ORD-1")
        kim = await signed_in("operator")
        await kim.post(f"/ops/cases/{case.id}/take")
        answer = await kim.post("/ops/handover", {"to_user": "", "case_ids": str(case.id), "note": "My own words"})
        assert answer.status_code == 422 and "My own words" in answer.text


class TestAMessage:
    @pytest.mark.feature("M214")
    async def test_shows_who_gets_it_is_held_and_can_be_called_back(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened(order="ORD-1")
        ann = await signed_in("customer_user", name="Ann Reader")
        kim = await signed_in("operator")
        assert ann.customer_id == world.customer
        assert "ORD-1" in (await kim.get(f"/ops/messages/new?case={case.id}")).text
        written = {"case_ids": str(case.id), "audience": "customer", "subject": "A later departure", "text": "We found one."}
        seen = Page((await kim.post("/ops/messages/preview", written)).text)
        assert "1 person gets it" in seen.text and "Ann Reader" in seen.text and not await world.rows(HeldMessage)
        held = (await kim.post("/ops/messages", written)).headers["location"]
        html = (await kim.get(held)).text
        assert "Held until" in Page(html).text and "data-hold=" in html
        assert (await kim.post(f"{held}/undo")).status_code == 303
        assert "Called back" in Page((await kim.get(held)).text).text
        assert [row.status for row in await world.rows(HeldMessage)] == ["undone"]

    async def test_says_who_is_left_out_and_why(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened(order="ORD-1")
        kim = await signed_in("operator")
        written = {"case_ids": str(case.id), "audience": "customer", "subject": "Hello", "text": "Words"}
        seen = Page((await kim.post("/ops/messages/preview", written)).text).text
        assert "Nobody would get it" in seen and "has nobody who may see cases" in seen

    async def test_names_the_address_that_is_none(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened(order="ORD-1")
        kim = await signed_in("operator")
        written = {
            "case_ids": str(case.id),
            "audience": "counterparty",
            "subject": "Hello",
            "text": "Words",
            "addresses": "Marie <marie@carrier.example>\nnobody",
        }
        answer = await kim.post("/ops/messages/preview", written)
        assert answer.status_code == 422 and "“nobody” is no address" in Page(answer.text).text


class TestWhatOutsidersWrote:
    @pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}"])
    async def test_is_text_everywhere(self, world: World, signed_in: SignIn, evil: str) -> None:
        case = await world.opened(
            order="ORD-1", title=f"T {evil}", inputs=[{"name": "customer.tier", "value": evil, "source": "call:1"}], missing=[evil]
        )
        kim = await signed_in("operator")
        async with world.act(f"user:{kim.user_id}") as uow:
            await commands.plan(uow, case.id, evil)
            await commands.comment(uow, case.id, evil, visible=True)
            await commands.log_call(uow, case.id, who="carrier", direction="out", outcome="reached", name=evil, note=evil)
            await commands.escalate(uow, case.id, evil)
            await commands.assign(uow, case.id, kim.user_id)
        for path in (
            "/ops",
            f"/ops/cases/{case.id}",
            f"/ops/cases/{case.id}?do=plan",
            "/ops/handover",
            f"/ops/messages/new?case={case.id}",
            f"/ops/give?case={case.id}",
        ):
            html = (await kim.get(path)).text
            assert evil not in html or evil == "{{ 7*7 }}"
            assert "<img src=x" not in html and "T 49" not in html
