"""A stored state gives back exactly what was stored, and stays small."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.workflows.snapshot import MAX_INLINE, StateTooLarge, fold, unfold
from tests.unit.workflows.machinery import Run

pytestmark = pytest.mark.feature("M3")

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "$held"]), inner),
)
TEXT = "do: [{ask: {fork: {branches: [{a: {call: http, with: {method: post, endpoint: https://a.example, body: '${ . }'}}}, {b: {wait: PT1H}}]}}}]"


class TestFold:
    @given(VALUES, st.integers(0, 3))
    def test_gives_back_what_it_was_given(self, value: Any, size: int) -> None:
        run = Run(TEXT).start({"data": value, "large": "x" * size * 3_000})
        folded, kept = fold(run.state)
        assert unfold(orjson.loads(orjson.dumps(folded)), kept) == run.state

    def test_puts_large_values_aside_once_each(self) -> None:
        run = Run(TEXT).start({"large": "x" * 200_000})
        folded, kept = fold(run.state)
        assert len(orjson.dumps(folded)) < 4_000
        assert len(kept) == 2
        assert folded["held"] == sorted(kept)

    def test_has_a_bound_for_what_can_not_stand_aside(self) -> None:
        run = Run(TEXT).start({})
        run.state["generations"] = {f"/do/{n}|": 1 for n in range(MAX_INLINE // 10)}
        with pytest.raises(StateTooLarge):
            fold(run.state)
