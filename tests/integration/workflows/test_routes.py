"""Definitions and runs over HTTP, and as configuration: who may, what is refused in which words, what a customer sees."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from app.core.ids import new_id
from app.workflows.manifest import WorkflowSectionInvalid, reconcile
from tests.integration.cases.test_routes import Caller, caller
from tests.integration.workflows.conftest import HEAD, Desk

pytestmark = pytest.mark.feature("M3")

TEXT = HEAD.replace("NAME", "sample") + "do: [{pause: {wait: PT1H}}]"
WHY = {"reason": "looked into it"}


@pytest.fixture
async def admin(desk: Desk, client: httpx.AsyncClient) -> Caller:
    return await caller(desk.world, client, "partner_admin")


@pytest.fixture
async def operator(desk: Desk, client: httpx.AsyncClient) -> Caller:
    return await caller(desk.world, client, "operator")


async def run_for_case(desk: Desk) -> UUID:
    definition = await desk.define("do: [{pause: {wait: PT1H}}]")
    case = await desk.world.opened()
    run_id = await desk.start(definition, case=case.id)
    await desk.drive(run_id)
    return run_id


class TestDefinitions:
    async def test_are_drafted_published_and_retired(self, admin: Caller) -> None:
        made = await admin.post("/v1/workflows", {"content": TEXT})
        assert (made.status_code, made.json()["status"], made.json()["version"]) == (201, "draft", 1)
        assert (await admin.post("/v1/workflows/sample/versions/1/publish")).json()["status"] == "published"
        assert (await admin.get("/v1/workflows/sample/versions/1")).json()["content"] == TEXT
        assert (await admin.post("/v1/workflows/sample/versions/1/retire")).json()["status"] == "retired"
        again = await admin.post("/v1/workflows/sample/versions/1/publish")
        assert (again.status_code, again.json()["type"].rsplit("/")[-1].rsplit(":")[-1]) == (409, "workflow-retired")

    async def test_are_refused_with_place_and_reason(self, admin: Caller) -> None:
        answer = await admin.post("/v1/workflows", {"content": TEXT.replace("wait: PT1H", "run: {shell: {command: ls}}")})
        assert answer.status_code == 400
        (error,) = answer.json()["errors"]
        assert error["pointer"] == "/do/0/pause/run"
        assert "not available" in error["detail"]

    @pytest.mark.parametrize("content", ["", "x" * 262_145, "do: [", "\u0000", "- 1"])
    async def test_are_refused_when_they_are_none(self, admin: Caller, content: str) -> None:
        assert (await admin.post("/v1/workflows", {"content": content})).status_code in (400, 413, 422)

    async def test_are_listed_page_by_page(self, admin: Caller) -> None:
        for text in (TEXT, TEXT.replace("PT1H", "PT2H"), TEXT.replace("PT1H", "PT3H")):
            await admin.post("/v1/workflows", {"content": text})
        first = (await admin.get("/v1/workflows/sample/versions", limit=2)).json()
        rest = (await admin.get("/v1/workflows/sample/versions", limit=2, cursor=first["next"])).json()
        assert [each["version"] for each in first["items"] + rest["items"]] == [3, 2, 1]
        assert rest["next"] is None

    async def test_are_read_and_not_written_by_an_operator(self, operator: Caller) -> None:
        assert (await operator.get("/v1/workflows")).status_code == 200
        assert (await operator.post("/v1/workflows", {"content": TEXT})).status_code == 403
        assert (await operator.post("/v1/workflows/sample/versions/1/publish")).status_code == 403

    async def test_of_another_tenant_or_nobody_are_the_same_404(self, admin: Caller) -> None:
        assert (await admin.get("/v1/workflows/nobody/versions/1")).status_code == 404
        assert (await admin.get("/v1/workflows/sample/versions/0")).status_code == 400


class TestRuns:
    async def test_are_steered_by_an_operator_with_a_reason(self, desk: Desk, operator: Caller) -> None:
        run_id = await run_for_case(desk)
        assert (await operator.get(f"/v1/runs/{run_id}")).json()["waiting_for"] == ["/do/0/pause"]
        assert (await operator.post(f"/v1/runs/{run_id}/suspend", {})).status_code == 400
        assert (await operator.post(f"/v1/runs/{run_id}/suspend", WHY)).json()["status"] == "suspended"
        assert (await operator.post(f"/v1/runs/{run_id}/suspend", WHY)).status_code == 409
        assert (await operator.post(f"/v1/runs/{run_id}/resume", WHY)).json()["status"] == "running"
        assert (await operator.post(f"/v1/runs/{run_id}/skip", {**WHY, "task": "/do/7/none"})).status_code == 409
        assert (await operator.post(f"/v1/runs/{run_id}/skip", {**WHY, "output": {"by": "phone"}})).status_code == 200
        await desk.drive(run_id)
        seen = (await operator.get(f"/v1/runs/{run_id}")).json()
        assert (seen["status"], seen["output"]) == ("completed", {"by": "phone"})
        assert (await operator.post(f"/v1/runs/{run_id}/cancel", WHY)).status_code == 409
        (line,) = (await operator.get(f"/v1/runs/{run_id}/tasks")).json()["items"]
        assert (line["task"], line["status"], line["output"]) == ("/do/0/pause", "skipped", {"by": "phone"})

    async def test_tell_who_steered_them(self, desk: Desk, operator: Caller) -> None:
        run_id = await run_for_case(desk)
        await operator.post(f"/v1/runs/{run_id}/suspend", WHY)
        (event,) = await desk.world.told("run.suspended")
        assert (event.actor, event.data["reason"]) == (operator.actor, WHY["reason"])

    async def test_are_found_by_status_case_and_workflow(self, desk: Desk, operator: Caller) -> None:
        run_id = await run_for_case(desk)
        run = await desk.run(run_id)
        for query in ({"status": "running"}, {"case": str(run.case_id)}, {"workflow": "sample"}, {"customer": str(desk.world.customer)}):
            assert [each["id"] for each in (await operator.get("/v1/runs", **query)).json()["items"]] == [str(run_id)], query
        assert (await operator.get("/v1/runs", status="faulted")).json()["items"] == []
        assert (await operator.get("/v1/runs", status="strange")).status_code == 400

    async def test_show_a_customer_its_own_without_what_they_carry(self, desk: Desk, client: httpx.AsyncClient) -> None:
        run_id = await run_for_case(desk)
        other = await type(desk.world).make(desk.shell, desk.tenant, slug="other")
        mine = await caller(desk.world, client, "customer_user", customer=desk.world.customer)
        theirs = await caller(desk.world, client, "customer_user", customer=other.customer)
        seen = (await mine.get(f"/v1/runs/{run_id}")).json()
        assert (seen["status"], seen["waiting_for"]) == ("running", [])
        missing = await theirs.get(f"/v1/runs/{new_id()}")
        foreign = await theirs.get(f"/v1/runs/{run_id}")
        assert foreign.status_code == missing.status_code == 404
        assert (await theirs.get(f"/v1/runs/{run_id}/tasks")).status_code == 404
        assert (await theirs.get("/v1/runs")).json()["items"] == []
        assert (await mine.post(f"/v1/runs/{run_id}/cancel", WHY)).status_code == 403


class TestManifest:
    async def apply(self, desk: Desk, *wanted: Any, prune: bool = False) -> list[tuple[str, str]]:
        async with desk.world.act() as uow:
            changes = await reconcile(uow, desk.shell, list(wanted), customer_id=None, prune=prune)
        return [(change.action, change.name) for change in changes]

    async def test_creates_leaves_alone_updates_and_retires(self, desk: Desk) -> None:
        assert await self.apply(desk, {"name": "sample", "content": TEXT}) == [("create", "sample")]
        assert await self.apply(desk, {"content": TEXT}) == [("unchanged", "sample")]
        assert await self.apply(desk, {"content": TEXT.replace("PT1H", "PT2H")}) == [("update", "sample")]
        assert await self.apply(desk, prune=True) == [("delete", "sample")]

    @pytest.mark.parametrize(
        ("item", "pointer"),
        [
            ({"name": "other", "content": TEXT}, "/0/name"),
            ({"content": TEXT.replace("PT1H", "soon")}, "/0/content/do/0/pause/wait"),
            ({"file": "x"}, "/0"),
        ],
    )
    async def test_names_what_is_wrong_relative_to_the_section(self, desk: Desk, item: Any, pointer: str) -> None:
        with pytest.raises(WorkflowSectionInvalid) as caught:
            await self.apply(desk, item)
        assert caught.value.errors[0].pointer == pointer
