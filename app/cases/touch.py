"""Whether anybody laid hands on a case: what ended without it is what the automation did alone.

A touch is every command on the case given by a person or an integration (`user:`, `key:`, `link:`): acknowledge, assign, take, next, decline,
snooze, unsnooze, plan, log a call, comment, escalate, propose, message, hand over, resolve, reopen; and every question put or effect made in a connected system for the case by hand. The answers a case waits for
(an approval, an option of an offer, a document) are none; nor is what runs, clocks and policies do. Once touched stays touched.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import or_, select

from app.cases.models import Case
from app.connectors.models import Call
from app.core.uow import UnitOfWork

HANDS: Final = ("user:", "key:", "link:")


def note(uow: UnitOfWork, case: Case) -> None:
    """Notes a command on a case the caller holds and says an event of."""
    if uow.actor.startswith(HANDS):
        case.touched = True


async def is_touched(uow: UnitOfWork, case: Case) -> bool:
    """Whether a person or an integration worked on the case, in it or in a connected system."""
    by_hand = select(Call.id).where(Call.case_id == case.id, or_(*(Call.actor.startswith(hand) for hand in HANDS)))
    return case.touched or (await uow.execute(by_hand.limit(1))).first() is not None
