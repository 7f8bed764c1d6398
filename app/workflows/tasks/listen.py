"""`listen`: go on when one, any or all of some events were heard.

An event is seen in the CloudEvents form, with `partitionkey` as the key it was published under. Attributes in `with` are
equalities, evaluated once when listening begins; `data` as an expression is a condition on the event's data. A `type` and a
`partitionkey` together find the run directly; everything else is looked at by the run after it was woken by the type.
"""

from typing import Any, ClassVar

import msgspec

from app.workflows import expressions
from app.workflows.definition import Task
from app.workflows.expressions import Expression, Template
from app.workflows.frames import Asking, At, Deciding
from app.workflows.machine import Machine
from app.workflows.reader import BASE, INSIDE, NOT_AVAILABLE, Reader, escape
from app.workflows.tasks.behaviour import Kind

READS = ("data", "envelope", "raw")
STRATEGIES = ("one", "any", "all")


class Correlation(msgspec.Struct, frozen=True):
    """A value taken from the event, and what it must equal: given, or the first one seen."""

    name: str
    source: Expression
    expect: Template | None


class Filter(msgspec.Struct, frozen=True):
    """Which events count."""

    attributes: Template
    condition: Expression | None
    correlations: tuple[Correlation, ...]


class ListenTask(Task, frozen=True, kw_only=True):
    """The filters and how many of them must be met."""

    kind: ClassVar[str] = "listen"
    strategy: str
    filters: tuple[Filter, ...]
    reading: str


class Listen(Kind):
    """Its output is the list of events it heard, in the order it heard them."""

    kind = "listen"

    def read(self, reader: Reader, node: dict[str, Any], ref: str, name: str) -> Task:
        reader.mapping(node, ref, known=("listen", "foreach", *BASE))
        if "foreach" in node:
            reader.wrong(f"{ref}/foreach", f"listening for each event {NOT_AVAILABLE}", "listen to one event and go back with `then`")
        fields = reader.mapping(node["listen"], f"{ref}/listen", known=("to", "read"), need=("to",))
        strategy, filters = _strategy(reader, fields.get("to", {}), f"{ref}/listen/to")
        reading = reader.choice(fields.get("read", "data"), f"{ref}/listen/read", READS)
        return ListenTask(**reader.base(node, ref, name), strategy=strategy, filters=filters, reading=reading)

    def enter(self, machine: Machine, at: At, task: ListenTask) -> Asking:
        value = at.frame["input"]
        opened = []
        for each in task.filters:
            attributes = yield from machine.fill(each.attributes, value, at)
            expected = {}
            for correlation in each.correlations:
                if correlation.expect is not None:
                    expected[correlation.name] = yield from machine.fill(correlation.expect, value, at)
            opened.append({"attributes": attributes, "expected": expected, "met": False})
        at.frame.update(key=machine.effect_key(at.frame), filters=opened, heard=[], first={})

    def heard(self, machine: Machine, at: At, task: ListenTask, event: dict[str, Any]) -> Asking:
        """Count an event in, when a filter that is still open takes it."""
        for wanted, opened in zip(task.filters, at.frame["filters"], strict=True):
            if not opened["met"] and (yield from self._takes(machine, at, wanted, opened, event)):
                opened["met"] = True
                at.frame["heard"].append(event if task.reading == "envelope" else event.get("data"))
                break
        else:
            return
        if task.strategy != "all" or all(opened["met"] for opened in at.frame["filters"]):
            machine.complete(at, at.frame["heard"])

    def _takes(self, machine: Machine, at: At, wanted: Filter, opened: dict[str, Any], event: dict[str, Any]) -> Deciding:
        if any(event.get(name) != value for name, value in opened["attributes"].items()):
            return False
        if wanted.condition is not None and not (yield from machine.holds(wanted.condition, event.get("data"), at)):
            return False
        first = dict(at.frame["first"])
        for each in wanted.correlations:
            found = yield from machine.evaluate(each.source, event, at)
            expected = opened["expected"].get(each.name, first.setdefault(each.name, found))
            if found is None or found != expected:
                return False
        at.frame["first"] = first
        return True


def _strategy(reader: Reader, value: Any, at: str) -> tuple[str, tuple[Filter, ...]]:
    fields = reader.mapping(value, at, known=(*STRATEGIES, "until"))
    if "until" in fields:
        reader.wrong(f"{at}/until", f"listening until a condition holds {NOT_AVAILABLE}", "listen to one event and go back with `then`")
    chosen = [each for each in STRATEGIES if each in fields]
    if len(chosen) != 1:
        reader.wrong(at, "must have exactly one of one, any, all")
        return "one", ()
    strategy = chosen[0]
    if strategy == "one":
        return strategy, tuple(filter(None, [_filter(reader, fields["one"], f"{at}/one")]))
    entries = reader.items(fields[strategy], f"{at}/{strategy}")
    if not entries:
        reader.wrong(f"{at}/{strategy}", f"listening to every event {NOT_AVAILABLE}", "name the types of events to listen to")
    return strategy, tuple(filter(None, (_filter(reader, each, f"{at}/{strategy}/{n}") for n, each in enumerate(entries))))


def _filter(reader: Reader, value: Any, at: str) -> Filter | None:
    fields = reader.mapping(value, at, known=("with", "correlate"), need=("with",))
    wanted = dict(reader.mapping(fields.get("with", {}), f"{at}/with"))
    if not isinstance(wanted.get("type"), str) or expressions.is_expression(wanted["type"]):
        reader.wrong(f"{at}/with/type", "must name the type of event as it is", "for example approval.decided")
        return None
    data = wanted.get("data")
    condition = reader.expression(wanted.pop("data"), f"{at}/with/data", INSIDE) if expressions.is_expression(data) else None
    correlate = reader.mapping(fields.get("correlate", {}), f"{at}/correlate")
    attributes = reader.template(wanted, f"{at}/with", INSIDE)
    return Filter(attributes, condition, tuple(filter(None, (_correlation(reader, n, c, at) for n, c in correlate.items()))))


def _correlation(reader: Reader, name: str, value: Any, at: str) -> Correlation | None:
    at = f"{at}/correlate/{escape(name)}"
    fields = reader.mapping(value, at, known=("from", "expect"), need=("from",))
    source = reader.expression(fields.get("from"), f"{at}/from", INSIDE)
    expect = reader.template(fields["expect"], f"{at}/expect", INSIDE) if "expect" in fields else None
    return None if source is None else Correlation(name, source, expect)
