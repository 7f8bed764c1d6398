"""The interpreter's promises, task type by task type."""

import textwrap

import pytest

from app.workflows import engine
from app.workflows.engine import NoSuchStep, Opened, Redo, Skip, Stop
from tests.unit.workflows.machinery import Run

pytestmark = pytest.mark.feature("M3")

SPEC = "https://open-workflow-specification.org/spec/1.0.0/errors/"


class TestDataFlow:
    def test_validates_turns_and_hands_on_in_the_specifications_order(self) -> None:
        run = Run("""
input: {from: .order}
output: {as: '{given: ., kept: $context.total}'}
do:
  - first:
      input: {from: .lines}
      set: {count: '${ length }', raw: '${ $task.input.id }'}
      output: {as: '. + {doubled: (.count * 2), before: $task.output.count}'}
      export: {as: '$context + {total: $output.doubled, from: $input[0]}'}
  - second:
      set: '${ {count, total: $context.total, from: $context.from, whole: $workflow.input.order.id} }'
""").start({"order": {"id": 7, "lines": ["a", "b"]}})
        assert run.output == {"given": {"count": 2, "total": 4, "from": "a", "whole": 7}, "kept": 4}

    def test_looks_at_if_before_anything_else_and_skips_without_following_then(self) -> None:
        run = Run("""
do:
  - never:
      if: .go
      input: {schema: {document: {type: string}}}
      set: {changed: true}
      then: end
  - after: {set: '${ . + {reached: true} }'}
""").start({"go": False})
        assert run.output == {"go": False, "reached": True}
        assert [(s.name, s.status) for s in run.steps] == [("never", "skipped"), ("after", "completed")]

    @pytest.mark.parametrize("place", ["input", "output", "export"])
    def test_faults_with_validation_where_data_does_not_fit(self, place: str) -> None:
        turn = "as: '.'," if place == "export" else ""
        run = Run(f"do: [{{one: {{set: {{n: 1}}, {place}: {{{turn} schema: {{document: {{type: string}}}}}}}}}}]").start({"n": 1})
        assert run.problem["type"] == SPEC + "validation"
        assert run.problem["instance"] == "/do/0/one"

    def test_faults_when_the_workflows_own_input_does_not_fit(self) -> None:
        run = Run("input: {schema: {document: {type: object, required: [order]}}}\ndo: [{one: {set: {a: 1}}}]").start({})
        assert (run.status, run.problem["type"], run.problem["instance"]) == ("faulted", SPEC + "validation", "/")

    def test_turns_a_failing_expression_into_an_expression_error_of_its_task(self) -> None:
        run = Run("do: [{one: {set: {a: '${ .n + {} }'}}}]").start({"n": 1})
        assert (run.problem["type"], run.problem["status"], run.problem["instance"]) == (SPEC + "expression", 400, "/do/0/one")

    def test_refuses_an_expression_with_more_or_fewer_values_than_one(self) -> None:
        assert Run("do: [{one: {set: {a: '${ 1, 2 }', b: '${ 3 }'}}}]").start({}).status == "faulted"
        assert Run("do: [{one: {set: {a: ['${ empty }', '${ 3 }']}}}]").start({}).status == "faulted"

    def test_never_takes_text_from_data_for_an_expression(self) -> None:
        assert Run("do: [{one: {set: {a: '${ .text }'}}}]").start({"text": "${ $workflow }"}).output == {"a": "${ $workflow }"}

    def test_keeps_long_numbers_beside_expressions_as_written(self) -> None:
        run = Run("do: [{one: {set: {id: 9007199254740993, a: '${ .x }', b: '${ .y }'}}}]").start({"x": 1, "y": 2})
        assert run.output == {"id": 9007199254740993, "a": 1, "b": 2}


