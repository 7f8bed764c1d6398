"""Whatever the order in which the world answers, and wherever a state is stored, a run ends the same."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.workflows.machinery import Run, define

pytestmark = pytest.mark.feature("M3", "M62")

TEXT = """
do:
  - prepare: {set: {seed: '${ .seed }'}, export: {as: '{seen: []}'}}
  - gather:
      fork:
        branches:
          - plain: {call: http, with: {method: get, endpoint: https://a.example/plain}, export: {as: '$context + {plain: .n}'}}
          - guarded:
              try: [{risky: {call: http, with: {method: post, endpoint: https://a.example/risky}, export: {as: '$context + {risky: .n}'}}}]
              catch:
                retry: {delay: PT5S, limit: {attempt: {count: 2}}}
                do: [{instead: {set: {n: -1}, export: {as: '$context + {risky: -1}'}}}]
          - patient:
              do:
                - pause: {wait: PT3S}
                - after: {call: http, with: {method: get, endpoint: 'https://a.example/{seed}'}, export: {as: '$context + {after: .n}'}}
          - nested:
              fork:
                branches:
                  - left: {call: http, with: {method: get, endpoint: https://a.example/left}, export: {as: '$context + {left: .n}'}}
                  - right: {listen: {to: {one: {with: {type: thing.done, partitionkey: k}}}}, export: {as: '$context + {right: .[0].n}'}}
      output: {as: '{outputs: .}'}
  - finish: {set: '${ . + {context: $context, seed: $workflow.input.seed} }'}
"""
DEFINITION = define(TEXT)
NAMES = ("plain", "risky", "after", "left")


def play(order: list[int], refusals: int, *, stored: bool) -> tuple[Any, list[str]]:
    """Answer whatever waits, in the order the numbers choose, until the run is over."""
    run = Run(DEFINITION, stored=stored).start({"seed": "s"})
    refused = 0
    for pick in [*order, *[0] * 60]:
        if run.status != "running":
            break
        choices: list[Any] = [each.name for each in run.effects]
        choices += ["event"] if run.last.waits else []
        choices += ["time"] if run.last.due is not None else []
        chosen = choices[pick % len(choices)]
        if chosen == "event":
            run.hear("thing.done", "k", n=9)
        elif chosen == "time":
            run.after(run.last.due - run.now)
        elif chosen == "risky" and refused < refusals:
            refused += 1
            run.http("risky", status=503)
        else:
            run.http(chosen, content={"n": NAMES.index(chosen)})
    assert run.status == "completed", run.state
    return run.output, [each.ref for each in run.steps if each.status == "completed"]


class TestInterleavings:
    @settings(max_examples=60, deadline=None)
    @given(order=st.lists(st.integers(0, 5), max_size=25), refusals=st.integers(0, 3))
    def test_end_the_same_whoever_answers_first(self, order: list[int], refusals: int) -> None:
        output, steps = play(order, refusals, stored=True)
        expected, reference = play([], refusals, stored=True)
        assert output == expected
        assert sorted(steps) == sorted(reference)

    @settings(max_examples=40, deadline=None)
    @given(order=st.lists(st.integers(0, 5), max_size=25), refusals=st.integers(0, 3))
    def test_do_not_notice_that_the_state_was_stored_between_any_two_arrivals(self, order: list[int], refusals: int) -> None:
        assert play(order, refusals, stored=True) == play(order, refusals, stored=False)

    def test_leave_the_given_state_as_it_was(self) -> None:
        run = Run(DEFINITION).start({"seed": "s"})
        before = str(run.state)
        state = run.state
        run.http("plain", content={"n": 0})
        assert str(state) == before
