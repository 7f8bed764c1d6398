"""What a version would have decided on past events, beside what was decided: before publishing, nothing is changed."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.canonical import queries as canonical
from app.canonical.events import CanonicalEvent, event_types, parse_event
from app.canonical.world import World
from app.core.errors import Invalid
from app.core.models import EventRow
from app.core.sandbox import Sandbox
from app.core.uow import UnitOfWork
from app.policies.checks import check
from app.policies.deciding import Incoming, ask, conclude
from app.policies.evaluate import Policy, PolicySet
from app.policies.models import DecisionRow, PolicyVersion
from app.policies.queries import policy_of
from app.policies.schemas import Decision, Difference, Money, SimulatedCase, Simulation

MOST_SHOWN = 100
# A document that isn't kept has no version yet.
UNKEPT = UUID(int=0)


async def simulate(uow: UnitOfWork, sandbox: Sandbox, version: PolicyVersion, *, days: int, limit: int) -> Simulation:
    """Ask this version alone about the newest `limit` recorded events of the last `days`, told in their order to an empty world.

    An event differs when this policy decided another exception, group or level on it, or decided only then or only now.
    """
    return await _simulate(uow, sandbox, policy_of(version), days, limit)


async def simulate_text(uow: UnitOfWork, sandbox: Sandbox, text: str, customer_id: UUID | None, *, days: int, limit: int) -> Simulation:
    """As `simulate`, for a document that isn't kept; raises PolicyInvalid with every remark on it."""
    return await _simulate(uow, sandbox, Policy(UNKEPT, 0, customer_id, await check(sandbox, text)), days, limit)


async def _simulate(uow: UnitOfWork, sandbox: Sandbox, policy: Policy, days: int, limit: int) -> Simulation:
    past = await _past(uow, policy, days, limit)
    incoming = [Incoming(event, None, customer) for _, event, customer in past]
    policies = PolicySet([policy])
    world = World(extra=await canonical.customer_facts(uow, {customer for _, _, customer in past}))
    asked = await ask(sandbox, world, {customer: policies for _, _, customer in past}, incoming, uow.now)
    would = await conclude(sandbox, asked, uow.now)
    was = await _decided(uow, policy, [row.id for row, _, _ in past])
    differences = [_difference(row, was.get(row.id), now) for (row, _, _), now in zip(past, would, strict=True)]
    told = [difference for difference in differences if difference is not None]
    cases = _cases(would)
    return Simulation(
        events=len(past), opened=sum(decision is not None for decision in would), differ=len(told), differences=told[-MOST_SHOWN:],
        undecided=sum(any(one.outcome == "undecided" for one in event.considered) for event in asked),
        cases=len(cases), cases_before=len({(row.customer_id, row.group_key) for row in was.values()}), money=_money(cases),
        exceptions=cases[-MOST_SHOWN:],
    )  # fmt: skip


def _cases(would: Sequence[Decision | None]) -> list[SimulatedCase]:
    """The cases these decisions would have made: one for each customer and group, as its newest decision sees it."""
    found: dict[tuple[UUID | None, str], SimulatedCase] = {}
    for decision in would:
        if decision is None:
            continue
        key = (decision.customer_id, decision.group_key)
        events = found[key].events + 1 if key in found else 1
        found[key] = SimulatedCase(
            title=decision.title, type=decision.exception.type, level=decision.priority.level, score=decision.priority.score, rule=decision.rule,
            customer_id=decision.customer_id, money=decision.money_at_risk, events=events, occurred_at=decision.occurred_at,
        )  # fmt: skip
    return list(found.values())


def _money(cases: Sequence[SimulatedCase]) -> list[Money]:
    """What is at risk in all of them, a sum for each currency."""
    sums: dict[str, int] = {}
    for case in cases:
        if case.money is not None:
            sums[case.money.currency] = sums.get(case.money.currency, 0) + case.money.minor
    return [Money(minor, currency) for currency, minor in sorted(sums.items())]


async def _past(uow: UnitOfWork, policy: Policy, days: int, limit: int) -> list[tuple[EventRow, CanonicalEvent, UUID]]:
    """Recorded events the policy may concern, oldest first: a customer's own policy is only asked about that customer."""
    since = uow.now - timedelta(days=days)
    told = [name for name, kind in event_types().items() if not kind.internal]
    query = select(EventRow).where(EventRow.type.in_(told), EventRow.recorded_at >= since, EventRow.customer_id.is_not(None))
    if policy.customer_id is not None:
        query = query.where(EventRow.customer_id == policy.customer_id)
    rows = (await uow.execute(query.order_by(EventRow.id.desc()).limit(limit))).scalars().all()
    return [(row, event, row.customer_id) for row in reversed(rows) if row.customer_id and (event := _event(row)) is not None]


def _event(row: EventRow) -> CanonicalEvent | None:
    """The canonical event a row tells of; None for one told in a form no longer read."""
    data = row.envelope["data"]
    try:
        return parse_event(
            {"type": row.type, "occurred_at": row.envelope["occurred_at"], **{name: data.get(name) for name in ("account", "refs", "data")}}
        )
    except Invalid:
        return None


async def _decided(uow: UnitOfWork, policy: Policy, ids: Sequence[UUID]) -> dict[UUID, DecisionRow]:
    """The first decision by this policy on each of these events."""
    wanted = {str(id) for id in ids}
    if not wanted:
        return {}
    # A decision is made right after its event is written, so its id lies after the first of them.
    query = select(DecisionRow).where(
        DecisionRow.policy == policy.document.name, DecisionRow.id >= min(ids), DecisionRow.earlier_id.is_(None)
    )
    rows = (await uow.execute(query.order_by(DecisionRow.id.desc()))).scalars()
    return {row.source_event_id: row for row in rows if row.source_event_id and str(row.source_event_id) in wanted}


def _difference(row: EventRow, was: DecisionRow | None, now: Decision | None) -> Difference | None:
    before = (was.exception_type, was.group_key, was.level) if was else None
    after = (now.exception.type, now.group_key, now.priority.level) if now else None
    if before == after:
        return None
    return Difference(
        event_id=str(row.id), occurred_at=msgspec.convert(row.envelope["occurred_at"], type(row.recorded_at)), event_type=row.type,
        was=was.exception_type if was else None, would_be=now.exception.type if now else None,
        was_level=was.level if was else None, would_be_level=now.priority.level if now else None,
        title=now.title if now else str(was.document.get("title", "")) if was else "",
    )  # fmt: skip
