"""Deciding again: the same rule with what has become known since, and what that changes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from app.canonical import facts as f
from app.canonical import queries as canonical
from app.canonical.facts import Fact, Facts
from app.canonical.taxonomy import taxonomy
from app.core.errors import FieldError, Invalid, NotFound
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.policies import evaluate as steps
from app.policies import queries
from app.policies.deciding import decision_from
from app.policies.evaluate import Candidate, Policy
from app.policies.facts import types_with
from app.policies.models import DecisionRow, PolicyVersion
from app.policies.schemas import Decision, Differs, Input


class UnknownFact(Invalid):
    """A policy has no such fact."""


async def redecide(
    shell: Shell,
    *,
    tenant: UUID,
    customer_id: UUID,
    decision_id: UUID,
    case_facts: Mapping[str, Any] | None = None,
    extra: Sequence[Input] = (),
) -> Decision:
    """Ask the rule of an earlier decision again: with what is known of order and shipment now, facts of the case, and `extra` inputs
    somebody found out (each with its source). The exception and its group stay; priority and money at risk follow.

    `changes` says what differs from the earlier decision. Raises NotFound for a decision of somebody else, UnknownFact for an input no
    policy can read.
    """
    async with shell.read(tenant, actor="system:policies") as reader:
        row = await reader.get(DecisionRow, decision_id)
        if row.customer_id != customer_id:
            raise NotFound()
        matched = await _rule(reader, row)
        facts = await _facts(reader, row, matched.policy, case_facts or {}, extra)
        earlier = msgspec.convert({**row.document, "inputs": row.inputs}, Decision)
        now = reader.now
    results = await shell.sandbox.cel_many(steps.detail_jobs(matched, facts))
    conclusion = steps.conclude(matched, facts, results, taxonomy())._replace(exception=earlier.exception, group_key=earlier.group_key)
    again = decision_from(matched, conclusion, facts, now)
    again.customer_id, again.subjects, again.signal_id, again.event_id = customer_id, earlier.subjects, earlier.signal_id, earlier.event_id
    again.event_type, again.occurred_at, again.title, again.workflow = (
        earlier.event_type,
        earlier.occurred_at,
        earlier.title,
        earlier.workflow,
    )
    again.earlier, again.changes = decision_id, list(changes(earlier, again))
    return again


def changes(before: Decision, after: Decision) -> Iterator[Differs]:
    """What a later decision sees or says differently: its conclusion, then its inputs by name (None: not known)."""
    said = {
        "priority.level": (before.priority.level, after.priority.level),
        "priority.score": (before.priority.score, after.priority.score),
        "priority.provisional": (before.priority.provisional, after.priority.provisional),
        "money_at_risk": (msgspec.to_builtins(before.money_at_risk), msgspec.to_builtins(after.money_at_risk)),
    }
    known = [{one.name: one.value for one in decision.inputs if one.name != "now"} for decision in (before, after)]
    for name in sorted(known[0].keys() | known[1].keys()):
        said[name] = (known[0].get(name), known[1].get(name))
    for name, (was, is_now) in said.items():
        if was != is_now:
            yield Differs(name, was, is_now)


async def _rule(reader: UnitOfWork, row: DecisionRow) -> Candidate:
    """The rule as published now; as it was when it is gone or its policy retired."""
    current = await queries.policy_named(reader, row.policy, row.customer_id)
    then = queries.policy_of(await reader.get(PolicyVersion, row.policy_id))
    for policy in (current, then):
        rule = next((rule for rule in policy.document.open if rule.rule == row.rule), None) if policy else None
        if policy and rule:
            return Candidate(policy, rule)
    raise LookupError(row.rule)


async def _facts(reader: UnitOfWork, row: DecisionRow, policy: Policy, case_facts: Mapping[str, Any], extra: Sequence[Input]) -> Facts:
    """What was known then, under what is known now, under what was found out."""
    types = types_with(policy.document.facts)
    for index, given in enumerate(extra):
        if given.name not in types:
            raise UnknownFact(errors=[FieldError(f"/inputs/{index}/name", f"There is no fact {given.name}.", "See the list of facts.")])
    then = {one.name: Fact(one.name, one.value, one.source, one.observed_at) for one in queries.inputs_of(row)}
    live = await canonical.facts(reader, customer_id=row.customer_id, subjects=row.document.get("subjects", {}), now=reader.now)
    about_case = {name: value for name, value in case_facts.items() if name in types}
    found = {one.name: Fact(one.name, f.plain(one.value), one.source, one.observed_at) for one in extra}
    return then | live | f.make("", about_case, "case", reader.now) | found
