"""A run on the real database: what it does, what it leaves, how a person steers it."""

import asyncio
from datetime import timedelta

import pytest

from app.core.errors import NotFound
from app.workflows import commands
from app.workflows.commands import RunOver, StepNotWaiting
from app.workflows.dsl import InvalidWorkflow
from tests.integration.workflows.conftest import Desk

pytestmark = pytest.mark.feature("M3")

TWO_CALLS = """
do:
  - first: {call: http, with: {method: post, endpoint: 'PEER/first', body: {n: '${ .n }'}}, export: {as: '{first: .path}'}}
  - second: {call: http, with: {method: post, endpoint: 'PEER/second'}}
  - last: {set: '${ {first: $context.first, second: .path, n: $workflow.input.n} }'}
"""


class TestRun:
    async def test_goes_from_start_to_end_with_one_request_for_each_effect(self, desk: Desk) -> None:
        run = await desk.drive(await desk.start(TWO_CALLS, {"n": 4}))
        assert (run.status, run.output) == ("completed", {"first": "/first", "second": "/second", "n": 4})
        assert [path for _, path, _ in desk.peer.ledger] == ["/first", "/second"]
        assert await desk.log(run.id) == [("first", "completed"), ("second", "completed"), ("last", "completed")]
        assert await desk.due(run.id) is None

    async def test_tells_what_happened_under_its_key(self, desk: Desk) -> None:
        run = await desk.drive(await desk.start(TWO_CALLS, {"n": 4}))
        rows = await desk.rows("select type, envelope from core.event where key = :key order by recorded_at, id", key=f"run:{run.id}")
        assert [row["type"] for row in rows] == ["run.started", "task.completed", "task.completed", "run.completed"]
        assert rows[-1]["envelope"]["actor"] == f"run:{run.id}"
        assert rows[1]["envelope"]["data"]["effect_key"] == desk.peer.keys("/first")[0]

    async def test_keeps_an_effects_outcome_beside_its_key(self, desk: Desk) -> None:
        run = await desk.drive(await desk.start(TWO_CALLS, {"n": 4}))
        rows = await desk.rows("select key, status from workflows.effect where run_id = :run order by id", run=run.id)
        assert [(row["key"], row["status"]) for row in rows] == [(key, "done") for _, _, key in desk.peer.ledger]

    async def test_starts_once_for_a_key(self, desk: Desk) -> None:
        definition = await desk.define("do: [{a: {set: {x: 1}}}]")
        assert await desk.start(definition, key="k") == await desk.start(definition, key="k")

    async def test_asks_several_systems_at_once(self, desk: Desk) -> None:
        desk.peer.pauses = {"/a": 0.3, "/b": 0.3}
        body = "do: [{both: {fork: {branches: [{a: {call: http, with: {method: get, endpoint: 'PEER/a'}}}, {b: {call: http, with: {method: get, endpoint: 'PEER/b'}}}]}}}]"
        run_id = await desk.start(body)
        async with asyncio.timeout(0.55):
            run = await desk.drive(run_id)
        assert run.output == [{"path": "/a"}, {"path": "/b"}]

    async def test_has_at_most_eight_effects_under_way(self, desk: Desk) -> None:
        desk.peer.pauses = {f"/b{n}": 0.2 for n in range(12)}
        branches = ", ".join(f"{{b{n}: {{call: http, with: {{method: get, endpoint: 'PEER/b{n}'}}}}}}" for n in range(12))
        run = await desk.drive(await desk.start(f"do: [{{all: {{fork: {{branches: [{branches}]}}}}}}]"))
        assert run.output == [{"path": f"/b{n}"} for n in range(12)]
        assert desk.peer.most_at_once == 8

    async def test_faults_with_the_specifications_problem(self, desk: Desk) -> None:
        desk.peer.answers["/first"] = (404, {})
        run = await desk.drive(await desk.start(TWO_CALLS, {"n": 1}))
        assert run.status == "faulted"
        assert (run.problem["status"], run.problem["instance"]) == (404, "/do/0/first")

    async def test_waits_by_a_due_time_and_goes_on(self, desk: Desk) -> None:
        run_id = await desk.start("do: [{pause: {wait: {milliseconds: 300}}}, {done: {set: {x: 1}}}]")
        run = await desk.drive(run_id)
        assert (run.status, run.waiting_for) == ("running", ["/do/0/pause"])
        assert await desk.due(run_id) is not None
        await asyncio.sleep(0.35)
        assert (await desk.drive(run_id)).status == "completed"

    async def test_puts_large_values_aside_and_finds_them_again(self, desk: Desk) -> None:
        desk.peer.answers["/first"] = (200, {"path": "x" * 50_000})
        body = TWO_CALLS.replace("- second", "- pause: {wait: {milliseconds: 1}}\n  - second")
        run_id = await desk.start(body, {"n": 1})
        run = await desk.drive(run_id)
        assert len(str(run.state)) < 4_000
        await asyncio.sleep(0.02)
        assert (await desk.drive(run_id)).output["first"] == "x" * 50_000

    async def test_ends_when_it_has_to_remember_too_much(self, desk: Desk) -> None:
        branches = ", ".join(f"{{b{n}: {{wait: PT1H}}}}" for n in range(200))
        run = await desk.drive(await desk.start(f"do: [{{all: {{fork: {{branches: [{branches}]}}}}}}]"))
        assert (run.status, run.problem["title"]) == ("faulted", "Could not run")

    @pytest.mark.parametrize("value", ["plain text", 4, [1], None, True])
    async def test_carries_any_json_as_input_and_output(self, desk: Desk, value: object) -> None:
        run_id = await desk.start("do: [{pause: {wait: {milliseconds: 1}}}, {a: {set: '${ [$workflow.input] }'}}]", value)
        await desk.drive(run_id)
        await asyncio.sleep(0.01)
        assert (await desk.drive(run_id)).output == [{} if value is None else value]

    async def test_calls_only_hosts_that_have_a_connection(self, desk: Desk) -> None:
        run = await desk.drive(
            await desk.start("do: [{a: {call: http, with: {method: get, endpoint: '${ .url }'}}}]", {"url": "http://localhost:1/x"})
        )
        assert run.problem["status"] == 403
        with pytest.raises(InvalidWorkflow) as caught:
            await desk.define("do: [{a: {call: http, with: {method: get, endpoint: 'https://elsewhere.example/x'}}}]")
        assert caught.value.errors[0].pointer == "/do/0/a/with/endpoint"

    async def test_is_refused_at_save_when_jq_would_refuse_it(self, desk: Desk) -> None:
        with pytest.raises(InvalidWorkflow) as caught:
            await desk.define("do: [{a: {set: {x: '${ .a | nosuch }', y: '${ $error }'}}}]")
        assert {each.pointer for each in caught.value.errors} == {"/do/0/a/set"}


