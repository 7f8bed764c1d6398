"""What the functions of the default catalog and HTTP calls do in the world.

An effect is performed in two parts: what leaves the house (a connector, HTTP, a policy's evaluation) comes first, outside any
transaction and under the effect's key; what is written here comes in the same commit as the run's turn, so a function that makes
something and waits for it never has the one without the other.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from app.canonical import documents
from app.cases import approvals, offers
from app.cases import commands as cases
from app.cases.models import Case
from app.cases.queries import case_facts
from app.connectors.commands import invoke
from app.core.errors import Conflict, Fault, Invalid, LimitReached, NotAllowed, NotFound, Unavailable
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.notifications.commands import send
from app.notifications.schemas import LinkSpec, Recipient
from app.policies.commands import publish_decision, redecide
from app.policies.schemas import Input
from app.workflows import durations, web
from app.workflows.engine import Effect
from app.workflows.problems import Problem, standard

APPROVAL_LASTS = "P2D"
OFFER_LASTS = "P1D"
LINK_LASTS = "P14D"
# Our own errors in the specification's words; the first that fits.
_KINDS: tuple[tuple[type[Fault], str], ...] = (
    (NotAllowed, "authorization"), (Invalid, "validation"), (NotFound, "configuration"), (Conflict, "runtime"),
    (LimitReached, "runtime"),
)  # fmt: skip


class Performer(msgspec.Struct, frozen=True):
    """For whom effects are performed: a run acts in its own name and for its own customer and case."""

    tenant_id: UUID
    run_id: UUID
    customer_id: UUID | None
    case_id: UUID | None
    trace: str | None = None

    @property
    def actor(self) -> str:
        """How events name it."""
        return f"run:{self.run_id}"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an effect: an answer, a problem (`definite` when it surely was not done), or something that waits for an event."""

    output: Any = None
    problem: Problem | None = None
    definite: bool = False
    about: dict[str, Any] | None = None
    event_key: str | None = None

    @property
    def status(self) -> str:
        """As the effect's row keeps it."""
        if self.problem is None:
            return "done"
        return "refused" if self.definite else "unknown" if self.problem.status == 504 else "failed"


Write = Callable[[UnitOfWork], Awaitable[Outcome]]


class NoCase(Invalid):
    """This function works on a case, and this run has none."""


async def perform(shell: Shell, who: Performer, effect: Effect) -> Outcome | Write:
    """Do what leaves the house; what is left to write comes back as a function of the turn's transaction."""
    request = effect.request
    try:
        if request["kind"] == "http":
            return Outcome(output=await web.exchange(shell, who, request, effect.key))
        name = request["function"].split(":")[0]
        return await _FUNCTIONS[name](shell, who, effect, request["with"])
    except web.Unreached as error:
        return Outcome(problem=error.problem)
    except Unavailable:
        raise  # ours, not the peer's: the run keeps its place and goes on when we are well again
    except Fault as fault:
        return refusal(fault)


def refusal(fault: Fault) -> Outcome:
    """An error of ours as the problem a workflow can catch; what was refused here was never done."""
    kind = next((kind for known, kind in _KINDS if isinstance(fault, known)), "runtime")
    details = "; ".join(f"{each.pointer} {each.detail}" for each in fault.errors[:5])
    detail = f"{fault.detail} ({details})" if details else fault.detail
    return Outcome(problem=standard(kind, detail, "", status=fault.status, title=fault.title))


async def _capability(shell: Shell, who: Performer, effect: Effect, given: dict[str, Any]) -> Outcome:
    found = await invoke(
        shell, tenant=who.tenant_id, actor=who.actor, customer_id=who.customer_id, case_id=who.case_id, capability=given["name"],
        params=given.get("params", {}), effect_key=effect.key, run_id=who.run_id,
    )  # fmt: skip
    if found.status == "done":
        told = {"call_id": found.call_id, "connection": found.connection, "answered_at": found.answered_at}
        return Outcome(output={"response": found.response, **{name: None if value is None else str(value) for name, value in told.items()}})
    error = found.error or {}
    detail = f"{given['name']}: {error.get('detail') or found.status}"
    status = 504 if found.status == "unknown" else int(error.get("status") or 502)
    return Outcome(problem=standard("communication", detail, "", status=status), definite=found.status == "refused")


async def _policy(shell: Shell, who: Performer, effect: Effect, given: dict[str, Any]) -> Write:
    async with shell.read(who.tenant_id, actor=who.actor) as uow:
        case = await uow.get(Case, _case(who))
        facts = await case_facts(uow, case.id)
        customer_id, decision_id, now = case.customer_id, case.decision_id, uow.now
    extra = [
        Input(
            name=each["name"], value=each["value"], source=each.get("source", who.actor), observed_at=_moment(each.get("observed_at"), now)
        )
        for each in given.get("inputs", ())
    ]
    decision = await redecide(shell, tenant=who.tenant_id, customer_id=customer_id, decision_id=decision_id, case_facts=facts, extra=extra)

    async def write(uow: UnitOfWork) -> Outcome:
        event = await publish_decision(uow, decision)
        told = msgspec.to_builtins(decision)
        kept = ("priority", "money_at_risk", "missing", "changes")
        return Outcome(output={"decision_id": str(event.id), **{name: told.get(name) for name in kept}})

    return write


