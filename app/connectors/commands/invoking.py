"""Asking a connected system: the gate, the intent written down first, the exchange, what came of it written down after.

For one effect key there is one call row. Whoever asks again with the key of a finished call gets its outcome; with the key of one that was
interrupted or is unknown, the system is asked what became of it before anything is sent.
"""

from typing import Any, Literal
from uuid import UUID

import msgspec

from app.connectors import credentials, queries
from app.connectors.breaker import State, next_slot
from app.connectors.capabilities import Capability, capability
from app.connectors.commands.recording import keep_health, params_hash, record, start
from app.connectors.connector import connector
from app.connectors.exchange import Exchange, Ticket
from app.connectors.models import Call, CircuitBreaker, Connection
from app.connectors.outcomes import Outcome
from app.core.errors import Conflict, NotAllowed, NotFound, Unavailable
from app.core.gate import GateRefused, GateRequest, Verdict
from app.core.locks import take_turns
from app.core.services import Shell
from app.core.uow import UnitOfWork
from tenants.models import Customer

LONGEST_WAIT = 5.0
DOUBTFUL = ("sending", "unknown")


class CapabilityNotGranted(NotAllowed):
    """No connection of this customer grants this capability."""


class EffectKeyReused(Conflict):
    """This key was used for another request; take a new key for a new request."""


class SystemResting(Unavailable):
    """The connected system failed several times in a row and is left alone for a moment."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks what, for whom, under which key. `by_hand`: a person did, so a question is held to its case too."""

    tenant: UUID
    actor: str
    customer_id: UUID | None
    case_id: UUID | None
    capability: Capability
    params: dict[str, Any]
    effect_key: str
    run_id: UUID | None = None
    by_hand: bool = False

    @property
    def told(self) -> dict[str, Any]:
        """What events say of it."""
        return {"capability": self.capability.name, "effect_key": self.effect_key, "case_id": self.case_id, "run_id": self.run_id}


async def invoke(
    shell: Shell,
    *,
    tenant: UUID,
    actor: str,
    customer_id: UUID | None,
    case_id: UUID | None,
    capability: str,
    params: dict[str, Any],
    effect_key: str,
    run_id: UUID | None = None,
) -> Outcome:
    """Ask for a capability and give what came of it; opens its own transactions.

    Raises ParamsInvalid, CapabilityUnknown, CapabilityNotGranted and GateRefused (both also said as access.denied), EffectKeyReused.
    A system that fails is an Outcome, never an exception.
    """
    return await _carry_out(
        shell,
        _ask(
            capability, params, tenant=tenant, actor=actor, customer_id=customer_id, case_id=case_id, effect_key=effect_key, run_id=run_id
        ),
    )


async def invoke_by_hand(
    shell: Shell,
    *,
    tenant: UUID,
    actor: str,
    customer_id: UUID | None,
    case_id: UUID | None,
    capability: str,
    params: dict[str, Any],
    effect_key: str,
) -> Outcome:
    """The same for a person: same gate, same record; a case or customer that isn't there is NotFound."""
    asked = _ask(
        capability, params, tenant=tenant, actor=actor, customer_id=customer_id, case_id=case_id, effect_key=effect_key, by_hand=True
    )
    if customer_id is not None:
        async with shell.read(tenant, actor=actor) as uow:
            await uow.get(Customer, customer_id)
    return await _carry_out(shell, asked)


def _ask(name: str, params: dict[str, Any], **who: Any) -> Ask:
    wanted = capability(name)
    wanted.check_params(params)
    return Ask(capability=wanted, params=params, **who)


async def _carry_out(shell: Shell, ask: Ask) -> Outcome:
    if ask.capability.effect or (ask.by_hand and ask.case_id):
        known = await _earlier_outcome(shell, ask)
        if known:
            return known
        await _pass_gate(shell, ask)
    try:
        ticket = await _take_ticket(shell, ask)
    except CapabilityNotGranted as refusal:
        await _deny(shell, ask, Verdict(False, refusal.detail, "grant", "Grant it to a connection."))
        raise
    if isinstance(ticket, Outcome):
        return ticket
    report = await Exchange(shell, ticket).run()
    async with shell.unit_of_work(ask.tenant, actor=ask.actor) as uow:
        outcome = await record(uow, shell.vault, ask.told, ticket, report, asked_by=(ask.customer_id, ask.case_id, ask.run_id))
        await keep_health(uow, ticket, report)
    return outcome


async def _earlier_outcome(shell: Shell, ask: Ask) -> Outcome | None:
    async with shell.read(ask.tenant, actor=ask.actor) as uow:
        call = await queries.call_with_key(uow, ask.effect_key)
        return await _final(uow, ask, call) if call else None


async def _pass_gate(shell: Shell, ask: Ask) -> None:
    request = GateRequest(
        tenant_id=ask.tenant, customer_id=ask.customer_id, case_id=ask.case_id, capability=ask.capability.name, params=ask.params,
        effect_key=ask.effect_key, actor=ask.actor,
    )  # fmt: skip
    verdict = await shell.gate.verdict(shell, request)
    if verdict.allowed:
        return
    if ask.by_hand and verdict.rule == "case":
        raise NotFound()
    await _deny(shell, ask, verdict)
    raise GateRefused(verdict)


