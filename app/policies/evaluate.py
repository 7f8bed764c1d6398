"""Policy evaluation as pure steps around two sandbox batches: which rules match, then what the winner says.

    candidates -> jobs of their conditions -> (sandbox) -> the first match -> jobs of its other expressions -> (sandbox) -> conclusion

Rules are found by event type and one equality field, so a thousand policies cost little more than the few that can match.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from app.canonical.facts import Facts
from app.canonical.taxonomy import Taxonomy
from app.core.sandbox import CelJob, CelResult
from app.policies import priority
from app.policies.document import AS_READ, MoneyAtRisk, OpenRule, PolicyDocument, placeholders
from app.policies.facts import typed
from app.policies.schemas import ExceptionFound, Money

SEPARATOR = "|"


class Policy(msgspec.Struct, frozen=True):
    """A published version in force: whose it is (None: the partner's) and what it says."""

    id: UUID
    version: int
    customer_id: UUID | None
    document: PolicyDocument


class Candidate(msgspec.Struct, frozen=True):
    """One open rule that might match."""

    policy: Policy
    rule: OpenRule


class Considered(msgspec.Struct, frozen=True):
    """What became of one candidate: matched, no, or undecided with the reason."""

    policy: str
    version: int
    rule: str
    outcome: str
    why: str = ""


class Conclusion(NamedTuple):
    """What the matching rule says."""

    exception: ExceptionFound
    group_key: str
    title: str
    priority: priority.Priority
    money_at_risk: Money | None
    workflow: str | None
    read: tuple[str, ...]


class Unsettled(Exception):
    """A rule matched but what it needs to open a case could not be computed; the message says what."""


class PolicySet:
    """The policies in force for one customer, indexed for events."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self._any: dict[str, list[Candidate]] = {}
        self._by_value: dict[str, dict[str, dict[str, list[Candidate]]]] = {}
        for policy in sorted(policies, key=_order):
            for rule in policy.document.open:
                self._index(Candidate(policy, rule))

    def candidates(self, facts: Facts) -> list[Candidate]:
        """Rules for the event these facts are about, the first to be asked first."""
        kind = facts["event.type"].value
        found = list(self._any.get(kind, ()))
        for field, values in self._by_value.get(kind, {}).items():
            if field in facts:
                found += values.get(str(facts[field].value), ())
        return sorted(found, key=lambda candidate: _order(candidate.policy))

    def _index(self, candidate: Candidate) -> None:
        wanted = candidate.rule.wanted_values()
        if wanted is None:
            self._any.setdefault(candidate.rule.on, []).append(candidate)
            return
        by_value = self._by_value.setdefault(candidate.rule.on, {}).setdefault(wanted[0], {})
        for value in dict.fromkeys(wanted[1]):
            by_value.setdefault(value, []).append(candidate)


def job(text: str, document: PolicyDocument, facts: Facts) -> CelJob:
    """One expression with just the facts it reads."""
    types = typed(text, tuple(document.facts.items()))
    return CelJob(text, dict(types), {name: facts[name].value for name, _ in types if name in facts})


def condition_jobs(candidates: Sequence[Candidate], facts: Facts) -> list[CelJob]:
    """The conditions of all candidates, in their order."""
    return [job(candidate.rule.when, candidate.policy.document, facts) for candidate in candidates]


def first_match(candidates: Sequence[Candidate], results: Sequence[CelResult]) -> tuple[Candidate | None, list[Considered]]:
    """The first rule that holds, and what became of each rule asked up to it; an error belongs to its own rule."""
    asked = []
    for candidate, result in zip(candidates, results, strict=True):
        asked.append(_considered(candidate, result))
        if asked[-1].outcome == "matched":
            return candidate, asked
    return None, asked


def detail_jobs(candidate: Candidate, facts: Facts) -> list[CelJob]:
    """What the matching rule still has to compute, in the order `conclude` reads it."""
    return [job(text, candidate.policy.document, facts) for text in _texts(candidate)]


def conclude(candidate: Candidate, facts: Facts, results: Sequence[CelResult], taxonomy: Taxonomy) -> Conclusion:
    """Put the decision together; raises Unsettled when the exception or its grouping key can't be told."""
    rule, left = candidate.rule, iter(results)
    exception = _exception(rule, facts, taxonomy)
    group = [(label, next(left)) for label in rule.group_by]
    money = _money(next(left), next(left)) if rule.money_at_risk else None
    return Conclusion(
        exception=exception,
        group_key=_group_key(exception.type, group),
        title=title(rule.title, facts),
        priority=_priority(candidate.policy.document, facts, [r.value for r in left], taxonomy.types[exception.type].priority),
        money_at_risk=money,
        workflow=rule.workflow,
        read=read_by(candidate),
    )


def read_by(candidate: Candidate) -> tuple[str, ...]:
    """Every fact the decision depends on, in order of name."""
    document, rule = candidate.policy.document, candidate.rule
    own = tuple(document.facts.items())
    names = {name for text in (rule.when, *_texts(candidate)) for name, _ in typed(text, own)}
    names |= set(rule.where) | set(placeholders(rule.title)) | (set(priority.needed(document.prioritise)) if document.prioritise else set())
    if document.prioritise:
        parts = (document.prioritise.value, document.prioritise.tier, document.prioritise.minutes_left, document.prioritise.penalty)
        names |= {part.fact for part in parts if part}
    return tuple(sorted(names))


def title(words: str, facts: Facts) -> str:
    """The rule's title with the facts filled in; what is missing reads as a dash."""
    for name in placeholders(words):
        words = words.replace("{" + name + "}", str(facts[name].value) if name in facts else "–")
    return words


def _order(policy: Policy) -> tuple[bool, int, str]:
    """A customer's own policies come first, then lower precedence, then the name."""
    return policy.customer_id is None, policy.document.precedence, policy.document.name


def _considered(candidate: Candidate, result: CelResult) -> Considered:
    policy, rule = candidate.policy, candidate.rule.rule
    name, version = policy.document.name, policy.version
    if result.error is not None:
        return Considered(name, version, rule, "undecided", _why(result))
    return Considered(name, version, rule, "matched" if result.value is True else "no")


def _texts(candidate: Candidate) -> list[str]:
    rule, prioritise = candidate.rule, candidate.policy.document.prioritise
    money: MoneyAtRisk | None = rule.money_at_risk
    return [
        *rule.group_by.values(),
        *([money.minor, money.currency] if money else []),
        *(bonus.when for bonus in (prioritise.rules if prioritise else [])),
    ]


def _exception(rule: OpenRule, facts: Facts, taxonomy: Taxonomy) -> ExceptionFound:
    wanted = rule.exception
    code = _word(facts, AS_READ) if wanted.type == AS_READ else wanted.type
    if code is None or code not in taxonomy.types:
        raise Unsettled("The event names no exception type.")
    said = wanted.reason or _word(facts, "event.reason")
    reason = said if said in taxonomy.types[code].reasons or (said and wanted.type == AS_READ) else "not_stated"
    return ExceptionFound(code, reason or "not_stated", wanted.responsible or taxonomy.responsible_for(code, reason))


def _group_key(code: str, group: Sequence[tuple[str, CelResult]]) -> str:
    parts = [code]
    for label, result in group:
        if not isinstance(result.value, str):
            raise Unsettled(f"The grouping key {label} could not be told: {_why(result)}")
        parts.append(f"{label}:{result.value.replace(SEPARATOR, '/')[:100]}")
    return SEPARATOR.join(parts)


def _money(minor: CelResult, currency: CelResult) -> Money | None:
    """The amount, or None where it can't be told: a case opens without it and its inputs show what was missing."""
    return Money(minor.value, currency.value) if type(minor.value) is int and isinstance(currency.value, str) else None


def _priority(document: PolicyDocument, facts: Facts, bonuses: Sequence[Any], by_type: Any) -> priority.Priority:
    if document.prioritise is None:
        return priority.by_type(by_type)
    held: Mapping[int, bool | None] = {index: value if isinstance(value, bool) else None for index, value in enumerate(bonuses)}
    return priority.score(document.prioritise, facts, held)


def _word(facts: Facts, name: str) -> str | None:
    return str(facts[name].value) if name in facts else None


def _why(result: CelResult) -> str:
    return result.error or f"it gave {result.value!r}"