class TestSteering:
    async def test_cancels_a_run_that_waits(self, desk: Desk) -> None:
        run_id = await desk.start("do: [{pause: {wait: PT1H}}]")
        await desk.drive(run_id)
        async with desk.world.act("user:1") as uow:
            await commands.cancel(uow, run_id, "not needed")
        run = await desk.drive(run_id)
        assert run.status == "cancelled"
        assert await desk.log(run_id) == [("pause", "cancelled")]
        with pytest.raises(RunOver):
            async with desk.world.act("user:1") as uow:
                await commands.cancel(uow, run_id, "again")

    async def test_cancels_a_run_whose_system_takes_long(self, desk: Desk) -> None:
        desk.peer.pauses["/first"] = 10
        run_id = await desk.start(TWO_CALLS, {"n": 1})
        working = asyncio.create_task(desk.drive(run_id))
        while not desk.peer.ledger:
            await asyncio.sleep(0.02)
        async with desk.world.act("user:1") as uow:
            await commands.cancel(uow, run_id, "not needed")
        async with asyncio.timeout(3.5):
            assert (await working).status == "cancelled"

    async def test_suspends_and_resumes_where_it_was(self, desk: Desk) -> None:
        run_id = await desk.start("do: [{pause: {wait: {milliseconds: 10}}}, {done: {set: {x: 1}}}]")
        await desk.drive(run_id)
        async with desk.world.act("user:1") as uow:
            await commands.suspend(uow, run_id, "looking into it")
        await asyncio.sleep(0.02)
        assert (await desk.drive(run_id)).status == "suspended"
        async with desk.world.act("user:1") as uow:
            await commands.resume(uow, run_id, "looked")
        assert (await desk.drive(run_id)).status == "completed"

    async def test_keeps_the_answer_that_came_while_it_was_suspended(self, desk: Desk) -> None:
        desk.peer.pauses["/first"] = 0.3
        run_id = await desk.start(TWO_CALLS, {"n": 1})
        working = asyncio.create_task(desk.drive(run_id))
        while not desk.peer.ledger:
            await asyncio.sleep(0.02)
        async with desk.world.act("user:1") as uow:
            await commands.suspend(uow, run_id, "wait")
        assert (await working).status == "suspended"
        assert await desk.log(run_id) == [("first", "completed")]
        async with desk.world.act("user:1") as uow:
            await commands.resume(uow, run_id, "go on")
        assert (await desk.drive(run_id)).status == "completed"
        assert [path for _, path, _ in desk.peer.ledger] == ["/first", "/second"]

    async def test_does_a_failed_step_again_under_a_new_key(self, desk: Desk) -> None:
        desk.peer.answers["/second"] = (422, {})
        run_id = await desk.start(TWO_CALLS, {"n": 1})
        assert (await desk.drive(run_id)).status == "faulted"
        desk.peer.answers.clear()
        async with desk.world.act("user:1") as uow:
            await commands.step_by_hand(uow, run_id, "retry", task=None, reason="mended there")
        assert (await desk.drive(run_id)).status == "completed"
        assert len(desk.peer.keys("/first")) == 1
        assert len(set(desk.peer.keys("/second"))) == 2

    async def test_passes_over_a_step_with_what_a_person_gives(self, desk: Desk) -> None:
        desk.peer.answers["/second"] = (422, {})
        run_id = await desk.start(TWO_CALLS, {"n": 1})
        await desk.drive(run_id)
        async with desk.world.act("user:1") as uow:
            with pytest.raises(StepNotWaiting):
                await commands.step_by_hand(uow, run_id, "skip", task="/do/0/first", reason="wrong one")
            await commands.step_by_hand(uow, run_id, "skip", task="/do/1/second", reason="by phone", extra={"output": {"path": "phone"}})
        run = await desk.drive(run_id)
        assert run.output["second"] == "phone"
        assert ("second", "skipped") in await desk.log(run_id)
        events = await desk.rows("select envelope from core.event where key = :key and type = 'run.resumed'", key=f"run:{run_id}")
        assert (
            events[0]["envelope"]["data"] | {"how": "skip", "task": "/do/1/second", "reason": "by phone"} == events[0]["envelope"]["data"]
        )

    async def test_knows_no_run_of_another_tenant(self, desk: Desk, shell, other_tenant) -> None:  # type: ignore[no-untyped-def]
        run_id = await desk.start("do: [{pause: {wait: PT1H}}]")
        async with shell.unit_of_work(other_tenant, actor="user:1") as uow:
            with pytest.raises(NotFound):
                await commands.cancel(uow, run_id, "mine?")


