"""Runs: a run as a diagram, what went through its steps, and a person's hand on it."""

from uuid import UUID

import pytest

from app.workflows.models import WorkflowRun
from tests.integration.cases.world import World
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.people import Page
from tests.integration.workflows.conftest import Desk

WAITS = """do:
  - lookAround: {set: {seen: true, api_key: 'sk-live-hunter2', nested: {authorization: {scheme: Bearer, value: hunter2}}, note: 'Bearer abcdefghijklmnop'}}
  - askSomebody: {listen: {to: {one: {with: {type: case.proposed, partitionkey: 'case:none'}}}}}
  - neverYet: {set: {done: true}}
"""
FAILS = """do:
  - tryIt: {try: [{boom: {raise: {error: {type: 'https://example.test/boom', status: 500, title: It broke}}}}], catch: {retry: {delay: PT1H, limit: {attempt: {count: 1}}}}}
"""


async def waiting(desk: Desk) -> UUID:
    run = await desk.start(WAITS)
    await desk.drive(run)
    return run


class TestARun:
    @pytest.mark.feature("M208")
    async def test_is_a_diagram_whose_steps_say_how_far_they_are_and_what_they_wait_for(
        self, world: World, desk: Desk, signed_in: SignIn
    ) -> None:
        run = await waiting(desk)
        kim = await signed_in("operator")
        text = Page((await kim.get(f"/ops/runs/{run}")).text).text
        assert "✓ Look around done" in text and "‖ Ask somebody waiting" in text and "○ Never yet not begun" in text
        assert "It waits" in text and "somebody to propose an option" in text

    async def test_shows_what_went_through_a_step_but_nothing_secret(self, world: World, desk: Desk, signed_in: SignIn) -> None:
        run = await waiting(desk)
        kim = await signed_in("operator")
        html = (await kim.get(f"/ops/runs/{run}?step=/do/0/lookAround")).text
        assert "&#34;seen&#34;: true" in html
        assert "hunter2" not in html and "abcdefghijklmnop" not in html

    async def test_that_tries_again_says_so(self, world: World, desk: Desk, signed_in: SignIn) -> None:
        run = await desk.start(FAILS)
        await desk.drive(run)
        kim = await signed_in("operator")
        text = Page((await kim.get(f"/ops/runs/{run}?step=/do/0/tryIt")).text).text
        assert "Failed, tried again" in text and "It broke" in text

    async def test_rests_and_goes_on_with_a_reason(self, world: World, desk: Desk, signed_in: SignIn) -> None:
        run = await waiting(desk)
        kim = await signed_in("operator")
        assert (await kim.post(f"/ops/runs/{run}/suspend", {"reason": ""})).status_code == 422
        assert (await kim.post(f"/ops/runs/{run}/suspend", {"reason": "Let me look first"})).status_code == 303
        text = Page((await kim.get(f"/ops/runs/{run}")).text).text
        assert "It rests until somebody lets it go on" in text and "Let me look first" in text
        again = await kim.post(f"/ops/runs/{run}/suspend", {"reason": "Once more"})
        assert again.status_code == 409
        assert (await kim.post(f"/ops/runs/{run}/resume", {"reason": "It is fine"})).status_code == 303
        [row] = await world.rows(WorkflowRun, id=run)
        assert row.status == "running"

    async def test_has_a_step_passed_over(self, world: World, desk: Desk, signed_in: SignIn) -> None:
        run = await waiting(desk)
        kim = await signed_in("operator")
        assert "/do/1/askSomebody" in (await kim.get(f"/ops/runs/{run}?do=skip")).text
        given = {"reason": "The customer called", "task": "/do/1/askSomebody"}
        assert (await kim.post(f"/ops/runs/{run}/skip", given)).status_code == 303
        await desk.drive(run)
        assert "↷ Ask somebody passed over" in Page((await kim.get(f"/ops/runs/{run}")).text).text

    async def test_is_steered_by_nobody_who_may_only_look(self, world: World, desk: Desk, signed_in: SignIn) -> None:
        run = await waiting(desk)
        lena = await signed_in("analyst")
        html = (await lena.get(f"/ops/runs/{run}?do=cancel")).text
        assert f"/ops/runs/{run}/cancel" not in html
        assert (await lena.post(f"/ops/runs/{run}/cancel", {"reason": "Because"})).status_code == 403

    @pytest.mark.parametrize("hand", ["explode", "../../admin"])
    async def test_knows_no_other_hands(self, world: World, desk: Desk, signed_in: SignIn, hand: str) -> None:
        run = await waiting(desk)
        kim = await signed_in("operator")
        assert (await kim.post(f"/ops/runs/{run}/{hand}", {"reason": "Because"})).status_code in (404, 405, 422)

    async def test_stands_in_a_list_narrowed_by_state(self, world: World, desk: Desk, signed_in: SignIn) -> None:
        run = await waiting(desk)
        kim = await signed_in("operator")
        assert str(run) in (await kim.get("/ops/runs?status=running&workflow=")).text
        assert "No run is like this" in Page((await kim.get("/ops/runs?status=faulted")).text).text
