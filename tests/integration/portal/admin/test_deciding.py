"""Policies and workflows in the console: checked while one writes, tried on what happened, published, rolled back, with what each decided and ran."""

import re
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from app.core.services import Shell
from app.policies.commands import publish, save
from tests.integration.ingest.desk import Desk, Settle, missed
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.people import Page, Person
from tests.integration.tenants.conftest import make_customer
from tests.unit.policies.examples import library

WORKFLOW = """document: {dsl: '1.0.3', namespace: logistics, name: look-again, version: '1.0.0', title: Look again}
do:
  - rest:
      wait: PT5M
  - judge:
      set: {seen: '${ .case.id }'}
"""


@pytest_asyncio.fixture(loop_scope="session")
async def customer(shell: Shell, tenant: UUID) -> UUID:
    return await make_customer(shell, tenant, slug="beside")


@pytest_asyncio.fixture(loop_scope="session")
async def desk(shell: Shell, tenant: UUID, client: httpx.AsyncClient, settle: Settle) -> Desk:
    return await Desk(shell, tenant, client, settle).furnish()


@pytest_asyncio.fixture(loop_scope="session")
async def admin(signed_in: SignIn) -> Person:
    return await signed_in("partner_admin")


async def newest(admin: Person, noun: str) -> str:
    """The page the list opens first."""
    links = Page((await admin.get(f"/admin/{noun}")).text).links
    return next(one for one in links if re.match(rf"/admin/{noun}/[0-9a-f-]{{36}}$", one))


@pytest.mark.feature("M182")
class TestPolicies:
    async def test_teach_the_first_step_and_offer_an_example_that_can_be_kept(self, admin: Person) -> None:
        assert "Nothing is an exception yet" in (await admin.get("/admin/policies")).text
        page = await admin.get("/admin/policies/new")
        assert "It can be kept" in page.text and "order.value_minor" in page.text

    async def test_are_checked_at_their_line(self, admin: Person) -> None:
        text = library("cutoff-missed").replace("when: order.regulated, points", "when: order.regulatd, points")
        line = next(n for n, each in enumerate(text.splitlines(), 1) if "regulatd" in each)
        answer = await admin.post("/admin/policies/check", {"content": text})
        assert f'data-line="{line}"' in answer.text and "/prioritise/rules/0/when" in answer.text
        kept = await admin.post("/admin/policies/new", {"content": text, "do": "keep"})
        assert kept.status_code == 400 and "order.regulatd" in kept.text, "what was typed stays"
        no_yaml = await admin.post("/admin/policies/check", {"content": "name: x\ntitle: [\n"})
        assert "This is not YAML" in no_yaml.text

    async def test_are_tried_on_what_happened_before_they_are_even_kept(self, desk: Desk, admin: Person) -> None:
        for number in range(3):
            await desk.hook(missed(f"ORD-{number}"), f"m{number}")
        await desk.settle()
        tried = await admin.post("/admin/policies/new", {"content": library("cutoff-missed"), "do": "try", "days": "7"})
        page = Page(tried.text)
        assert tried.status_code == 200 and "It would have opened 3 cases" in page.text
        assert "Order ORD-1 missed the warehouse cutoff" in page.text and "3 would be decided otherwise" in page.text
        assert "Nothing is an exception yet" in (await admin.get("/admin/policies")).text, "nothing was kept"

    async def test_are_kept_published_and_rolled_back_and_name_the_cases_they_decided(self, desk: Desk, admin: Person) -> None:
        kept = await admin.post("/admin/policies/new", {"content": library("cutoff-missed"), "do": "keep"})
        first = kept.headers["location"].partition("?")[0]
        assert (await admin.post(f"{first}/publish")).status_code == 303
        await desk.receipt(await desk.hook(missed("ORD-9")))
        shown = await admin.get(first)
        assert re.search(r'href="/ops/cases/[0-9a-f-]{36}"><bdi>Order ORD-9 missed', shown.text)
        again = await admin.post(first, {"content": library("cutoff-missed") + "# tighter\n", "do": "keep"})
        second = again.headers["location"].partition("?")[0]
        assert (await admin.post(f"{second}/publish")).status_code == 303
        assert await newest(admin, "policies") == second
        assert (await admin.post(f"{first}/roll-back")).status_code == 303
        assert await newest(admin, "policies") == first
        refused = await admin.post(f"{first}/roll-back")
        assert refused.status_code == 409 and "Only a version that was in force before" in refused.text

    async def test_are_read_but_not_changed_by_an_analyst_who_may_try_them(self, shell: Shell, tenant: UUID, signed_in: SignIn) -> None:
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            row = await publish(uow, await save(uow, shell.sandbox, library("cutoff-missed"), customer_id=None))
        analyst = await signed_in("analyst")
        path = f"/admin/policies/{row.id}"
        assert (await analyst.post(path, {"content": library("cutoff-missed"), "do": "try"})).status_code == 200
        assert (await analyst.post(path, {"content": library("cutoff-missed") + "# x\n", "do": "keep"})).status_code == 403
        assert (await analyst.post(f"{path}/retire")).status_code == 403

    async def test_roll_back_and_simulation_of_a_text_are_there_for_programs(self, desk: Desk) -> None:
        await desk.receipt(await desk.hook(missed("ORD-5")))
        simulated = await desk.post("/v1/policies/simulate", json={"content": library("cutoff-missed")})
        assert simulated.status_code == 200 and simulated.json()["cases"] == 1
        assert simulated.json()["exceptions"][0]["title"] == "Order ORD-5 missed the warehouse cutoff"
        made = (await desk.post("/v1/policies", json={"content": library("cutoff-missed")})).json()
        path = f"/v1/policies/{made['id']}/versions/1"
        assert (await desk.post(f"{path}/roll-back")).status_code == 409
        await desk.post(f"{path}/publish")
        await desk.post(f"{path}/retire")
        assert (await desk.post(f"{path}/roll-back")).json()["status"] == "published"


