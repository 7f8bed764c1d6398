"""A case's timeline in words: which events stand on it, what they say to the partner's people, and what of it a customer reads.

A customer reads plain words and the few facts named here; an event without words for customers isn't on their timeline at all. Events of
other rooms that this page doesn't know stand on the partner's timeline under their own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from app.core.events import Event

Audience = Literal["partner", "customer"]


class Entry(msgspec.Struct, frozen=True):
    """One line of a timeline. `id` is the event's; `occurred_at` is when it happened, `recorded_at` when we learned it.

    `by` is the actor (`user:<id>`), `who` what people call them; a customer reads only which sort of actor it was.
    """

    id: UUID
    type: str
    title: str
    by: str
    occurred_at: datetime
    recorded_at: datetime
    facts: dict[str, Any]
    who: str = ""


class Words(msgspec.Struct, frozen=True):
    """What an event says to the partner, what to the customer (nothing: it isn't theirs to read), and the facts the customer sees."""

    partner: str
    customer: str = ""
    facts: tuple[str, ...] = ()


WORDS: Final[dict[str, Words]] = {
    "case.opened": Words("Case opened: {title}", "We noticed a problem: {title}", ("title",)),
    "case.grouped": Words("Another signal joined the case", "More information about the problem arrived"),
    "case.reprioritised": Words("Priority is now {level}"),
    "case.proposed": Words("Proposed: {capability}"),
    "case.acknowledged": Words("Acknowledged", "Our team is looking at it"),
    "case.assigned": Words("{owner} owns it now{why}"),
    "case.declined": Words("{who} gave it back{why}"),
    "case.snoozed": Words("Put aside until {until}, waiting for {awaits}"),
    "case.woken": Words("Back in the queue: {reason}"),
    "case.called": Words("{call}"),
    "case.planned": Words("Next: {next_step}"),
    "case.moved": Words("Now with {carrier}, {route}"),
    "case.messaged": Words("Message to {readers}: {subject}"),
    "case.unsent": Words("Message taken back before it left: {subject}"),
    "case.handed_over": Words("{from_owner} handed it over to {owner}"),
    "case.waiting": Words("Waiting for an answer", "We are waiting for an answer"),
    "case.continued": Words("No longer waiting", "Work goes on"),
    "case.escalated": Words("Escalated: {reason}", "Passed on to a senior colleague"),
    "case.warned": Words("The {clock} clock is nearly used up"),
    "case.breached": Words("The {clock} clock was breached"),
    "case.commented": Words("Comment: {text}", "{text}"),
    "case.resolved": Words("Resolved: {outcome}", "Solved: {outcome}", ("outcome", "cause")),
    "case.reopened": Words("Reopened: {reason}", "Opened again"),
    "deviation.recorded": Words("Resolved without a check of the source: {reason}"),
    "decision.made": Words("A policy decided"),
    "approval.requested": Words("Approval requested"),
    "approval.decided": Words("Approval {outcome}"),
    "approval.used": Words("Approval used for: {capability}"),
    "approval.expired": Words("Approval expired"),
    "offer.made": Words("Options sent", "We sent options to choose from"),
    "offer.answered": Words("Option chosen: {option_label}", "Option chosen: {option_label}", ("option_label",)),
    "offer.expired": Words("Nobody answered in time", "No answer arrived in time"),
    "order.cutoff_missed": Words("The order missed the warehouse cutoff", "Your order missed the warehouse cutoff"),
    "document.required": Words("A document is needed", "A document is needed", ("kind",)),
    "document.uploaded": Words("A document arrived", "Your document arrived", ("kind",)),
    "document.refused": Words("The document was refused", "The document was refused", ("kind", "reason")),
    "document.verified": Words("The document was verified", "Your document was verified", ("kind",)),
    "order.recorded": Words("The order was recorded"),
    "shipment.recorded": Words("The shipment was recorded"),
    "shipment.milestone_recorded": Words("The carrier reported: {milestone}"),
    "promise.due": Words("A promise falls due: {name}"),
    "promise.missed": Words("A promise was missed: {name}"),
    "promise.kept": Words("A promise was kept: {name}"),
    "workflow.missed": Words("No workflow is called {name}"),
    "run.started": Words("A workflow started"),
    "run.suspended": Words("The workflow needs a person"),
    "run.resumed": Words("The workflow goes on"),
    "run.cancelled": Words("The workflow was cancelled"),
    "run.faulted": Words("The workflow failed"),
    "run.completed": Words("The workflow ended"),
    "call.started": Words("A system is asked: {capability}"),
    "call.succeeded": Words("A system answered: {capability}"),
    "call.failed": Words("A system failed: {capability}"),
    "call.unknown": Words("It isn't known what became of: {capability}"),
    "notice.queued": Words("A message is on its way"),
    "link.used": Words("A link was used"),
    "notice.delivered": Words("A message was delivered", "We sent a message"),
    "notice.failed": Words("A message could not be delivered"),
    "access.denied": Words("Refused: {reason}"),
}

_ACTORS: Final = {"user": "person", "key": "integration", "run": "workflow", "link": "link", "model": "assistant", "system": "system"}


_OTHERS: Final = {"run": "a workflow", "link": "a signed link", "model": "the assistant", "system": "the system"}
_CALLS: Final = {
    "reached": "{who} {way} {whom}",
    "no_answer": "{who} {way} {whom}, nobody answered",
    "left_message": "{who} {way} {whom} and left a message",
    "refused": "{who} {way} {whom}, who refused",
}


def entry(event: Event, audience: Audience, names: Mapping[str, str] | None = None) -> Entry | None:
    """The line an event makes on a timeline, or None when this reader doesn't get one.

    `names`: what people are called, by actor and by id (people.names); who isn't among them goes without a name.
    """
    words = WORDS.get(event.type)
    if audience == "partner":
        who = called(event.actor, names or {})
        title = _say(words.partner, {**event.data, **_people(event, who, names or {})}) if words else event.type
        return _line(event, title, event.actor, dict(event.data), who)
    if words is None or not words.customer or event.data.get("internal"):
        return None
    shown = {name: event.data[name] for name in words.facts if event.data.get(name) is not None}
    return _line(event, _say(words.customer, event.data), _ACTORS.get(event.actor.partition(":")[0], "system"), shown)


def called(actor: str, names: Mapping[str, str]) -> str:
    """What people call an actor."""
    kind = actor.partition(":")[0]
    return names.get(actor) or _OTHERS.get(kind) or ("somebody" if kind == "user" else "an integration")


def _people(event: Event, who: str, names: Mapping[str, str]) -> dict[str, str]:
    """The parts of a sentence that are made of more than one fact, or of somebody's name."""
    data = event.data
    owner = names.get(str(data.get("owner_id")), "somebody") if data.get("owner_id") else "nobody"
    told = {"who": who, "owner": owner, "from_owner": names.get(str(data.get("from_owner_id")), "somebody")}
    told["why"] = f": {data['reason']}" if data.get("reason") else ""
    if event.type == "case.called":
        told["call"] = _call(data, who)
    if event.type == "case.snoozed":
        told["until"] = f"{datetime.fromisoformat(str(data['until'])):%d %b %H:%M} UTC"
    if event.type == "case.messaged":
        told["readers"] = "1 reader" if data.get("readers") == 1 else f"{data.get('readers')} readers"
    if event.type == "case.moved":
        told |= {
            "carrier": str(data.get("carrier") or "no carrier yet"),
            "route": f"{data.get('origin') or '?'} to {data.get('destination') or '?'}",
        }
    return told


def _call(data: Mapping[str, Any], who: str) -> str:
    whom = f"the {data['who']}" if data.get("who") != "other" else "somebody"
    whom = f"{data['name']} ({whom})" if data.get("name") else whom
    said = _CALLS[str(data["outcome"])].format_map(
        {"who": who, "way": "called" if data.get("direction") == "out" else "was called by", "whom": whom}
    )
    said += f": {data['note']}" if data.get("note") else ""
    return f"{said}. Next: {data['next_step']}" if data.get("next_step") else said


def _line(event: Event, title: str, by: str, facts: dict[str, Any], who: str = "") -> Entry:
    return Entry(event.id, event.type, title, by, event.occurred_at, event.recorded_at, facts, who)


def _say(words: str, data: Mapping[str, Any]) -> str:
    return words.format_map(_Told(data)).rstrip(": ")


class _Told(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return ""
