"""Understanding a batch of signals before anything is written: decode, map, attribute, each in one sandbox batch.

Whatever fails belongs to its item alone. Programs and rules are the tenant's and run in the sandbox; which version of a
mapping read an item is kept with the answer.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.canonical.events import CanonicalEvent, parse_event
from app.core.errors import Invalid
from app.core.parsing import parse_json
from app.core.sandbox import CelJob, CelResult, Sandbox, SandboxFailure
from app.ingest import attribution
from app.ingest.decode import Item, Problem, Stored, canonical, items
from app.ingest.models import Mapping as MappingRow
from app.policies.schemas import Decision

MAPPING_VARIABLES = ("source", "received_at", "headers")
MOST_EVENTS = 500
_LARGE = 256 * 1024
_FIX_MAPPING = "Correct the mapping (try it on this signal first), publish it, then replay."
_FIX_RULES = "Correct the customers' attribution rules, then replay."

Mappings = Mapping[tuple[str, UUID | None], MappingRow | None]


@dataclass
class Piece:
    """One item as far as it was understood: its events with their customers, or the problem that parks it.

    Once it is recorded, `became` are the ids of the events said of it and `decided` those of the decisions taken.
    """

    item: Item
    events: list[CanonicalEvent] = field(default_factory=list)
    customers: list[UUID] = field(default_factory=list)
    decisions: list[Decision | None] = field(default_factory=list)
    problem: Problem | None = None
    is_recorded: bool = False
    became: list[UUID] = field(default_factory=list)
    decided: list[UUID] = field(default_factory=list)


@dataclass
class Understood:
    """One signal with its pieces, and the version of the mapping that read them."""

    signal: Stored
    pieces: list[Piece]
    mapping: MappingRow | None = None

    @property
    def customer_id(self) -> UUID | None:
        """The one customer all of it belongs to; None when parts are parked or belong to several."""
        owners = {c for piece in self.pieces for c in piece.customers}
        whole = all(piece.problem is None for piece in self.pieces)
        return self.signal.customer_id or (owners.pop() if whole and len(owners) == 1 else None)


async def understand(
    sandbox: Sandbox, signals: Sequence[Stored], mappings: Mappings, rules: Sequence[attribution.Rule]
) -> list[Understood]:
    """Decode, map and attribute `signals`; never raises for what a sender or a tenant's program did wrong."""
    found = [await _decode(signal, mappings) for signal in signals]
    await _map(sandbox, found)
    await _attribute(sandbox, found, rules)
    return found


async def _decode(signal: Stored, mappings: Mappings) -> Understood:
    # A document of megabytes takes a second to read: in a thread the process's leases are renewed meanwhile.
    if len(signal.raw) > _LARGE:
        return await asyncio.to_thread(_decoded, signal, mappings)
    return _decoded(signal, mappings)


def _decoded(signal: Stored, mappings: Mappings) -> Understood:
    pieces = [Piece(item, problem=item.problem) for item in items(signal, parse_json)]
    return Understood(signal, pieces, mappings.get((signal.mapping or "", signal.customer_id)))


def variables(signal: Stored) -> dict[str, Any]:
    """Return what every mapping may refer to as `$source`, `$received_at` and `$headers`."""
    return {"source": signal.source, "received_at": signal.received_at.isoformat(), "headers": signal.headers}


def _open(found: Iterable[Understood]) -> list[tuple[Understood, Piece]]:
    return [(one, piece) for one in found for piece in one.pieces if piece.problem is None]


async def _map(sandbox: Sandbox, found: Sequence[Understood]) -> None:
    programmed = []
    for one, piece in _open(found):
        if one.mapping is not None:
            programmed.append((one, piece, one.mapping))
        elif one.signal.kind == "cloudevents" and not one.signal.mapping:
            _take_events(piece, canonical(piece.item.value, one.signal.received_at))
        else:
            piece.problem = _without_mapping(one.signal)
    outputs = await sandbox.jq_many([(row.content, piece.item.value, variables(one.signal)) for one, piece, row in programmed])
    for (_, piece, _), output in zip(programmed, outputs, strict=True):
        _take_output(piece, output)


def _without_mapping(signal: Stored) -> Problem:
    if signal.mapping:
        detail = f"The source {signal.source} goes through the mapping {signal.mapping}, of which no version is published."
        return Problem("unmapped", detail, "Publish a version of this mapping, then replay.")
    return Problem("unmapped", f"The source {signal.source} has no mapping.", "Write a mapping, set it at the source, then replay.")


def _take_output(piece: Piece, output: object) -> None:
    if isinstance(output, SandboxFailure):
        where = f" (line {output.line}, column {output.column})" if output.line else ""
        piece.problem = Problem("unmapped", f"The mapping failed: {output.message}{where}"[:2000], _FIX_MAPPING)
    else:
        _take_events(piece, output)


def _take_events(piece: Piece, output: object) -> None:
    if not isinstance(output, list) or len(output) > MOST_EVENTS:
        detail = f"The mapping yields {_kind(output)}, not a list of at most {MOST_EVENTS} canonical events."
        piece.problem = Problem("unmapped", detail, _FIX_MAPPING)
        return
    try:
        piece.events = [parse_event(value, f"/{index}") for index, value in enumerate(output)]
    except Invalid as error:
        detail = "; ".join([error.detail, *(f"{e.pointer}: {e.detail}" for e in error.errors)])
        piece.problem = Problem("unmapped", detail[:2000], _FIX_MAPPING)


def _kind(value: object) -> str:
    names = {
        type(None): "null",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "text",
        dict: "an object",
        list: "a longer list",
    }
    return names.get(type(value), "something else")


async def _attribute(sandbox: Sandbox, found: Sequence[Understood], rules: Sequence[attribution.Rule]) -> None:
    asked: list[tuple[Piece, dict[str, str], list[attribution.Rule]]] = []
    for one, piece in _open(found):
        if one.signal.customer_id is not None:
            piece.customers = [one.signal.customer_id] * len(piece.events)
            continue
        candidates = attribution.candidates(rules, one.signal.source)
        asked += [(piece, attribution.facts(event, one.signal.source), candidates) for event in piece.events]
    results = iter(await sandbox.cel_many([_job(rule, facts) for _, facts, candidates in asked for rule in candidates]))
    for piece, facts, candidates in asked:
        answers = [_answer(result) for _, result in zip(candidates, results, strict=False)]
        _take_verdict(piece, attribution.decide(candidates, answers, facts))


def _answer(result: CelResult) -> bool | str:
    return result.error if result.error is not None else bool(result.value)


def _job(rule: attribution.Rule, facts: dict[str, str]) -> CelJob:
    return CelJob(rule.when, attribution.FACTS, facts)


def _take_verdict(piece: Piece, verdict: attribution.Verdict) -> None:
    if verdict.customer_id is None:
        piece.problem = piece.problem or Problem("unattributed", verdict.detail[:2000], _FIX_RULES)
    else:
        piece.customers.append(verdict.customer_id)