class TestWorkflows:
    async def test_are_drawn_as_steps_and_checked_at_line_and_task(self, admin: Person) -> None:
        sound = await admin.post("/admin/workflows/check", {"content": WORKFLOW})
        assert "It can be kept" in sound.text and "rest" in Page(sound.text).text and "judge" in Page(sound.text).text
        broken = WORKFLOW.replace("PT5M", "five minutes").replace("${ .case.id }", "${ .case.id | foo }")
        answer = await admin.post("/admin/workflows/check", {"content": broken})
        assert 'data-line="4"' in answer.text and "/do/0/rest" in answer.text

    async def test_are_kept_published_and_rolled_back_with_what_runs_on_them(self, admin: Person, desk: Desk) -> None:
        kept = await admin.post("/admin/workflows/new", {"content": WORKFLOW, "do": "keep"})
        first = kept.headers["location"].partition("?")[0]
        assert (await admin.post(f"{first}/publish")).status_code == 303
        again = await admin.post(first, {"content": WORKFLOW.replace("PT5M", "PT9M"), "do": "keep"})
        second = again.headers["location"].partition("?")[0]
        await admin.post(f"{second}/publish")
        assert (await admin.post(f"{first}/roll-back")).status_code == 303
        assert await newest(admin, "workflows") == first
        assert (await desk.post("/v1/workflows/look-again/versions/2/roll-back")).json()["status"] == "published"
        assert "None so far" in (await admin.get(second)).text

    async def test_that_cannot_be_kept_keep_what_was_typed(self, admin: Person) -> None:
        answer = await admin.post("/admin/workflows/new", {"content": "document: {}\n", "do": "keep"})
        assert answer.status_code == 400 and "document: {}" in answer.text and 'data-line="1"' in answer.text
