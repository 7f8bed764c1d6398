"""Deciding on events: facts from the world they meet, two sandbox batches, and decisions that know the versions they were made at."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from app.canonical import queries as canonical
from app.canonical.events import CanonicalEvent
from app.canonical.facts import Fact, Facts
from app.canonical.queries import Versions
from app.canonical.taxonomy import taxonomy
from app.canonical.world import World
from app.core.sandbox import CelJob, CelResult, Sandbox
from app.core.uow import UnitOfWork
from app.policies import evaluate as steps
from app.policies.evaluate import Candidate, Conclusion, Considered, PolicySet, Unsettled
from app.policies.schemas import Decision, Input, PriorityFound, WorkflowChosen

# Of a thousand rules asked, a decision keeps those that matched or could not be decided.
MOST_CONSIDERED = 50


class Incoming(NamedTuple):
    """An event to decide on, the signal it came with (None: we said it ourselves) and whose it is."""

    event: CanonicalEvent
    signal_id: UUID | None
    customer_id: UUID


class Evaluation(NamedTuple):
    """A decision or None for each event, what became of the rules that were asked, and the versions all of it was read at."""

    decisions: list[Decision | None]
    considered: list[list[Considered]]
    versions: Versions


class Asked(NamedTuple):
    """One event on its way: its facts, the rule that matched, and every rule asked."""

    incoming: Incoming
    facts: Facts
    matched: Candidate | None
    considered: list[Considered]


async def decide(sandbox: Sandbox, reader: UnitOfWork, sets: dict[UUID, PolicySet], incoming: Sequence[Incoming]) -> Evaluation:
    """Decide on a batch in the order it came, before anything of it is written."""
    world, versions = await canonical.world(reader, [(one.event, one.customer_id) for one in incoming], reader.now)
    asked = await ask(sandbox, world, sets, incoming, reader.now)
    return Evaluation(await conclude(sandbox, asked, reader.now), [one.considered for one in asked], versions)


async def ask(sandbox: Sandbox, world: World, sets: dict[UUID, PolicySet], incoming: Sequence[Incoming], now: datetime) -> list[Asked]:
    """Tell the events to the world and find the first rule that matches each."""
    facts = [world.tell(one.event, source=source_of(one), customer_id=one.customer_id, now=now) for one in incoming]
    candidates = [sets[one.customer_id].candidates(known) for one, known in zip(incoming, facts, strict=True)]
    jobs = [steps.condition_jobs(found, known) for found, known in zip(candidates, facts, strict=True)]
    results = await _batch(sandbox, jobs)
    matches = [steps.first_match(found, answers) for found, answers in zip(candidates, results, strict=True)]
    return [Asked(one, known, *match) for one, known, match in zip(incoming, facts, matches, strict=True)]


def source_of(one: Incoming) -> str:
    """The address of what an event says."""
    return f"signal:{one.signal_id}" if one.signal_id else f"event:{one.event.type}"


async def conclude(sandbox: Sandbox, asked: Sequence[Asked], now: datetime) -> list[Decision | None]:
    """The decision on each event that a rule matched; an exception that can't be told stays undecided, with the reason."""
    results = await _batch(sandbox, [steps.detail_jobs(one.matched, one.facts) if one.matched else [] for one in asked])
    return [_decision(one, answers, now) for one, answers in zip(asked, results, strict=True)]


def _decision(one: Asked, results: Sequence[CelResult], now: datetime) -> Decision | None:
    if one.matched is None:
        return None
    try:
        conclusion = steps.conclude(one.matched, one.facts, results, taxonomy())
    except Unsettled as unsettled:
        one.considered.append(msgspec.structs.replace(one.considered[-1], outcome="undecided", why=str(unsettled)))
        return None
    decision = decision_from(one.matched, conclusion, one.facts, now)
    decision.customer_id = one.incoming.customer_id
    decision.signal_id = str(one.incoming.signal_id) if one.incoming.signal_id else None
    decision.considered = [msgspec.to_builtins(considered) for considered in one.considered if considered.outcome != "no"][
        -MOST_CONSIDERED:
    ]
    return decision


def decision_from(matched: Candidate, conclusion: Conclusion, facts: Facts, now: datetime) -> Decision:
    """The decision a conclusion makes, with its inputs as old as they are now."""
    policy = matched.policy
    found = conclusion.priority
    return Decision(
        policy=policy.document.name, version=policy.version, policy_id=policy.id, rule=matched.rule.rule, customer_id=None,
        exception=conclusion.exception, group_key=conclusion.group_key,
        priority=PriorityFound(found.level, found.score, found.provisional, [msgspec.to_builtins(factor) for factor in found.factors]),
        money_at_risk=conclusion.money_at_risk, title=conclusion.title,
        workflow=WorkflowChosen(conclusion.workflow) if conclusion.workflow else None,
        inputs=inputs(conclusion.read, facts, now), missing=[name for name in conclusion.read if name not in facts],
        event_type=facts["event.type"].value if "event.type" in facts else matched.rule.on,
        occurred_at=facts["event.occurred_at"].observed_at if "event.occurred_at" in facts else now, decided_at=now,
    )  # fmt: skip


def inputs(names: Iterable[str], facts: Facts, now: datetime) -> list[Input]:
    """The facts of these names that are there, with their age in whole seconds."""
    return [_input(facts[name], now) for name in names if name in facts]


def _input(fact: Fact, now: datetime) -> Input:
    age = max(0, int((now - fact.observed_at).total_seconds()))
    return Input(fact.name, fact.value, fact.source, fact.observed_at, age)


async def _batch(sandbox: Sandbox, jobs: Sequence[Sequence[CelJob]]) -> list[list[CelResult]]:
    """All jobs of all events in one batch, and the results apart again."""
    flat = [job for group in jobs for job in group]
    left = iter(await sandbox.cel_many(flat) if flat else [])
    return [[next(left) for _ in group] for group in jobs]
