"""A case's page: its answer, its actions, and what happens when two people act at once."""

import re
from typing import Any
from uuid import UUID

import pytest

from app.cases import commands
from app.cases.models import Case, CaseComment, CaseProposal, CaseTalk
from tests.integration.cases.bounded import POLICY
from tests.integration.cases.world import World, ago
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.people import Page, Person
from tests.services import Database


async def act(person: Person, case: Case, verb: str, **fields: Any) -> Any:
    return await person.post(f"/ops/cases/{case.id}/{verb}", {"version": case.version, **fields})


class TestACase:
    @pytest.mark.feature("M208")
    async def test_says_first_what_is_wrong_what_it_costs_by_when_and_what_happens_if_nobody_acts(
        self, world: World, signed_in: SignIn
    ) -> None:
        case = await world.opened(order="ORD-1", minor=1840000, now=ago(minutes=5))
        kim = await signed_in("operator")
        text = Page((await kim.get(f"/ops/cases/{case.id}")).text).text
        answer = text[text.index("What is wrong") : text.index("Workflow")]
        assert "Missed warehouse cutoff" in answer and "€18,400.00" in answer and "to reply" in answer
        assert "If nobody acts" in answer and "promise is broken, and the case is escalated" in answer
        assert "Still missing: The customer's tier" in answer and "provisional" in text

    async def test_tells_each_fact_with_its_source_and_age(self, world: World, signed_in: SignIn) -> None:
        told = {"name": "customer.tier", "value": "gold", "source": "call:1", "observed_at": ago(minutes=90).isoformat()}
        case = await world.opened(inputs=[told], missing=["order.value_minor"])
        kim = await signed_in("operator")
        text = Page((await kim.get(f"/ops/cases/{case.id}")).text).text
        assert "The customer's tier gold answer of a system · 1 h 30 min old" in text and "Order value unknown" in text

    async def test_stays_small_and_carries_no_style_or_script_of_its_own(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened()
        kim = await signed_in("operator")
        for do in ("", "assign", "comment", "call", "propose", "snooze", "escalate", "plan", "resolve", "decline"):
            answer = await kim.get(f"/ops/cases/{case.id}" + (f"?do={do}" if do else ""))
            assert answer.status_code == 200 and len(answer.content) < 60_000
            assert not re.search(r"\sstyle=|\son\w+=|<script(?! nonce)", answer.text)

    async def test_of_another_tenant_is_not_there(self, signed_in: SignIn) -> None:
        kim = await signed_in("operator")
        assert (await kim.get(f"/ops/cases/{UUID(int=7)}")).status_code == 404

    async def test_shows_analysts_no_action(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened()
        lena = await signed_in("analyst")
        page = Page((await lena.get(f"/ops/cases/{case.id}?do=escalate")).text)
        assert not [action for action in page.actions if f"/ops/cases/{case.id}" in action]
        assert (await act(lena, case, "escalate", reason="x")).status_code == 403


class TestActing:
    @pytest.mark.feature("M214")
    async def test_snooze_names_who_is_awaited_and_never_outlasts_the_next_clock(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened()
        kim = await signed_in("operator")
        form = (await kim.get(f"/ops/cases/{case.id}?do=snooze")).text
        latest = re.search(r'name="until"[^>]*max="([^"]+)"', form)
        assert latest is not None
        late = await act(kim, case, "snooze", awaits="the carrier", until="2031-01-01T12:00")
        assert late.status_code == 409 and "can't rest longer than its next clock" in Page(late.text).text
        nobody = await act(kim, case, "snooze", until=latest[1])
        assert nobody.status_code == 422 and Page(nobody.text).fields["until"] == latest[1]
        assert (await act(kim, case, "snooze", awaits="the carrier's desk", event="carrier")).status_code == 303
        resting = await world.case(case.id)
        assert resting.awaits == "the carrier's desk" and resting.wakes_on == "carrier" and resting.snoozed_until is not None
        assert "waiting for the carrier's desk" in Page((await kim.get(f"/ops/cases/{case.id}")).text).text

    @pytest.mark.feature("M214")
    async def test_a_call_is_one_form_that_also_plans_and_puts_aside(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened()
        kim = await signed_in("operator")
        said = {"who": "carrier", "direction": "out", "outcome": "reached", "name": "Marie", "next_step": "send papers", "rest": "15"}
        assert (await act(kim, case, "call", **said)).status_code == 303
        [talk] = await world.rows(CaseTalk, case_id=case.id)
        after = await world.case(case.id)
        assert (talk.name, after.next_step, after.awaits) == ("Marie", "send papers", "Marie")

    @pytest.mark.feature("M208")
    async def test_a_comment_for_colleagues_and_one_for_the_customer_are_told_apart(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened()
        kim = await signed_in("operator")
        await act(kim, case, "comment", text="Only us")
        await act(kim, await world.case(case.id), "comment", text="For them", visible="true")
        inner, outer = await world.rows(CaseComment, case_id=case.id)
        assert inner.customer_id is None and outer.customer_id == world.customer
        html = (await kim.get(f"/ops/cases/{case.id}")).text
        assert re.search(r'<li class="outside">(?:(?!<li).)*reads this(?:(?!<li).)*For them', html, re.DOTALL)
        assert re.search(r"Colleagues only(?:(?!<li).)*Only us", html, re.DOTALL)

    async def test_taking_over_needs_a_reason(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened()
        kim, ida = await signed_in("operator"), await signed_in("operator", name="Ida Brandt")
        await act(ida, case, "take")
        held = await world.case(case.id)
        refused = await act(kim, held, "assign", owner_id=str(kim.user_id))
        assert refused.status_code == 409 and "Ida Brandt works on it" in Page(refused.text).text
        assert (await act(kim, held, "assign", owner_id=str(kim.user_id), reason="She is off")).status_code == 303
        assert (await world.case(case.id)).owner_id == kim.user_id

    async def test_resolving_needs_proof_or_a_reason_and_reopening_starts_anew(
        self, world: World, signed_in: SignIn, database: Database
    ) -> None:
        case = await world.opened()
        kim = await signed_in("operator")
        ended = {"outcome": "rerouted", "cause": "warehouse.past_cutoff"}
        refused = await act(kim, case, "resolve", **ended)
        assert refused.status_code == 400 and "looked at again" in Page(refused.text).text
        call = await world.call(database, case)
        assert str(call) in (await kim.get(f"/ops/cases/{case.id}?do=resolve")).text
        assert (await act(kim, case, "resolve", **ended, evidence_call_id=str(call))).status_code == 303
        text = Page((await kim.get(f"/ops/cases/{case.id}")).text).text
        assert "Sent another way" in text and "The cutoff time had passed" in text
        assert (await act(kim, await world.case(case.id), "reopen", reason="It came back")).status_code == 303
        assert (await world.case(case.id)).status == "open"

    @pytest.mark.feature("M208")
    async def test_every_action_keeps_what_was_typed_when_it_is_refused(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened()
        kim = await signed_in("operator")
        answer = await act(kim, case, "call", who="carrier", direction="out", outcome="", name="Marie Duval")
        assert answer.status_code == 422 and Page(answer.text).fields["name"] == "Marie Duval"


class TestProposing:
    async def test_offers_the_systems_options_with_cost_and_asks_somebody_else_to_approve(
        self, world: World, signed_in: SignIn, database: Database
    ) -> None:
        await world.policy(POLICY)
        order = await world.order("ORD-1", shipment="SHP-1")
        case = await world.opened(order="ORD-1", subjects={"order": str(order)})
        await world.quoted(database, case, ("air", 90000), ("road", 20000))
        omar = await signed_in("approver", name="Omar")
        form = (await omar.get(f"/ops/cases/{case.id}?do=propose")).text
        assert "€900.00" in form and "€200.00" in form
        key = re.search(r'name="choice" value="([^"]+:air)"', form)
        assert key is not None
        answer = await act(omar, case, "propose", choice=key[1], note="Vaccines can't wait")
        assert answer.headers["location"].endswith("done=proposed_asked"), answer.text
        [proposal] = await world.rows(CaseProposal, case_id=case.id)
        assert proposal.params["amount_minor"] == 90000 and proposal.option_id == "air"
        text = Page((await omar.get(f"/ops/cases/{case.id}")).text).text
        assert "Whoever asked for an approval can't give it" in text

    async def test_refuses_an_option_that_was_never_offered(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened()
        kim = await signed_in("operator")
        answer = await act(kim, case, "propose", choice="x:free")
        assert answer.status_code == 422 and "isn't among those the system offered" in Page(answer.text).text

    async def test_points_at_the_parameters_that_do_not_fit(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened()
        kim = await signed_in("operator")
        answer = await kim.post(
            f"/ops/cases/{case.id}/propose?capability=carrier.amend", {"capability": "carrier.amend", "p.shipment": "SHP-1"}
        )
        assert answer.status_code == 422 and "option_id" in answer.text and Page(answer.text).fields.get("p.shipment") == "SHP-1"


class TestAStaleForm:
    @pytest.mark.feature("M208", "M214")
    async def test_shows_what_changed_beside_what_was_typed_and_does_it_anyway_when_told(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened()
        kim, ida = await signed_in("operator"), await signed_in("operator", name="Ida Brandt")
        await act(ida, case, "escalate", reason="The customer calls every hour")
        answer = await act(kim, case, "plan", next_step="ask for a later slot")
        assert answer.status_code == 412
        page = Page(answer.text)
        assert "Somebody was faster" in page.text and "The customer calls every hour" in page.text and "Ida Brandt" in page.text
        assert "ask for a later slot" in page.text and (await world.case(case.id)).next_step is None
        again = {name: value for name, value in page.fields.items() if name in ("version", "next_step")}
        assert again["next_step"] == "ask for a later slot" and f"/ops/cases/{case.id}/plan" in page.actions
        assert (await kim.post(f"/ops/cases/{case.id}/plan", again)).status_code == 303
        assert (await world.case(case.id)).next_step == "ask for a later slot"

    async def test_is_announced_on_the_open_page_before_it_is_sent(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened()
        kim = await signed_in("operator")
        asked = re.search(r'hx-get="(/ops/cases/[^"]+/changed\?version=\d+)"', (await kim.get(f"/ops/cases/{case.id}")).text)
        assert asked is not None and "changed" not in Page((await kim.get(asked[1])).text).text
        async with world.act() as uow:
            await commands.plan(uow, case.id, "call the warehouse")
        assert "One thing changed since you opened this" in Page((await kim.get(asked[1])).text).text


class TestTheTimeline:
    async def test_is_the_latest_first_without_machinery_and_narrowed_by_kind(self, world: World, signed_in: SignIn) -> None:
        case = await world.opened()
        kim = await signed_in("operator")
        await act(kim, case, "comment", text="A word")
        await world.work_off()
        text = Page((await kim.get(f"/ops/cases/{case.id}")).text).text
        assert text.index("Comment: A word") < text.index("Case opened")
        words = Page((await kim.get(f"/ops/cases/{case.id}?kind=words")).text).text
        assert "Comment: A word" in words and "Case opened" not in words
        assert "in the audit chain" in text