async def _notify(shell: Shell, who: Performer, effect: Effect, given: dict[str, Any]) -> Write:
    people = given["to"] if isinstance(given["to"], list) else [given["to"]]
    recipients = [_recipient(each) for each in people]

    async def write(uow: UnitOfWork) -> Outcome:
        notices = await _send(uow, who, effect, recipients, given, links=[])
        return Outcome(output={"notices": [str(each.id) for each in notices]})

    return write


async def _approval(shell: Shell, who: Performer, effect: Effect, given: dict[str, Any]) -> Write:
    async def write(uow: UnitOfWork) -> Outcome:
        row = await approvals.request(
            uow, case_id=_case(who), kind=given["kind"], amount_minor=given.get("amount_minor"), currency=given.get("currency"),
            subject=given.get("subject", {}), key=effect.key, expires_at=_expiry(uow, given, APPROVAL_LASTS),
            role=given.get("role", "approver"),
        )  # fmt: skip
        return Outcome(about={"id": str(row.id)}, event_key=f"approval:{row.id}")

    return write


async def _offer(shell: Shell, who: Performer, effect: Effect, given: dict[str, Any]) -> Write:
    recipient = _recipient(given["to"])

    async def write(uow: UnitOfWork) -> Outcome:
        expires_at = _expiry(uow, given, OFFER_LASTS)
        row = await offers.make(
            uow,
            case_id=_case(who),
            to=given["to"],
            options=given["options"],
            default=given.get("default"),
            expires_at=expires_at,
            key=effect.key,
        )
        if "template" in given:
            shown = [{**each, "is_default": each.get("id") == given.get("default")} for each in given["options"]]
            context = {"answer_by": expires_at.isoformat(), "options": shown, **given.get("context", {})}
            link = LinkSpec(name="offer", kind="offer", subject_id=row.id, expires_at=expires_at, to=recipient.address)
            await _send(uow, who, effect, [recipient], {**given, "context": context}, links=[link])
        return Outcome(about={"id": str(row.id)}, event_key=f"offer:{row.id}")

    return write


async def _document(shell: Shell, who: Performer, effect: Effect, given: dict[str, Any]) -> Write:
    notice = given.get("notice")
    recipient = _recipient(notice["to"]) if notice else None

    async def write(uow: UnitOfWork) -> Outcome:
        case = await uow.get(Case, _case(who))
        row = await documents.require(
            uow, kind=given["kind"], customer_id=case.customer_id, order_id=case.order_id, shipment_id=case.shipment_id, case_id=case.id
        )
        if notice is not None and recipient is not None:
            link = LinkSpec(
                name=notice.get("link", "document"), kind="document", subject_id=row.id, expires_at=_expiry(uow, given, LINK_LASTS),
                payload={"document_kind": given["kind"]}, to=recipient.address,
            )  # fmt: skip
            await _send(uow, who, effect, [recipient], notice, links=[link])
        about = {"id": str(row.id), "kind": given["kind"]}
        if row.status == documents.SETTLED:
            return Outcome(output={"document_id": about["id"], "kind": given["kind"], "status": "verified"})
        return Outcome(about=about, event_key=f"document:{row.id}")

    return write


async def _case_function(shell: Shell, who: Performer, effect: Effect, given: dict[str, Any]) -> Write:
    async def write(uow: UnitOfWork) -> Outcome:
        case_id = _case(who)
        match given["action"]:
            case "comment":
                await cases.comment(uow, case_id, given.get("text", ""), visible=given.get("visible", False))
            case "escalate":
                await cases.escalate(uow, case_id, given.get("reason", "The workflow asks for help."))
            case _:
                evidence = given.get("evidence_call_id")
                if given.get("note"):
                    await cases.comment(uow, case_id, given["note"])
                await cases.resolve(
                    uow,
                    case_id,
                    outcome=given.get("outcome", ""),
                    cause=given.get("cause", ""),
                    evidence_call_id=UUID(evidence) if evidence else None,
                )
        return Outcome(output={"case_id": str(case_id), "action": given["action"]})

    return write


_FUNCTIONS: dict[str, Callable[[Shell, Performer, Effect, dict[str, Any]], Awaitable[Outcome | Write]]] = {
    "capability": _capability, "policy": _policy, "notify": _notify, "approval": _approval, "offer": _offer, "document": _document,
    "case": _case_function,
}  # fmt: skip


async def _send(uow: UnitOfWork, who: Performer, effect: Effect, to: list[Recipient], given: dict[str, Any], links: list[LinkSpec]) -> Any:
    return await send(
        uow, template=given["template"], to=to, context=given.get("context", {}), locale=given.get("locale"), case_id=who.case_id,
        customer_id=who.customer_id, key=effect.key, links=links,
    )  # fmt: skip


def _case(who: Performer) -> UUID:
    if who.case_id is None:
        raise NoCase()
    return who.case_id


def _recipient(person: Any) -> Recipient:
    try:
        return msgspec.convert(person, Recipient)
    except msgspec.ValidationError as error:
        raise Invalid(f"This is nobody to write to: {error}") from None


def _expiry(uow: UnitOfWork, given: dict[str, Any], otherwise: str) -> datetime:
    try:
        return uow.now + timedelta(milliseconds=durations.milliseconds(given.get("expires_in", otherwise)))
    except ValueError as error:
        raise Invalid(f"expires_in {error}.") from None


def _moment(text: str | None, otherwise: datetime) -> datetime:
    if text is None:
        return otherwise
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is no moment; write for example 2026-11-23T17:05:00+01:00.") from None
