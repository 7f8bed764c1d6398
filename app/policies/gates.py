"""What stands before an effect: gate rules refuse, limit rules ask for an approval. Doubt refuses.

Whoever asks (workflow, operator, retry) gets the same judgement; the port that enforces it is the case room's.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from app.canonical import facts as f
from app.canonical.facts import Facts
from app.core.sandbox import CelResult, Sandbox
from app.policies.document import GateRule, LimitRule
from app.policies.evaluate import Policy, job


class Refusal(msgspec.Struct, frozen=True):
    """A gate rule that does not let this through."""

    rule: str
    policy: str
    version: int
    reason: str
    remedy: str


class Boundary(msgspec.Struct, frozen=True):
    """A limit this goes beyond: an approval of this kind by this role lifts it. The amount is None where it can't be told."""

    rule: str
    policy: str
    version: int
    amount_minor: int | None
    currency: str
    above_minor: int
    approval_kind: str
    role: str
    reason: str


class Judgement(msgspec.Struct, frozen=True):
    """Nothing in either list: free to go."""

    refusals: tuple[Refusal, ...] = ()
    boundaries: tuple[Boundary, ...] = ()


class Rules(msgspec.Struct, frozen=True):
    """The gate and limit rules in force for one customer."""

    policies: tuple[Policy, ...] = ()

    def gates(self, capability: str) -> list[tuple[Policy, GateRule]]:
        """Gate rules that speak of a capability."""
        return [(p, rule) for p in self.policies for rule in p.document.gate if speaks_of(rule.capability, capability)]

    def limits(self, capability: str) -> list[tuple[Policy, LimitRule]]:
        """Limit rules that speak of a capability."""
        return [(p, rule) for p in self.policies for rule in p.document.limit if speaks_of(rule.capability, capability)]


def speaks_of(patterns: Iterable[str], capability: str) -> bool:
    """Whether `carrier.amend` is meant: by its name or by `carrier.*`; notices are `notice:<template>` and `notice:*`."""
    return any(capability == p or (p.endswith("*") and capability.startswith(p[:-1])) for p in patterns)


def call_facts(capability: str, params: Mapping[str, Any], actor: str, now: datetime) -> Facts:
    """call.* of what is about to be done."""
    amount, currency, option = params.get("amount_minor"), params.get("currency"), params.get("option_id")
    values = {
        "capability": capability, "actor": actor,
        "amount_minor": amount if isinstance(amount, int) and not isinstance(amount, bool) else None,
        "currency": currency if isinstance(currency, str) else None,
        "option_id": option if isinstance(option, str) else None,
    }  # fmt: skip
    return f.make("call.", values, "gate", now)


async def judge(sandbox: Sandbox, rules: Rules, capability: str, facts: Facts) -> Judgement:
    """Ask every rule that speaks of the capability, in one sandbox batch. A missing fact or an error counts against the caller."""
    gates, limits = rules.gates(capability), rules.limits(capability)
    if not gates and not limits:
        return Judgement()
    jobs = [job(text, policy.document, facts) for policy, rule in gates for text in (rule.when, rule.require)]
    jobs += [job(text, policy.document, facts) for policy, rule in limits for text in (rule.when, rule.amount)]
    results = await sandbox.cel_many(jobs)
    pairs = list(zip(results[::2], results[1::2], strict=True))
    return Judgement(
        tuple(_refusal(p, rule) for (p, rule), pair in zip(gates, pairs, strict=False) if _refuses(*pair)),
        tuple(
            _boundary(p, rule, pair[1])
            for (p, rule), pair in zip(limits, pairs[len(gates) :], strict=True)
            if _goes_beyond(rule, facts, *pair)
        ),
    )


def _refuses(when: CelResult, require: CelResult) -> bool:
    """Only a plain `when` false or `require` true lets through."""
    return when.value is not False and require.value is not True


def _goes_beyond(rule: LimitRule, facts: Facts, when: CelResult, amount: CelResult) -> bool:
    if when.value is False:
        return False
    currency = facts.get("call.currency")
    minor = _minor(amount)
    return minor is None or minor > rule.above_minor or currency is None or currency.value != rule.currency


def _minor(amount: CelResult) -> int | None:
    """An amount that can be compared: a whole number that is not below zero (True is a number to Python, not to us)."""
    return amount.value if type(amount.value) is int and amount.value >= 0 else None


def _refusal(policy: Policy, rule: GateRule) -> Refusal:
    return Refusal(rule.rule, policy.document.name, policy.version, rule.reason, rule.remedy)


def _boundary(policy: Policy, rule: LimitRule, amount: CelResult) -> Boundary:
    return Boundary(
        rule.rule,
        policy.document.name,
        policy.version,
        _minor(amount),
        rule.currency,
        rule.above_minor,
        rule.approval.kind,
        rule.approval.role,
        rule.reason,
    )
