"""From an empty account to a first exception handled under the own brand, by the pages alone."""

import re
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.cases import queries as cases
from app.core.services import Shell
from app.ingest.models import Signal
from app.portal.reader import forget_look
from branding import commands as brands
from tests.integration.portal.admin.conftest import page
from tests.integration.portal.admin.test_brand import VOICE
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.people import Page, Person, sign_in

pytestmark = pytest.mark.feature("M180", "M186")


@pytest.fixture
async def alone(shell: Shell, app: Any, tenant: UUID) -> Person:
    """The first administrator of an account that has nothing but its address."""
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        host = (await brands.ensure_platform_host(uow, shell.settings)).host
    forget_look(shell, tenant)
    return await sign_in(shell, app, tenant, host, "partner_admin", name="Mira Holm")


async def next_step(person: Person) -> str:
    found = re.search(r'class="answer next"><p class="small muted">Next</p><h2>([^<]+)</h2>', await page(person, "/admin"))
    return found[1] if found else ""


async def take(person: Person, what: str) -> None:
    answer = await person.post(f"/admin/start/{what}")
    assert answer.status_code == 303, answer.text
    assert (await person.post(f"/admin/start/{what}")).status_code == 303, "taking it twice changes nothing"


async def send(person: Person, settle: Any, tenant: UUID, source: str = "warehouse") -> str:
    """Send a test message through a source, wait until it is understood, and return what became of it."""
    answer = await person.post("/admin/test-signal", {"source": source, "customer": "acme"})
    assert answer.status_code == 303, Page(answer.text).text
    await settle(tenant)
    return (await person.get(answer.headers["location"].split("#")[0])).text


class TestThePath:
    async def test_leads_from_nothing_to_a_first_case(self, shell: Shell, app: Any, tenant: UUID, alone: Person, settle: Any) -> None:
        assert await next_step(alone) == "Publish your brand"
        assert (await alone.post("/admin/brand", {**VOICE, "expected": "0"})).status_code == 303
        assert await next_step(alone) == "Add your first customer"
        contract = {"sla.first_response": "30", "sla.first_response_unit": "minutes", "sla.calendar.hours": "Mon-Fri 07:00-19:00"}
        new = {"name": "Acme", "slug": "acme", "locale": "de", "zone": "Europe/Berlin", **contract}
        assert (await alone.post("/admin/customers", new)).status_code == 303
        assert await next_step(alone) == "Invite somebody"
        assert (await alone.post("/admin/users", {"email": "ida@fjord.example", "role": "operator", "name": "Ida"})).status_code == 303
        assert await next_step(alone) == "Open a source"
        await take(alone, "source")
        assert await next_step(alone) == "Say how its messages are read"
        await take(alone, "mapping")
        assert await next_step(alone) == "Publish a policy"
        await take(alone, "policy")
        await take(alone, "workflow")
        assert await next_step(alone) == "Receive a first message"
        became = await send(alone, settle, tenant)
        assert "missed the warehouse cutoff" in became and "through the mapping <bdi>warehouse</bdi>" in became
        assert await next_step(alone) == "Handle your first case"
        async with shell.read(tenant) as uow:
            case = (await cases.board(uow, cases.Filters(), sort="time", cursor=None, limit=1)).items[0]
        ida = await sign_in(shell, app, tenant, alone.host, "operator", name="Ida Brandt")
        done = await ida.client.post(
            f"/v1/cases/{case.id}/resolve", json={"outcome": "rerouted", "cause": "warehouse.past_cutoff", "override_reason": "Seen on the truck."},
            headers={"x-csrf-token": ida.csrf},
        )  # fmt: skip
        assert done.status_code < 300, done.text
        html = await page(alone, "/admin")
        assert "<h1>Overview</h1>" in html and "Needs attention" not in html

    async def test_shows_what_is_done_by_what_is_there(self, mira: Person) -> None:
        html = await page(mira, "/admin")
        assert "2 of 11" in html, "the brand is published, the customer is there"

    async def test_offers_nothing_an_analyst_may_not_do(self, signed_in: SignIn) -> None:
        anna = await signed_in("analyst")
        actions = Page((await anna.get("/admin")).text).actions
        assert not [action for action in actions if action.startswith("/admin")]
        assert (await anna.post("/admin/start/policy")).status_code == 403
        assert (await anna.post("/admin/test-signal", {"source": "warehouse"})).status_code == 403

    async def test_ships_nothing_else(self, mira: Person) -> None:
        assert (await mira.post("/admin/start/everything")).status_code == 404


class TestATestMessage:
    @pytest.fixture
    async def ready(self, mira: Person) -> Person:
        for what in ("source", "mapping", "policy"):
            await take(mira, what)
        return mira

    async def test_comes_in_as_its_senders_would(self, shell: Shell, tenant: UUID, ready: Person, settle: Any) -> None:
        await send(ready, settle, tenant)
        async with shell.read(tenant) as uow:
            signal = (await uow.execute(select(Signal))).scalar_one()
        assert signal.source == "warehouse" and b"order.cutoff_missed" in signal.raw and b"SAMPLE-" in signal.raw

    async def test_sent_again_is_another_one(self, shell: Shell, tenant: UUID, ready: Person, settle: Any) -> None:
        await send(ready, settle, tenant)
        await send(ready, settle, tenant)
        async with shell.read(tenant) as uow:
            assert len((await cases.board(uow, cases.Filters(), sort="time", cursor=None, limit=5)).items) == 2

    async def test_says_that_it_is_being_read_and_asks_again(self, ready: Person) -> None:
        answer = await ready.post("/admin/test-signal", {"source": "warehouse", "customer": "acme"})
        html = (await ready.get(answer.headers["location"].split("#")[0])).text
        assert "It is being read" in html and 'hx-trigger="every 2s"' in html

    async def test_says_what_kept_it_from_being_read(self, mira: Person, tenant: UUID, settle: Any) -> None:
        await take(mira, "source")
        assert "Parked:" in await send(mira, settle, tenant)

    async def test_needs_a_source_and_a_customer(self, ready: Person) -> None:
        for given, wrong in (({"source": "nowhere", "customer": "acme"}, "There is no such source"), ({"source": "warehouse"}, "Say whose order it should be"),
                             ({"source": "warehouse", "customer": "stranger"}, "There is no customer called")):  # fmt: skip
            answer = await ready.post("/admin/test-signal", given)
            assert answer.status_code == 422 and wrong in answer.text.replace("&#39;", "'")

    @pytest.mark.parametrize(("kind", "opens"), [("cloudevents", True), ("x12", True)])
    async def test_fits_every_kind_of_source(self, ready: Person, tenant: UUID, settle: Any, shell: Shell, kind: str, opens: bool) -> None:
        from app.ingest.commands.mappings import draft_mapping, publish_mapping
        from app.ingest.commands.sources import create_source
        from app.ingest.schemas import NewMapping, NewSource
        from app.portal import samples

        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await create_source(uow, shell, NewSource(name="other", kind=kind, mapping="carrier" if kind == "x12" else None))  # type: ignore[arg-type]
            draft = await draft_mapping(uow, shell, NewMapping(name="carrier", content=samples.text("carrier.jq")))
            await uow.session.flush()
            await publish_mapping(uow, draft)
        assert ("missed the warehouse cutoff" in await send(ready, settle, tenant, "other")) is opens
