"""The policy document: rules that open, prioritise, gate and limit, written by a partner in YAML with conditions in CEL.

This file is its shape; `checks.py` says what is wrong with one when it is saved.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Literal

import msgspec

from app.canonical.taxonomy import Responsible
from app.core.parsing import parse_yaml

Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
Expression = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
FactName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$", max_length=100)]
OwnType = Literal["bool", "int", "double", "string", "timestamp", "list<string>"]
Points = Annotated[int, msgspec.Meta(ge=-1000, le=1000)]
Capability = Annotated[str, msgspec.Meta(pattern=r"^(notice:)?([a-z][a-z0-9_-]*)(\.[a-z0-9_-]+)*(\.\*)?$|^notice:\*$", max_length=100)]

# The exception type a rule takes over from what the taxonomy read in the event.
AS_READ = "event.exception"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class ExceptionOf(_Part, frozen=True):
    """What went wrong; reason and responsible party default to what the taxonomy says."""

    type: str
    reason: str | None = None
    responsible: Responsible | None = None


class MoneyAtRisk(_Part, frozen=True):
    """CEL for minor units and for the currency."""

    minor: Expression
    currency: Expression


class OpenRule(_Part, frozen=True):
    """When an event of type `on` meets `when`, there is an exception."""

    rule: Slug
    on: str
    exception: ExceptionOf
    group_by: Annotated[dict[Slug, Expression], msgspec.Meta(min_length=1, max_length=8)]
    title: Words
    where: Annotated[dict[FactName, str | list[str]], msgspec.Meta(max_length=1)] = {}
    when: Expression = "true"
    money_at_risk: MoneyAtRisk | None = None
    workflow: Slug | None = None

    def wanted_values(self) -> tuple[str, tuple[str, ...]] | None:
        """The one equality field and its values, or None."""
        for field, values in self.where.items():
            return field, (values,) if isinstance(values, str) else tuple(values)
        return None


class Steps(_Part, frozen=True):
    """Points by a number: those of the last step whose bound is not above the value."""

    fact: FactName
    steps: Annotated[list[tuple[int, Points]], msgspec.Meta(min_length=1, max_length=50)]


class Table(_Part, frozen=True):
    """Points by a word; a word that isn't listed gives none."""

    fact: FactName
    points: Annotated[dict[str, Points], msgspec.Meta(min_length=1, max_length=50)]


class Bonus(_Part, frozen=True):
    """Points when a condition holds."""

    when: Expression
    points: Points
    because: Words


class Levels(_Part, frozen=True):
    """The least score of each level; below P3 it is P4."""

    P1: Points = 650
    P2: Points = 400
    P3: Points = 150


class Prioritise(_Part, frozen=True):
    """The score: factors add up to 0…1000. Provisional while one of `needs` (all factors' facts by default) is missing."""

    value: Steps | None = None
    tier: Table | None = None
    minutes_left: Steps | None = None
    penalty: Steps | None = None
    rules: Annotated[list[Bonus], msgspec.Meta(max_length=20)] = []
    levels: Levels = Levels()
    needs: list[FactName] | None = None


class GateRule(_Part, frozen=True):
    """For these capabilities, when `when` holds, `require` must hold too; an error or a missing fact refuses."""

    rule: Slug
    capability: Annotated[list[Capability], msgspec.Meta(min_length=1, max_length=50)]
    reason: Words
    remedy: Words
    when: Expression = "true"
    require: Expression = "false"


class ApprovalOf(_Part, frozen=True):
    """Which kind of approval lifts a limit and who may give it."""

    kind: Slug
    role: str = "approver"


class LimitRule(_Part, frozen=True):
    """Above this amount these capabilities need an approval; an amount that is missing or in another currency needs one too."""

    rule: Slug
    capability: Annotated[list[Capability], msgspec.Meta(min_length=1, max_length=50)]
    amount: Expression
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
    above_minor: Annotated[int, msgspec.Meta(ge=0, le=10**15)]
    approval: ApprovalOf
    reason: Words
    when: Expression = "true"


class PolicyDocument(_Part, frozen=True):
    """One policy as a partner writes it."""

    name: Slug
    title: Words
    precedence: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 100
    facts: Annotated[dict[FactName, OwnType], msgspec.Meta(max_length=50)] = {}
    open: Annotated[list[OpenRule], msgspec.Meta(max_length=100)] = []
    prioritise: Prioritise | None = None
    gate: Annotated[list[GateRule], msgspec.Meta(max_length=100)] = []
    limit: Annotated[list[LimitRule], msgspec.Meta(max_length=100)] = []


class Clause(msgspec.Struct, frozen=True):
    """One CEL expression of a document: where it stands and what it must give."""

    pointer: str
    text: str
    want: Literal["bool", "int", "string"]


@lru_cache(maxsize=2048)
def read(text: str) -> PolicyDocument:
    """A stored document, which was checked when it was saved; kept by its text, so a batch doesn't parse it again."""
    return msgspec.convert(parse_yaml(text.encode()), PolicyDocument)


def clauses(document: PolicyDocument) -> Iterator[Clause]:
    """Every expression of a document."""
    for index, rule in enumerate(document.open):
        yield Clause(f"/open/{index}/when", rule.when, "bool")
        for label, text in rule.group_by.items():
            yield Clause(f"/open/{index}/group_by/{label}", text, "string")
        if rule.money_at_risk:
            yield Clause(f"/open/{index}/money_at_risk/minor", rule.money_at_risk.minor, "int")
            yield Clause(f"/open/{index}/money_at_risk/currency", rule.money_at_risk.currency, "string")
    for index, bonus in enumerate(document.prioritise.rules if document.prioritise else []):
        yield Clause(f"/prioritise/rules/{index}/when", bonus.when, "bool")
    for index, gate in enumerate(document.gate):
        yield Clause(f"/gate/{index}/when", gate.when, "bool")
        yield Clause(f"/gate/{index}/require", gate.require, "bool")
    for index, limit in enumerate(document.limit):
        yield Clause(f"/limit/{index}/when", limit.when, "bool")
        yield Clause(f"/limit/{index}/amount", limit.amount, "int")


def placeholders(title: str) -> list[str]:
    """The facts a title names in braces."""
    return _PLACEHOLDER.findall(title)
