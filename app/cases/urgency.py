"""Where a case stands in the queue, and why: an order that is stored, stays right as time passes, and explains itself.

A case has a moment at which it *should* be worked on, its anchor: when its next clock runs out (`without_clock` minutes after it was opened
where none runs). What makes it matter more brings that moment forward, a minute a point; what takes the pressure off puts it back:

    urgent_at = anchor - 60 s x (money + tier + regulated + penalty + policy + breached + escalation + unanswered - waiting)

in whole seconds since 1970. The earlier, the more urgent. Every case comes closer to its moment by the same minute a minute, so of two
cases the one before stays before until something *happens* to one of them: a stored number in an index keeps the order for any number of
cases, and only what happened to a case moves it (telling.py). A clock that ran out stays the anchor until it is stopped, so what is late
goes up for as long as it is late.

People read the same sum the other way round, as points: `HORIZON` less the minutes left to the anchor, plus the points of each factor. The
score of `explain` is that sum, so the factors shown always add up to it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import msgspec

from app.cases import money
from app.cases.models import Case, CaseClock
from app.cases.schemas import Factor, Urgency

HORIZON: Final = 1440
"""Minutes before its anchor at which time begins to count for a case: the zero of the score people read."""
MOST_STEPS: Final = 20
MOST_RATES: Final = 40
MOST_TIERS: Final = 20
_PAR: Final = 1_000_000

Points = Annotated[int, msgspec.Meta(ge=0, le=10_080)]
"""Minutes the case counts as due earlier; a week at most."""
Minor = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
Step = tuple[Minor, Points]
Steps = Annotated[list[Step], msgspec.Meta(max_length=MOST_STEPS)]
CurrencyCode = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
TierName = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What each factor weighs, in points. `money` and `penalty` are steps: from this amount on (minor units of `currency`), so many points.

    `rates`: how many millionths of a minor unit of `currency` one minor unit of another is worth. An amount in a currency without a rate
    gives no points, and says so. `policy` counts for each hundred of the score the policy gave (0 to 1000); `escalation` counts for each level, three at most; `waiting` puts a case back while others have the ball.
    """

    currency: CurrencyCode = "EUR"
    rates: Annotated[dict[CurrencyCode, Annotated[int, msgspec.Meta(ge=1, le=10**12)]], msgspec.Meta(max_length=MOST_RATES)] = (
        msgspec.field(default_factory=lambda: {"USD": _PAR, "GBP": _PAR, "CHF": _PAR})
    )
    money: Steps = msgspec.field(default_factory=lambda: [(50_000, 30), (200_000, 60), (500_000, 120), (1_000_000, 180), (4_000_000, 300)])
    penalty: Steps = msgspec.field(default_factory=lambda: [(1, 30), (50_000, 60), (200_000, 120)])
    tier: Annotated[dict[TierName, Points], msgspec.Meta(max_length=MOST_TIERS)] = msgspec.field(
        default_factory=lambda: {"platinum": 240, "gold": 120, "silver": 60}
    )
    policy: Points = 50
    regulated: Points = 120
    breached: Points = 240
    escalation: Points = 120
    unanswered: Points = 60
    waiting: Points = 240
    without_clock: Points = 1440


class Standing(msgspec.Struct, frozen=True):
    """What of a case decides its place. `due` is its next clock (None: none runs), `is_paused` says that it stands still."""

    since: datetime
    level: str
    score: int
    escalation: int
    is_breached: bool
    is_answered: bool
    is_waiting: bool
    money_minor: int | None = None
    currency: str | None = None
    facts: Mapping[str, Any] = {}
    due: datetime | None = None
    kind: str = ""
    is_paused: bool = False


def standing(case: Case, clocks: Iterable[CaseClock]) -> Standing:
    """The case as its row and its clocks (of any round) tell it."""
    following = _next([clock for clock in clocks if clock.stopped_at is None and clock.round == (case.round or 0)])
    return Standing(
        since=case.reopened_at or case.opened_at, level=case.priority_level, score=case.priority_score, escalation=case.escalation or 0, is_breached=bool(case.breached),
        is_answered=case.acknowledged_at is not None, is_waiting=case.status == "waiting", money_minor=case.money_at_risk_minor,
        currency=case.currency, facts={str(told["name"]): told.get("value") for told in case.inputs or ()},
        due=following.due_at if following else None, kind=following.kind if following else "",
        is_paused=following is not None and following.paused_at is not None,
    )  # fmt: skip


