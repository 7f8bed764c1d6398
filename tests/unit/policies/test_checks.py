"""A policy is checked when it is saved: every remark has its pointer and its line and column."""

import pytest

from app.canonical.events import event_types
from app.core.errors import Invalid
from app.policies.checks import PolicyInvalid, check, parse
from app.policies.document import clauses, read
from app.policies.facts import reads, types_with, vocabulary
from tests.unit.policies.examples import library

GOOD = """\
name: wave-late
title: Late wave
facts: {event.data.wave: string}
open:
  - rule: late
    on: order.cutoff_missed
    when: 'event.data.wave == "W9"'
    exception: {type: cutoff.missed}
    group_by: {order: order.number}
    title: Order {order.number} is late
"""


def remarks(text: str) -> dict[str, str]:
    with pytest.raises(PolicyInvalid) as refused:
        parse(text)
    return {error.pointer: error.detail for error in refused.value.errors}


class TestShapesAndNames:
    def test_a_good_document_is_read_with_its_defaults(self):
        document = parse(GOOD)
        assert (document.precedence, document.open[0].when, document.gate) == (100, 'event.data.wave == "W9"', [])

    @pytest.mark.parametrize(
        ("before", "after", "pointer", "words"),
        [
            ("on: order.cutoff_missed", "on: order.lost", "/open/0/on", "line 6, column 9: There is no event type order.lost."),
            ("cutoff.missed}", "cutoff.gone}", "/open/0/exception/type", "line 8, column 23: There is no exception type cutoff.gone."),
            ("cutoff.missed}", "cutoff.missed, reason: weather}", "/open/0/exception/reason", "weather is not a reason of cutoff.missed"),
            ("{order.number} is", "{order.nummer} is", "/open/0/title", "line 10, column 12: There is no fact order.nummer."),
            ("title: Late wave", "titel: Late wave", "", "unknown field"),
            ("    exception: {type: cutoff.missed}\n", "", "/open/0", "missing required field `exception`"),
            ("event.data.wave: string", "order.wave: string", "/facts/order.wave", "only event.data fields of its own"),
            ("event.data.wave: string", "event.data.status: string", "/facts/event.data.status", "already"),
            ("name: wave-late", "name: Wave late", "/name", "line 1, column 7"),
            ("    when:", "    where: {order.value_minor: '5'}\n    when:", "/open/0/where", "order.value_minor is not a text fact"),
        ],
    )
    def test_a_wrong_one_is_named_with_its_place(self, before, after, pointer, words):
        assert before in GOOD
        found = remarks(GOOD.replace(before, after, 1))
        assert words in found[pointer]

    def test_prioritise_needs_rising_steps_falling_levels_and_facts_of_the_right_type(self):
        text = """\
name: p
title: P
prioritise:
  value: {fact: order.number, steps: [[5, 1], [0, 2]]}
  tier: {fact: order.value_minor, points: {gold: 5}}
  levels: {P1: 100, P2: 200}
  needs: [customer.teir]
"""
        found = remarks(text)
        assert found.keys() == {
            "/prioritise/value/fact", "/prioritise/value/steps", "/prioritise/tier/fact", "/prioritise/levels", "/prioritise/needs/0",
        }  # fmt: skip

    def test_two_rules_of_one_name_and_a_document_without_rules_are_refused(self):
        assert "/open/1/rule" in remarks(GOOD + GOOD.partition("open:\n")[2])
        assert remarks("name: a\ntitle: b\n").keys() == {""}

    @pytest.mark.parametrize("text", ["name: &a x\ntitle: *a\n", "name: x\nname: y\n", "[", "a: !!python/object:os.system x", "\x00"])
    def test_hostile_yaml_ends_at_the_parsing_gate(self, text):
        with pytest.raises(Invalid):
            parse(text)


class TestExpressions:
    @pytest.mark.parametrize(
        ("expression", "line", "column", "words"),
        [
            ("'event.data.wav == \"W9\"'", 7, 22, "undeclared reference"),
            ("order.number", 7, 11, "must give a bool"),
            ("'order.value_minor > 1.5'", 7, 30, "no matching overload"),
            ("'has(order.number)'", 7, 12, "'order.number' in given"),
            ("|\n      order.regulated\n      && order.numbr == ''", 9, 15, "undeclared reference"),
        ],
    )
    async def test_what_is_wrong_is_said_with_line_and_column_of_the_yaml(self, sandbox, expression, line, column, words):
        with pytest.raises(PolicyInvalid) as refused:
            await check(sandbox, GOOD.replace("'event.data.wave == \"W9\"'", expression))
        (error,) = refused.value.errors
        assert error.pointer == "/open/0/when"
        assert words in error.detail
        assert error.detail.startswith(f"line {line}, column {column}: ")

    async def test_all_of_them_at_once(self, sandbox):
        text = GOOD.replace("order: order.number}", "order: order.value_minor}").replace('== "W9"', "== 9")
        with pytest.raises(PolicyInvalid) as refused:
            await check(sandbox, text)
        assert [error.pointer for error in refused.value.errors] == ["/open/0/when", "/open/0/group_by/order"]

    @pytest.mark.feature("M30", "M22")
    @pytest.mark.parametrize("name", ["cutoff-missed", "carrier-status"])
    async def test_the_library_passes(self, sandbox, name):
        document = await check(sandbox, library(name))
        assert document == read(library(name))
        assert list(clauses(document))


class TestVocabulary:
    def test_every_fact_has_a_type_the_sandbox_knows(self):
        assert {kind.type for kind in vocabulary().values()} <= {"bool", "int", "double", "string", "timestamp", "list<string>"}

    def test_typed_fields_of_every_event_are_facts(self):
        assert {"event.data.status_code", "event.data.value_minor", "event.data.location.city"} <= vocabulary().keys()
        assert all(
            f"event.data.{name}" in vocabulary()
            for event in event_types().values()
            for name, kind in event.data.items()
            if kind == "string"
        )

    def test_what_an_expression_reads_is_found_outside_and_as_literals(self):
        types = types_with({})
        text = (
            """'customer.tier' in given && customer.tier == "order.number!" || order.lines.size() > 1 || [order.sku].exists(x, x == 'a')"""
        )
        assert reads(text, types) == ("customer.tier", "order.sku")
