"""How urgent a case is: named factors that add up to a score of 0…1000, each with the fact and the words behind it."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from app.canonical.facts import Facts
from app.canonical.taxonomy import Level
from app.policies.document import Bonus, Levels, Prioritise, Steps, Table

HIGHEST = 1000
# Without rules of its own a case scores the middle of its exception type's level.
_MIDDLE: dict[Level, int] = {"P1": 825, "P2": 525, "P3": 275, "P4": 75}


class Factor(msgspec.Struct, frozen=True):
    """One contribution to the score."""

    name: str
    points: int
    because: str


class Priority(msgspec.Struct, frozen=True):
    """The level, the score it comes from, whether something it needs is still missing, and the factors."""

    level: Level
    score: int
    provisional: bool
    factors: tuple[Factor, ...] = ()
    missing: tuple[str, ...] = ()


def by_type(level: Level) -> Priority:
    """The priority of an exception type whose policy has no rules for it."""
    return Priority(level, _MIDDLE[level], False, (Factor("type", _MIDDLE[level], f"exceptions of this type are {level}"),))


def score(rules: Prioritise, facts: Facts, bonuses: Mapping[int, bool | None]) -> Priority:
    """Add up the factors; `bonuses` says by index whether each rule's condition held (None: it could not be told).

    A factor whose fact is missing gives nothing; the score is provisional while one of the needed facts is missing.
    """
    factors = (*_by_facts(rules, facts), *_by_rules(rules.rules, bonuses))
    total = max(0, min(HIGHEST, sum(factor.points for factor in factors)))
    missing = tuple(name for name in needed(rules) if name not in facts)
    return Priority(level_of(total, rules.levels), total, bool(missing), factors, missing)


def needed(rules: Prioritise) -> list[str]:
    """The facts without which a score is provisional."""
    if rules.needs is not None:
        return rules.needs
    return [part.fact for part in (rules.value, rules.tier, rules.minutes_left, rules.penalty) if part]


def level_of(total: int, levels: Levels) -> Level:
    """The level a score reaches."""
    if total >= levels.P1:
        return "P1"
    if total >= levels.P2:
        return "P2"
    return "P3" if total >= levels.P3 else "P4"


def _by_facts(rules: Prioritise, facts: Facts) -> Iterator[Factor]:
    parts: dict[str, Steps | Table | None] = {
        "value": rules.value, "tier": rules.tier, "minutes_left": rules.minutes_left, "penalty": rules.penalty,
    }  # fmt: skip
    for name, part in parts.items():
        if part is not None and part.fact in facts:
            value = facts[part.fact].value
            yield Factor(name, _points(part, value), f"{part.fact} is {value}")


def _by_rules(rules: list[Bonus], held: Mapping[int, bool | None]) -> Iterator[Factor]:
    for index, bonus in enumerate(rules):
        if held.get(index):
            yield Factor(f"rule {index + 1}", bonus.points, bonus.because)


def _points(part: Steps | Table, value: Any) -> int:
    if isinstance(part, Table):
        return part.points.get(str(value), 0)
    if not isinstance(value, int):
        return 0
    at = bisect_right([bound for bound, _ in part.steps], value)
    return part.steps[at - 1][1] if at else 0
