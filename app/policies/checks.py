"""What is wrong with a policy document, said when it is saved: every remark has a JSON Pointer, and line and column of the YAML."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from app.canonical.events import event_types
from app.canonical.taxonomy import taxonomy
from app.core.errors import FieldError, Invalid
from app.core.parsing import parse_yaml
from app.core.positions import Position, place, positions
from app.core.sandbox import Sandbox, SandboxRefused
from app.policies.document import AS_READ, ExceptionOf, OpenRule, PolicyDocument, Prioritise, Steps, clauses, placeholders
from app.policies.facts import types_with


class PolicyInvalid(Invalid):
    """This policy can't be used as it is."""


async def check(sandbox: Sandbox, text: str) -> PolicyDocument:
    """The document of a YAML text that can be published; raises PolicyInvalid with everything that is wrong with it."""
    document = parse(text)
    known, types = positions(text), types_with(document.facts)
    problems = []
    for clause in clauses(document):
        try:
            await sandbox.cel_check(clause.text, types, want=clause.want)
        except SandboxRefused as refused:
            problems.append(remark(known, clause.pointer, refused.detail, line=refused.line or 1, column=refused.column or 1))
    if problems:
        raise PolicyInvalid(errors=problems)
    return document


def parse(text: str) -> PolicyDocument:
    """Check everything but the expressions; raises PolicyInvalid with all that is wrong with shapes and names."""
    value = parse_yaml(text.encode())
    known = positions(text)
    try:
        document = msgspec.convert(value, PolicyDocument)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at ")
        raise PolicyInvalid(errors=[remark(known, _pointer(path), f"{detail}.")]) from None
    problems = [remark(known, pointer, detail, remedy) for pointer, detail, remedy in _remarks(document)]
    if problems:
        raise PolicyInvalid(errors=problems)
    return document


def remark(known: dict[str, Position], pointer: str, detail: str, remedy: str = "", *, line: int = 1, column: int = 1) -> FieldError:
    """A finding with its place in the YAML; line and column are those inside the text at the pointer."""
    at = place(known, pointer, line, column)
    return FieldError(pointer, f"line {at.line}, column {at.column}: {detail}", remedy)


_Remark = tuple[str, str, str]


def _remarks(document: PolicyDocument) -> Iterator[_Remark]:
    types = types_with(document.facts)
    for name in document.facts:
        if not name.startswith("event.data."):
            yield f"/facts/{name}", "A policy declares only event.data fields of its own.", "Name it event.data.<field>."
        elif name in types_with({}):
            yield f"/facts/{name}", "This fact is there already.", "Leave it out."
    yield from _names_once(document)
    for index, rule in enumerate(document.open):
        yield from _open_remarks(f"/open/{index}", rule, types)
    if document.prioritise:
        yield from _prioritise_remarks(document.prioritise, types)
    if not (document.open or document.gate or document.limit or document.prioritise):
        yield "", "This policy has no rules.", "Add open, prioritise, gate or limit."


def _names_once(document: PolicyDocument) -> Iterator[_Remark]:
    seen: set[str] = set()
    sections: dict[str, list[Any]] = {"open": document.open, "gate": document.gate, "limit": document.limit}
    for section, rules in sections.items():
        for index, rule in enumerate(rules):
            if rule.rule in seen:
                yield f"/{section}/{index}/rule", f"Two rules are called {rule.rule}.", "Give each rule a name of its own."
            seen.add(rule.rule)


def _open_remarks(at: str, rule: OpenRule, types: dict[str, str]) -> Iterator[_Remark]:
    if rule.on not in event_types():
        yield f"{at}/on", f"There is no event type {rule.on}.", f"Use one of {', '.join(event_types())}."
    for field in rule.where:
        if types.get(field) != "string":
            yield f"{at}/where", f"{field} is not a text fact.", "Compare a text such as event.data.status_code."
    yield from _exception_remarks(f"{at}/exception", rule.exception)
    for name in placeholders(rule.title):
        if name not in types:
            yield f"{at}/title", f"There is no fact {name}.", "Put names of facts in braces."


def _exception_remarks(at: str, exception: ExceptionOf) -> Iterator[_Remark]:
    known = taxonomy().types.get(exception.type)
    if known is None and exception.type != AS_READ:
        yield f"{at}/type", f"There is no exception type {exception.type}.", f"See /v1/exception-types, or write {AS_READ}."
    reasons = known.reasons if known else tuple(taxonomy().reasons)
    if exception.reason and exception.reason not in reasons:
        yield f"{at}/reason", f"{exception.reason} is not a reason of {exception.type}.", f"Use one of {', '.join(reasons)}."


def _prioritise_remarks(rules: Prioritise, types: dict[str, str]) -> Iterator[_Remark]:
    for name in ("value", "minutes_left", "penalty"):
        steps: Steps | None = getattr(rules, name)
        if steps and types.get(steps.fact) != "int":
            yield f"/prioritise/{name}/fact", f"{steps.fact} is not a whole number fact.", "See the list of facts."
        if steps and [bound for bound, _ in steps.steps] != sorted({bound for bound, _ in steps.steps}):
            yield f"/prioritise/{name}/steps", "The bounds do not rise.", "Order the steps by their bound, each once."
    if rules.tier and types.get(rules.tier.fact) != "string":
        yield "/prioritise/tier/fact", f"{rules.tier.fact} is not a text fact.", "See the list of facts."
    for index, name in enumerate(rules.needs or []):
        if name not in types:
            yield f"/prioritise/needs/{index}", f"There is no fact {name}.", "See the list of facts."
    if not rules.levels.P1 > rules.levels.P2 > rules.levels.P3:
        yield "/prioritise/levels", "The levels do not fall from P1 to P3.", "Give P1 the highest score."


def _pointer(path: str) -> str:
    """msgspec's path as a JSON Pointer; `[...]` (a key of a mapping) can't be told, so it stops there."""
    steps: list[str] = []
    for name, index in re.findall(r"\.(\w+)|\[(\d+|\.\.\.)\]", path):
        if index == "...":
            break
        steps.append(index or name)
    return "".join(f"/{step}" for step in steps)