def _next(clocks: Sequence[CaseClock]) -> CaseClock | None:
    """The clock that runs out first; one that stands still only when no other runs."""
    return min(clocks, key=lambda clock: (clock.paused_at is not None, clock.due_at), default=None)


def urgent_at(case: Standing, weights: Weights) -> int:
    """The second since 1970 at which the case counts as due."""
    points = sum(factor.points for factor in _factors(case, weights))
    return int(_anchor(case, weights).timestamp()) - 60 * points


def explain(case: Standing, weights: Weights, now: datetime) -> Urgency:
    """The same place as points and sentences, as it reads at `now`."""
    factors = [_time(case, weights, now), *_factors(case, weights)]
    factors.sort(key=lambda factor: -abs(factor.points))
    return Urgency(sum(factor.points for factor in factors), factors)


def _anchor(case: Standing, weights: Weights) -> datetime:
    return case.due if case.due is not None else case.since + timedelta(minutes=weights.without_clock)


def _time(case: Standing, weights: Weights, now: datetime) -> Factor:
    left = int((_anchor(case, weights) - now).total_seconds() // 60)
    return Factor("time", HORIZON - left, _time_in_words(case, left, now))


def _time_in_words(case: Standing, left: int, now: datetime) -> str:
    if case.due is None:
        return f"open for {span(int((now - case.since).total_seconds() // 60))}, no clock runs"
    promise = case.kind.replace("_", " ")
    if case.is_paused:
        return f"{promise} clock stands still"
    return f"{span(left)} to {promise}" if left >= 0 else f"{promise} is {span(-left)} late"


def span(minutes: int) -> str:
    """Minutes as people say them: `42 minutes`, `3 h 20 min`, `2 days 4 h`."""
    if minutes < 60:
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, hours = divmod(hours, 24)
    named = "1 day" if days == 1 else f"{days} days"
    return f"{named} {hours} h" if hours else named


def _factors(case: Standing, weights: Weights) -> Iterator[Factor]:
    yield from _of_money(case, weights)
    yield from _of_customer(case, weights)
    yield from _of_work(case, weights)


def _of_money(case: Standing, weights: Weights) -> Iterator[Factor]:
    if case.money_minor and case.currency:
        yield _worth("money", "at risk", weights.money, case.money_minor, case.currency, weights)
    penalties = [(name, case.facts[name]) for name in ("order.penalty_minor", "customer.penalty_minor") if _is_whole(case.facts.get(name))]
    if penalties:
        told = case.currency or case.facts.get("order.currency")
        currency = told if isinstance(told, str) else weights.currency
        factor = _worth("penalty", "contract penalty", weights.penalty, max(minor for _, minor in penalties), currency, weights)
        if factor.points:
            yield factor


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _worth(name: str, what: str, steps: list[Step], minor: int, currency: str, weights: Weights) -> Factor:
    rate = _PAR if currency == weights.currency else weights.rates.get(currency)
    said = f"{money.text(minor, currency)} {what}"
    if rate is None:
        return Factor(name, 0, f"{said}; no rate to {weights.currency} is set")
    ordered = sorted(steps)
    at = bisect_right([bound for bound, _ in ordered], minor * rate // _PAR)
    return Factor(name, ordered[at - 1][1] if at else 0, said)


def _of_customer(case: Standing, weights: Weights) -> Iterator[Factor]:
    tier = case.facts.get("customer.tier")
    if isinstance(tier, str) and weights.tier.get(tier):
        yield Factor("tier", weights.tier[tier], f"{tier} tier")
    if case.facts.get("order.regulated") is True and weights.regulated:
        yield Factor("regulated", weights.regulated, "regulated goods")


def _of_work(case: Standing, weights: Weights) -> Iterator[Factor]:
    if case.score and weights.policy:
        yield Factor("policy", case.score * weights.policy // 100, f"{case.level} by policy ({case.score} of 1000)")
    if case.is_breached and weights.breached:
        yield Factor("breached", weights.breached, "a promise was broken")
    if case.escalation and weights.escalation:
        times = "escalated" if case.escalation == 1 else f"escalated {case.escalation} times"
        yield Factor("escalation", weights.escalation * min(case.escalation, 3), times)
    if not case.is_answered and not case.is_waiting and weights.unanswered:
        yield Factor("unanswered", weights.unanswered, "nobody has answered yet")
    if case.is_waiting and weights.waiting:
        yield Factor("waiting", -weights.waiting, "somebody else has the ball")