class TestFlow:
    def test_ends_the_scope_on_exit_and_the_workflow_on_end(self) -> None:
        text = """
do:
  - inner:
      do:
        - one: {{set: {{a: 1}}, then: {directive}}}
        - two: {{set: {{a: 2}}}}
  - last: {{set: '${{ . + {{last: true}} }}'}}
"""
        assert Run(text.format(directive="exit")).start({}).output == {"a": 1, "last": True}
        assert Run(text.format(directive="end")).start({}).output == {"a": 1}

    def test_gives_a_task_on_another_lap_another_effect(self) -> None:
        run = Run("""
do:
  - ask: {call: http, with: {method: post, endpoint: https://a.example/x}}
  - again: {switch: [{more: {when: .more, then: ask}}, {done: {then: end}}]}
""").start({})
        first = run.effect("ask").key
        run.http("ask", content={"more": True})
        assert run.effect("ask").key != first
        assert run.http("ask", content={"more": False}).status == "completed"

    def test_stops_a_loop_that_never_ends_even_inside_a_try(self) -> None:
        run = Run("""
do:
  - spin:
      try: [{a: {set: {x: 1}}}, {b: {set: {x: 1}, then: a}}]
      catch: {retry: {limit: {attempt: {count: 5}}}, do: [{c: {set: {x: 2}}}]}
""").start({})
        assert (run.status, run.problem["type"]) == ("faulted", SPEC + "runtime")


class TestFork:
    TEXT = """
do:
  - ask:
      fork:
        branches:
          - crm: {call: http, with: {method: get, endpoint: https://crm.example/x}, export: {as: '$context + {tier: .tier}'}}
          - erp: {call: http, with: {method: get, endpoint: https://erp.example/x}, export: {as: '$context + {stock: .stock}'}}
      output: {as: '{both: ., context: $context}'}
"""

    def test_has_all_branches_ready_at_once(self) -> None:
        assert [e.name for e in Run(self.TEXT).start({}).effects] == ["crm", "erp"]

    def test_gives_outputs_and_context_in_the_written_order_whoever_was_faster(self) -> None:
        ends = []
        for order in (("crm", "erp"), ("erp", "crm")):
            run = Run(self.TEXT).start({})
            for name in order:
                run.http(name, content={"tier": "gold"} if name == "crm" else {"stock": 3})
            ends.append(run.output)
        assert ends[0] == ends[1] == {"both": [{"tier": "gold"}, {"stock": 3}], "context": {"tier": "gold", "stock": 3}}

    def test_faults_as_a_whole_and_stops_the_others_when_one_branch_faults(self) -> None:
        body = textwrap.indent(self.TEXT.split("do:", 1)[1], "    ")
        handler = "      catch: {do: [{note: {set: {caught: '${ $error.instance }'}}}]}"
        run = Run(f"do:\n  - guard:\n      try:{body}{handler}").start({})
        run.http("crm", status=500)
        assert run.output == {"caught": "/do/0/guard/try/0/ask/fork/branches/0/crm"}
        assert "erp" in run.log("cancelled")

    def test_lets_the_first_of_a_race_win_and_forgets_the_others(self) -> None:
        run = Run(self.TEXT.replace("branches:", "compete: true\n        branches:")).start({})
        late = run.effect("crm").key
        run.http("erp", content={"stock": 1})
        assert run.output == {"both": {"stock": 1}, "context": {"stock": 1}}
        assert run.log("cancelled") == ["crm"]
        before = run.state
        run.feed(lambda now: engine.Answered(now=now, key=late, output={}))
        assert run.state == before

    def test_fails_a_race_only_when_nobody_is_left(self) -> None:
        run = Run(self.TEXT.replace("branches:", "compete: true\n        branches:")).start({})
        assert run.http("erp", status=503).status == "running"
        assert run.http("crm", status=502).problem["status"] == 502