class TestVersions:
    async def test_pins_the_version_a_run_began_with(self, desk: Desk) -> None:
        body = "do: [{pause: {wait: {milliseconds: 1}}}, {done: {set: {version: 1}}}]"
        run_id = await desk.start(body)
        await desk.drive(run_id)
        second = await desk.define(body.replace("version: 1", "version: 2"))
        assert second.version == 2
        await asyncio.sleep(0.01)
        assert (await desk.drive(run_id)).output == {"version": 1}

    async def test_gives_the_same_version_for_the_same_text(self, desk: Desk) -> None:
        assert (await desk.define("do: [{a: {set: {x: 1}}}]")).id == (await desk.define("do: [{a: {set: {x: 1}}}]")).id

    async def test_takes_a_customers_own_definition_before_the_partners(self, desk: Desk) -> None:
        from app.workflows.queries import published_for

        shared = await desk.define("do: [{a: {set: {x: 1}}}]")
        own = await desk.define("do: [{a: {set: {x: 2}}}]", customer=desk.world.customer)
        async with desk.world.look() as uow:
            assert (await published_for(uow, "sample", desk.world.customer)).id == own.id
            assert (await published_for(uow, "sample", None)).id == shared.id

    async def test_lets_time_decide_only_by_the_databases_clock(self, desk: Desk) -> None:
        run_id = await desk.start("do: [{pause: {wait: PT10M}}]")
        await desk.drive(run_id)
        run, due = await desk.run(run_id), await desk.due(run_id)
        assert abs((due - run.changed_at) - timedelta(minutes=10)) < timedelta(seconds=2)
