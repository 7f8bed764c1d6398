"""Delivering what is queued: the work of kind "notice".

What a crash may do is decided by the order: offer the letter to the server, write down the intent, hand it over,
write down the answer. A crash before the intent repeats nothing anybody saw; one after it leaves the outcome unknown,
says so, and sends the same letter again under the same Message-ID.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from sqlalchemy import text as sql

from app.core import faults
from app.core.services import Shell, WorkItem
from app.core.uow import LostLease, UnitOfWork
from app.notifications.commands import settle
from app.notifications.commands.send import about
from app.notifications.commands.settle import Prepared
from app.notifications.models import Notice
from app.notifications.preparing import Unsendable, prepare, seal, verdict
from app.notifications.smtp import Deferred, Outgoing, Refused, Uncertain

# The worker renews the lease while a slow server takes its minute a letter; a short one makes a dead worker's letters soon another's.
BATCH = 5
LEASE = timedelta(seconds=6)
_RENEW = sql("select core.renew_work(cast(:ids as uuid[]), :token, :lease)")


async def deliver(shell: Shell, items: list[WorkItem]) -> None:
    """Deliver each notice, over one connection; what becomes of one is settled before the next begins."""
    post = Outgoing(shell.egress, shell.settings.smtp_url)
    troubles: list[Exception] = []
    try:
        for item in items:
            try:
                await _deliver(shell, item, post)
            except Exception as trouble:  # one letter's trouble must not use up the tries of the others; told below
                troubles.append(trouble)
                # A letter named to the server and then not handed over (it was taken back) would stand in the next one's way.
                await post.close()
    finally:
        await post.close()
    if troubles:
        raise troubles[0]


async def _deliver(shell: Shell, item: WorkItem, post: Outgoing) -> None:
    notice = await _take_up(shell, item)
    if notice is None:
        return
    judged = await verdict(shell, notice)
    if not judged.allowed:
        denial = {"capability": f"notice:{notice.template}", "rule": judged.rule, "reason": judged.reason, "remedy": judged.remedy}
        await _settled(shell, item, lambda uow, row: _deny(uow, row, judged.reason, denial))
        return
    await _send(shell, item, notice, post)


async def _send(shell: Shell, item: WorkItem, notice: Notice, post: Outgoing) -> None:
    try:
        prepared = await prepare(shell, notice)
        await post.offer(prepared.letter)
        await _intend(shell, item, prepared)
        faults.point("notice-before-data")
        answer = await post.hand_over(prepared.letter)
        faults.point("notice-after-data")
    except Unsendable as wrong:
        reason = str(wrong)
        await _settled(shell, item, lambda uow, row: settle.failed(uow, row, reason))
    except Refused as no:
        reason, code = no.reason, no.code
        await _settled(shell, item, lambda uow, row: settle.failed(uow, row, reason, code))
    except Deferred as later:
        reason, code = later.reason, later.code
        await _settled(shell, item, lambda uow, row: settle.deferred(uow, row, reason, code))
    except Uncertain as silence:
        reason = str(silence)
        await _settled(shell, item, lambda uow, row: settle.lost_sight(uow, row, reason))
    else:
        await _settled(shell, item, lambda uow, row: settle.delivered(uow, row, answer))


async def _take_up(shell: Shell, item: WorkItem) -> Notice | None:
    """Return the notice, None when it was settled before; one left in `sending` means a worker died with it."""
    async with _open(shell, item) as uow:
        notice = await uow.get(Notice, item.subject, lock=True)
        if notice.settled_at:
            await uow.finish(item)
            return None
        if notice.status == "sending":
            settle.interrupted(uow, notice)
        return notice


async def _intend(shell: Shell, item: WorkItem, prepared: Prepared) -> None:
    """Write down that the letter goes out now; LostLease when the work is another's by now."""
    async with _open(shell, item) as uow:
        held = await uow.session.scalar(_RENEW, {"ids": [item.id], "token": item.token, "lease": LEASE})
        if not held:
            raise LostLease(f"notice {item.subject}")
        notice = await uow.get(Notice, item.subject, lock=True)
        await settle.attempt(uow, notice, prepared, await seal(shell, uow, notice, prepared))


async def _settled(shell: Shell, item: WorkItem, change: Callable[[UnitOfWork, Notice], None]) -> None:
    """Finish the work and write down what became of the notice, together."""
    async with _open(shell, item) as uow:
        notice = await uow.get(Notice, item.subject, lock=True)
        await uow.finish(item)
        change(uow, notice)


def _deny(uow: UnitOfWork, notice: Notice, reason: str, denial: dict[str, str | None]) -> None:
    uow.publish("access.denied", of=notice, key=f"notice:{notice.id}", data={**about(notice), **denial})
    settle.failed(uow, notice, f"Held back: {reason}")


def _open(shell: Shell, item: WorkItem) -> AbstractAsyncContextManager[UnitOfWork]:
    return shell.unit_of_work(item.tenant_id, actor="system:notices")