class TestTry:
    TEXT = """
do:
  - guard:
      try: [{ask: {call: http, with: {method: post, endpoint: https://a.example/x, body: {n: 1}}}}]
      catch:
        errors: {with: {type: 'https://serverlessworkflow.io/dsl/errors/types/communication'}}
        retry:
          delay: {seconds: 3}
          backoff: {BACKOFF: {}}
          limit: {attempt: {count: 2}}
"""

    @pytest.mark.parametrize(("backoff", "delays"), [("constant", [3, 3]), ("linear", [3, 6]), ("exponential", [3, 6])])
    def test_tries_again_after_a_delay_that_grows_as_told(self, backoff: str, delays: list[int]) -> None:
        run = Run(self.TEXT.replace("BACKOFF", backoff)).start({})
        for seconds in delays:
            run.http("ask", status=503)
            assert run.last.due == run.now + seconds * 1000
            assert run.after(seconds * 1000 - 1).effects == []
            assert len(run.after(1).effects) == 1
        assert run.http("ask", status=503).problem["status"] == 503
        assert run.log("retried") == ["guard", "guard"]

    def test_keeps_the_key_when_the_outcome_is_unknown_and_changes_it_after_a_refusal(self) -> None:
        run = Run(self.TEXT.replace("BACKOFF", "constant")).start({})
        first = run.effect("ask").key
        unknown = {"type": SPEC + "communication", "status": 504, "title": "?"}
        assert run.answer("ask", problem=unknown).after(3000).effect("ask").key == first
        assert run.http("ask", status=503).after(3000).effect("ask").key != first

    def test_counts_attempts_in_the_log(self) -> None:
        run = Run(self.TEXT.replace("BACKOFF", "constant")).start({})
        run.http("ask", status=503).after(3000).http("ask", content=1)
        assert [(s.name, s.status, s.attempt) for s in run.steps] == [
            ("ask", "faulted", 1), ("guard", "retried", 1), ("ask", "completed", 2), ("guard", "completed", 2),
        ]  # fmt: skip

    def test_runs_the_handler_with_the_error_once_tries_are_used_up(self) -> None:
        text = (
            self.TEXT.replace("BACKOFF", "constant").replace("count: 2", "count: 0")
            + "        as: wrong\n        do: [{note: {set: {saw: '${ $wrong.status }', n: '${ .n }'}}}]\n        then: end\n"
        )
        run = Run(text + "  - never: {set: {x: 1}}\n").start({"n": 4})
        assert run.http("ask", status=503).output == {"saw": 503, "n": 4}

    def test_adds_jitter_that_the_seed_fixes(self) -> None:
        text = self.TEXT.replace("BACKOFF", "constant") + "          jitter: {from: {seconds: 1}, to: {seconds: 5}}\n"
        dues = {Run(text).start({}).http("ask", status=503).last.due for _ in range(3)}
        assert len(dues) == 1
        assert 1_000 + 4_000 <= dues.pop() <= 1_000 + 8_000

    def test_limits_an_attempt_in_time(self) -> None:
        run = Run(
            self.TEXT.replace("BACKOFF", "constant").replace("communication", "timeout").replace("count: 2", "count: 1, duration: PT2S")
        ).start({})
        run.after(2_000)
        assert run.last.due == run.now + 3_000
        assert len(run.after(3_000).effects) == 1
        assert run.after(2_000).problem["type"] == SPEC + "timeout"

    def test_gives_up_when_all_tries_together_took_too_long(self) -> None:
        run = Run(self.TEXT.replace("BACKOFF", "constant").replace("limit: {", "limit: {duration: PT4S, ")).start({})
        run.http("ask", status=503).after(3000)
        assert run.http("ask", status=503).status == "faulted"

    @pytest.mark.parametrize(
        ("condition", "status"),
        [
            ("when: $error.status == 404", "faulted"),
            ("exceptWhen: $error.status == 503", "faulted"),
            ("when: $error.status == 503", "running"),
            ("when: '.x.y + {}'", "faulted"),
        ],
    )
    def test_asks_the_conditions(self, condition: str, status: str) -> None:
        assert (
            Run(self.TEXT.replace("BACKOFF", "constant") + f"        {condition}\n").start({"x": {"y": 1}}).http("ask", status=503).status
            == status
        )

    def test_does_not_catch_what_its_own_handler_raises(self) -> None:
        run = Run(
            "do: [{guard: {try: [{a: {raise: {error: {type: 'x:a', status: 400}}}}], catch: {do: [{b: {raise: {error: {type: 'x:b', status: 401}}}}]}}}]"
        )
        assert run.start({}).problem == {"type": "x:b", "status": 401, "instance": "/do/0/guard/catch/do/0/b"}


