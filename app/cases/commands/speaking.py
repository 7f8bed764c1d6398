"""What people say on a case: comments that call others, and calls they made."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.cases import people, snoozing, touch
from app.cases.mentions import found
from app.cases.models import Case, CaseComment, CaseMention, CaseTalk
from app.cases.schemas import Direction, Reached, Snooze, Spoken
from app.cases.telling import for_the_whole_house, held, live, tell
from app.core.errors import FieldError, Invalid
from app.core.uow import UnitOfWork
from app.notifications.commands import send
from app.notifications.schemas import Recipient
from tenants.models import User


class CommentIsRead(Invalid):
    """What is written by somebody confined to one customer is read by that customer; say that it may be."""

    status = 422


async def comment(
    uow: UnitOfWork, case_id: UUID, text: str, *, visible: bool = False, mentions: Sequence[UUID] = (), expected: int | None = None
) -> CaseComment:
    """Writes on the case, a resolved one too; the customer reads it only when it is `visible`. Publishes case.commented.

    Who is called in it (mentions.py) finds it in the inbox and gets a mail. Raises MentionUnclear, MentionRefused,
    and CommentIsRead for who can't keep anything from the customer.
    """
    if uow.customer_id is not None and not visible and await _is_of_the_house(uow):
        raise CommentIsRead(errors=[FieldError("/visible", "is false", "Let the customer read it.")])
    case = await held(uow, case_id, expected)
    touch.note(uow, case)
    shown = visible or uow.customer_id is not None
    # A customer's people call nobody: they don't know who works here.
    called = [] if uow.customer_id is not None else await found(uow, case, text, mentions, visible=shown)
    row = uow.add(
        CaseComment(customer_id=case.customer_id if shown else None, case_id=case_id, author=uow.actor, text=text, written_at=uow.now)
    )
    marks = [uow.add(CaseMention(customer_id=row.customer_id, case_id=case_id, comment_id=row.id, user_id=user.id)) for user in called]
    # The event of an inner comment carries no customer either, so it stays in the partner's own log.
    told = {"comment_id": row.id, "text": text, "internal": not shown, "mentions": [user.id for user in called]}
    await tell(uow, case, "commented", told, of=row, also=marks)
    await _write_to(uow, case, row, called)
    return row


async def _is_of_the_house(uow: UnitOfWork) -> bool:
    """Whether who acts inside one customer's scope is one of the partner's people: the customer's scope doesn't show their row."""
    me = await people.who(uow)
    return uow.actor.startswith("user:") and uow.acting_for is None and (me is None or await uow.find(User, me) is None)


async def _write_to(uow: UnitOfWork, case: Case, row: CaseComment, called: Sequence[User]) -> None:
    others = [user for user in called if uow.actor != f"user:{user.id}"]
    for is_customers in (False, True):
        readers = [user for user in others if (user.customer_id is not None) == is_customers]
        if not readers:
            continue
        to = [
            Recipient(user.email, user.name, user.locale, user.zone, audience="customer" if is_customers else "internal")
            for user in readers
        ]
        await send(
            uow, template="mentioned", to=to, context={"title": case.title, "text": row.text}, case_id=case.id, customer_id=case.customer_id,
            key=f"mention:{row.id}:{'customer' if is_customers else 'partner'}",
        )  # fmt: skip


async def log_call(
    uow: UnitOfWork,
    case_id: UUID,
    *,
    who: Spoken,
    direction: Direction,
    outcome: Reached,
    name: str | None = None,
    note: str | None = None,
    next_step: str | None = None,
    snooze: Snooze | None = None,
    expected: int | None = None,
) -> CaseTalk:
    """Notes a word on the telephone; what comes next goes to the queue's line, and `snooze` puts the case aside in the same act.

    Publishes case.called, and case.snoozed where the case rests. Raises SnoozePastClock, and then notes nothing.
    """
    for_the_whole_house(uow)
    case = await live(uow, case_id, expected)
    touch.note(uow, case)
    row = uow.add(
        CaseTalk(
            case_id=case_id, who=who, name=name, direction=direction, outcome=outcome, note=note, next_step=next_step, logged_by=uow.actor,
            logged_at=uow.now,
        )
    )  # fmt: skip
    case.next_step = next_step or case.next_step
    told = {"talk_id": row.id, "who": who, "name": name, "direction": direction, "outcome": outcome, "note": note, "next_step": next_step}
    await tell(uow, case, "called", told | {"internal": True}, of=row)
    if snooze is not None:
        await snoozing.put_aside(uow, case, awaits=snooze.awaits, until=snooze.until, event=snooze.event)
    return row
