"""Whose signal is this? Customers' rules answer; what no rule or more than one customer claims is parked, never guessed.

A rule is a CEL condition over typed facts of one canonical event, written by the partner for one customer and perhaps
for one source only. All rules are asked about all events in one sandbox batch; a rule that fails (say, a reference that
is absent) claims nothing, and is named when nobody else claims the event either.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec

from app.canonical.events import REF_KINDS, CanonicalEvent

# Typed dotted facts: a map of dynamic values would let one odd value fail every rule of the event.
FACTS: dict[str, str] = {"event.type": "string", "event.account": "string", "event.source": "string"} | {
    f"event.refs.{kind}": "string" for kind in REF_KINDS
}


class Rule(msgspec.Struct, frozen=True):
    """One customer's claim: events of `source` (any when None) for which `when` holds are theirs."""

    id: UUID
    customer_id: UUID
    when: str
    source: str | None = None


class Verdict(msgspec.Struct, frozen=True):
    """Whose it is, or why nobody's: then `customer_id` is None and `detail` says what a person must decide."""

    customer_id: UUID | None
    detail: str = ""


def facts(event: CanonicalEvent, source: str) -> dict[str, str]:
    """Return the values of FACTS for an event of `source`; what is absent is ""."""
    known = {"event.type": event.type, "event.account": event.account or "", "event.source": source}
    return known | {f"event.refs.{kind}": event.refs.get(kind, "") for kind in REF_KINDS}


def candidates(rules: Iterable[Rule], source: str) -> list[Rule]:
    """Return the rules that may speak about events of `source`."""
    return [rule for rule in rules if rule.source in (None, source)]


def decide(rules: Sequence[Rule], answers: Sequence[bool | str], event: Mapping[str, str]) -> Verdict:
    """Return the verdict from the rules' answers, in their order: True, False, or the text of an error."""
    claimants = {rule.customer_id for rule, answer in zip(rules, answers, strict=True) if answer is True}
    if len(claimants) == 1:
        return Verdict(claimants.pop())
    named = f"account {event['event.account'] or '(none)'!r} of source {event['event.source']!r}"
    if claimants:
        return Verdict(None, f"{len(claimants)} customers claim {named}; make their rules exclude each other.")
    failed = [f"rule {rule.when!r}: {answer}" for rule, answer in zip(rules, answers, strict=True) if isinstance(answer, str)]
    why = f" ({'; '.join(failed[:3])})" if failed else ""
    return Verdict(None, f"No customer claims {named}{why}; add an attribution rule to the customer it belongs to.")