class TestTime:
    def test_waits_as_long_as_told(self) -> None:
        run = Run("do: [{pause: {wait: {minutes: 5}}}, {go: {set: {done: true}}}]").start({})
        assert run.last.due == run.now + 300_000
        assert run.after(299_999).status == "running"
        assert run.after(1).output == {"done": True}

    def test_waits_as_long_as_an_expression_says(self) -> None:
        assert Run("do: [{pause: {wait: '${ .pause }'}}]").start({"pause": "PT7S"}).last.due == 8_000

    def test_interrupts_what_takes_too_long_and_lets_a_try_catch_it(self) -> None:
        run = Run("""
do:
  - guard:
      try:
        - both: {fork: {branches: [{a: {wait: PT1H}}, {b: {call: http, with: {method: get, endpoint: https://a.example}}}]}, timeout: {after: PT10S}}
      catch: {errors: {with: {type: 'https://serverlessworkflow.io/spec/1.0.0/errors/timeout'}}, do: [{note: {set: {late: '${ $error.instance }'}}}]}
""").start({})
        assert run.after(10_000).output == {"late": "/do/0/guard/try/0/both"}
        assert sorted(run.log("cancelled")) == ["a", "b"]

    def test_lets_the_earlier_of_event_and_time_out_win(self) -> None:
        text = "do: [{hear: {listen: {to: {one: {with: {type: x.done}}}}, timeout: {after: PT10S}}}]"
        assert Run(text).start({}).hear("x.done", ok=1).after(20_000).output == [{"ok": 1}]
        assert Run(text).start({}).after(10_000).hear("x.done", ok=1).status == "faulted"

    def test_ends_a_workflow_that_takes_too_long(self) -> None:
        run = Run("timeout: {after: PT1M}\ndo: [{pause: {wait: PT1H}}]").start({})
        assert run.last.due == run.now + 60_000
        assert run.after(60_000).problem["type"] == SPEC + "timeout"

    def test_finds_a_time_out_by_its_name(self) -> None:
        assert (
            Run("use: {timeouts: {short: {after: PT1S}}}\ndo: [{pause: {wait: PT1H, timeout: short}}]").start({}).after(1_000).status
            == "faulted"
        )


class TestListen:
    def test_goes_on_with_the_one_event_it_listens_for(self) -> None:
        run = Run("do: [{hear: {listen: {to: {one: {with: {type: approval.decided, partitionkey: '${ \"approval:\" + .id }'}}}}}}]").start(
            {"id": "7"}
        )
        assert [(w.type, w.event_key) for w in run.last.waits] == [("approval.decided", "approval:7")]
        run.hear("approval.decided", "approval:8", who="b")
        assert run.hear("approval.decided", "approval:7", who="a").output == [{"who": "a"}]

    def test_takes_any_of_several_under_a_condition(self) -> None:
        run = Run(
            "do: [{hear: {listen: {to: {any: [{with: {type: temp.read, data: '${ .c > 38 }'}}, {with: {type: bpm.read}}]}, read: envelope}}}]"
        ).start({})
        assert run.hear("temp.read", c=37).status == "running"
        assert run.hear("temp.read", c=39).output[0]["type"] == "temp.read"

    def test_waits_for_all_and_correlates_them_by_the_first_value_seen(self) -> None:
        correlate = "correlate: {room: {from: .data.room}}"
        run = Run(
            f"do: [{{hear: {{listen: {{to: {{all: [{{with: {{type: a.x}}, {correlate}}}, {{with: {{type: b.x}}, {correlate}}}]}}}}}}}}]"
        ).start({})
        run.hear("a.x", room=1).hear("b.x", room=2).hear("a.x", room=2)
        assert run.status == "running"
        assert run.hear("b.x", room=1).output == [{"room": 1}, {"room": 1}]

    def test_correlates_with_what_the_definition_expects(self) -> None:
        run = Run(
            "do: [{hear: {listen: {to: {one: {with: {type: a.x}, correlate: {order: {from: .data.order, expect: '${ .order }'}}}}}}}]"
        ).start({"order": "O1"})
        assert run.hear("a.x", order="O2").status == "running"
        assert run.hear("a.x", order="O1").status == "completed"


