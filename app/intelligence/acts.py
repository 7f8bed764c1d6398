"""Which events are acts on a case, and whose hand did them. Pure.

A touch is one by hand, exactly as app/cases/touch.py counts: a command on the case by a person, an integration or a link, or a call they made
in a connected system for it. Answers a case waits for (an approval, an option, a document) are none. What a run does is an act, and no touch.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from app.core.events import Event

Hand = Literal["person", "customer", "integration", "link", "run", "other"]

BY_HAND: Final = ("person", "customer", "integration", "link")
_HANDS: Final[dict[str, Hand]] = {"user": "person", "key": "integration", "link": "link", "run": "run"}
COMMANDS: Final = frozenset(
    f"case.{verb}"
    for verb in (
        "acknowledged", "assigned", "declined", "snoozed", "woken", "planned", "called", "commented", "messaged", "escalated", "proposed",
        "handed_over", "resolved", "reopened",
    )
)  # fmt: skip
"""What is said once for each command on a case; what follows from one (waiting, continued, a new place in the queue) is said besides."""
ASKED: Final = frozenset(("offer.made", "approval.requested", "document.required", "notice.queued"))
"""What a run does about a case besides."""
_ENDS: Final = frozenset(("call.succeeded", "call.failed", "call.unknown"))


class Act(msgspec.Struct, frozen=True):
    """One act: its event, the case, and the hand; `closed_alone` is said of the end of a case only.

    Whether a person is the partner's or a customer's no event tells: that is looked up when the act is written.
    """

    id: UUID
    case_id: UUID
    type: str
    hand: Hand
    user_id: UUID | None
    is_touch: bool
    closed_alone: bool | None
    actor: str
    at: datetime


def act_of(event: Event) -> Act | None:
    """The act an event tells of, None when it tells of none."""
    hand = _HANDS.get(event.actor.partition(":")[0], "other")
    case_id = case_of(event)
    is_command, is_call = event.type in COMMANDS, _is_call(event)
    if case_id is None or not (is_command or is_call or (hand == "run" and event.type in ASKED)):
        return None
    if hand == "other" and event.type not in ("case.resolved", "case.reopened"):
        return None
    is_touch = hand in BY_HAND and (is_command or is_call)
    alone = not event.data.get("touched", False) if event.type == "case.resolved" else None
    user_id = as_id(event.actor.partition(":")[2]) if hand == "person" else None
    return Act(event.id, case_id, event.type, hand, user_id, is_touch, alone, event.actor, event.occurred_at)


def _is_call(event: Event) -> bool:
    """A call with an effect counts when it goes out, a question when it was answered or failed; nothing counts twice."""
    return event.type == "call.started" or (event.type in _ENDS and not event.data.get("effect"))


def case_of(event: Event) -> UUID | None:
    """The case an event is about."""
    named: Any = event.data.get("case_id")
    if not named and event.key and event.key.startswith("case:"):
        named = event.key.removeprefix("case:")
    return as_id(named)


def as_id(value: Any) -> UUID | None:
    """The id a text holds, None when it holds none."""
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None


def cases_of(event: Event) -> set[UUID]:
    """The cases whose facts an event may change: the one it is about, and the one it followed on."""
    previous = event.data.get("previous_id") if event.type == "case.opened" else None
    return {case for case in (case_of(event), as_id(previous)) if case is not None}


FOLDED: Final = ("case.", "call.", "offer.made", "approval.requested", "document.required", "notice.queued", "notice.delivered")
"""Events that can change what figures say of a case begin with one of these."""