async def _deny(shell: Shell, ask: Ask, verdict: Verdict) -> None:
    async with shell.unit_of_work(ask.tenant, actor=ask.actor) as uow:
        told = ask.told | {"reason": verdict.reason, "rule": verdict.rule, "remedy": verdict.remedy}
        key = f"case:{ask.case_id}" if ask.case_id else None
        uow.publish("access.denied", data=told, key=key, subject=f"capability:{ask.capability.name}", customer_id=ask.customer_id)


async def _take_ticket(shell: Shell, ask: Ask) -> Ticket | Outcome:
    """One transaction: what is known of this key, by which connection, may it be tried now, when; the intent of an effect is written."""
    async with shell.unit_of_work(ask.tenant, actor=ask.actor) as uow:
        await take_turns(uow, f"call:{ask.effect_key}")
        call = await queries.call_with_key(uow, ask.effect_key)
        known = await _final(uow, ask, call) if call else None
        if known:
            return known
        try:
            connection, breaker = await _choose(uow, ask, call)
            wait = _let_through(uow, connection, breaker)
        except SystemResting as resting:
            return _rests(resting, call)
        ticket = await _ticket(uow, shell, ask, connection, call, wait)
        if ask.capability.effect or call:
            await start(uow, ticket, call, ask.told, params=ask.params, asked_by=(ask.customer_id, ask.case_id, ask.run_id))
        return ticket


async def _final(uow: UnitOfWork, ask: Ask, call: Call) -> Outcome | None:
    if (
        call.capability != ask.capability.name
        or call.params_hash != params_hash(ask.params)
        or call.customer_id not in (None, ask.customer_id)
    ):
        raise EffectKeyReused()
    if call.status not in ("done", "refused"):
        return None
    connection = await uow.get(Connection, call.connection_id)
    status: Literal["done", "refused"] = "done" if call.status == "done" else "refused"
    return Outcome(
        status=status, response=call.response, error=call.error, call_id=call.id, connection=connection.name, answered_at=_at(call)
    )


async def _choose(uow: UnitOfWork, ask: Ask, call: Call | None) -> tuple[Connection, CircuitBreaker]:
    """The connection to use: the one of an earlier try, else the first that grants it and is not resting."""
    if call:
        pairs = [(await uow.get(Connection, call.connection_id), await queries.breaker_of(uow, call.connection_id))]
        pairs = [pair for pair in pairs if pair[0].status == "published" and ask.capability.name in pair[0].capabilities]
    else:
        pairs = list(await queries.candidates(uow, ask.capability.name, ask.customer_id))
    if not pairs:
        raise CapabilityNotGranted()
    for connection, _ in pairs:
        breaker = await queries.breaker_of(uow, connection.id, lock=True)
        if _state(breaker).lets_through(uow.now):
            return connection, breaker
    soonest = min(b.retry_at for _, b in pairs if b.retry_at)
    raise SystemResting(retry_after=max(1, round((soonest - uow.now).total_seconds())))


def _let_through(uow: UnitOfWork, connection: Connection, breaker: CircuitBreaker) -> float:
    """Note the probe where one is due, and the call's place in the throttle; returns the seconds to wait."""
    mark, wait = next_slot(breaker.next_slot_at, uow.now, connection.rate_per_minute)
    if wait > LONGEST_WAIT:
        raise SystemResting(f"{connection.name} is asked more often than its rate allows.", retry_after=round(wait))
    probing = _state(breaker).probing(uow.now)
    breaker.state, breaker.retry_at, breaker.next_slot_at = probing.state, probing.retry_at, mark
    return wait


def _rests(resting: SystemResting, call: Call | None) -> Outcome:
    """Nothing is tried now; what was doubtful before stays so."""
    error = {"cause": "resting", "detail": resting.detail, "retryable": True, "retry_after": resting.retry_after}
    if call and call.status in DOUBTFUL:
        return Outcome(status="unknown", error=error, call_id=call.id)
    return Outcome(status="failed", error=error)


async def _ticket(uow: UnitOfWork, shell: Shell, ask: Ask, connection: Connection, call: Call | None, wait: float) -> Ticket:
    adapter = connector(connection.connector)
    found = adapter.operation_for(ask.capability.name)
    if found is None:
        raise CapabilityNotGranted()
    is_oauth = adapter.auth.kind == "oauth2_client_credentials"
    return Ticket(
        call_id=call.id if call else uow.new_id(), token=uow.new_id(), connection_id=connection.id, connection_name=connection.name,
        customer_id=connection.customer_id, connection_version=connection.version, connector=adapter, operation_name=found[0], operation=found[1],
        capability=ask.capability, config=connection.config, params=ask.params, effect_key=ask.effect_key,
        secret=await credentials.secret_of(uow, shell.vault, connection.id) or "",
        access=await credentials.token_of(uow, shell.vault, connection.id) if is_oauth else None,
        wait=wait, attempts=call.attempts if call else 0, is_doubtful=ask.capability.effect and call is not None and call.status in DOUBTFUL,
        case_retries=await queries.retries_of_case(uow, ask.case_id), started_at=uow.now,
    )  # fmt: skip


def _state(row: CircuitBreaker) -> State:
    return State(row.state, row.failures, row.trips, row.retry_at)


def _at(call: Call) -> str | None:
    return call.finished_at.isoformat() if call.finished_at else None