class TestFunctions:
    TEXT = "do: [{sign: {call: 'approval:1.0.0@default', with: {kind: expedite, amount_minor: '${ .amount }'}}}]"

    def test_waits_for_the_event_of_what_it_opened(self) -> None:
        run = Run(self.TEXT).start({"amount": 5})
        effect = run.effect("sign")
        assert effect.request == {"kind": "function", "function": "approval:1.0.0@default", "with": {"kind": "expedite", "amount_minor": 5}}
        run.feed(lambda now: Opened(now=now, key=effect.key, about={"id": "A1"}, event_key="approval:A1"))
        assert run.effects == []
        run.hear("approval.decided", "approval:A1", outcome="approved", decided_by="user:2")
        assert run.output == {"approval_id": "A1", "outcome": "approved", "decided_by": "user:2", "note": None, "is_approved": True}

    def test_checks_the_arguments_it_got_at_run_time(self) -> None:
        assert Run(self.TEXT).start({"amount": "much"}).problem["type"] == SPEC + "validation"

    def test_runs_a_task_written_once_from_several_places(self) -> None:
        run = Run("""
use:
  functions:
    ask: {call: http, with: {method: get, endpoint: 'https://a.example/{id}'}, output: {as: .name}}
do:
  - one: {call: ask, with: {id: 1}}
  - two: {call: ask, with: {id: 2}}
""").start({})
        first = run.effects[0]
        assert first.request["uri"] == "https://a.example/1"
        run.answer("ask", {"status": 200, "headers": {}, "content": {"name": "a"}, "raw": ""})
        assert run.effects[0].key != first.key
        assert run.answer("ask", {"status": 200, "headers": {}, "content": {"name": "b"}, "raw": ""}).output == "b"


class TestByHand:
    TEXT = "do: [{ask: {call: http, with: {method: post, endpoint: https://a.example}}}, {after: {set: '${ {got: .} }'}}]"

    def test_does_a_failed_step_again_as_a_new_effect(self) -> None:
        run = Run(self.TEXT).start({})
        first = run.effect("ask").key
        assert run.answer("ask", problem={"type": SPEC + "communication", "status": 504}).status == "faulted"
        run.feed(lambda now: Redo(now=now))
        assert run.effect("ask").key != first
        assert run.http("ask", content=1).output == {"got": 1}

    def test_puts_a_given_output_in_place_of_a_step(self) -> None:
        run = Run(self.TEXT).start({"n": 1})
        run.feed(lambda now: Skip(now=now, ref="/do/0/ask", output={"by": "hand"}, keep_input=False))
        assert run.output == {"got": {"by": "hand"}}
        assert run.log("skipped") == ["ask"]

    def test_knows_only_steps_that_failed_or_wait(self) -> None:
        with pytest.raises(NoSuchStep):
            Run(self.TEXT).start({}).feed(lambda now: Redo(now=now, ref="/do/1/after"))

    def test_cancels_everything_that_runs(self) -> None:
        run = Run(TestFork.TEXT).start({})
        run.feed(lambda now: Stop(now=now))
        assert (run.status, run.effects, run.last.due) == ("cancelled", [], None)
        assert sorted(run.log("cancelled")) == ["ask", "crm", "erp"]
