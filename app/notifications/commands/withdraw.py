"""Withdraw: take back notices that nobody has been handed yet; a withdrawn notice never leaves."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy import text as sql

from app.core.errors import Conflict
from app.core.uow import UnitOfWork
from app.notifications.commands.send import about
from app.notifications.models import Notice

_DROP = sql("select core.drop_work('notice', subject) from unnest(cast(:ids as uuid[])) as subject order by subject")


class NoticeLeft(Conflict):
    """This message is on its way; it can't be taken back any more."""


async def withdraw(uow: UnitOfWork, notice_ids: Sequence[UUID]) -> list[Notice]:
    """Take back all of these notices, or none: NoticeLeft when a try at delivering one has begun. Publishes notice.withdrawn each."""
    # The work first, then the notices, as whoever delivers takes them: a letter about to be handed over finds its lease gone and stops.
    await uow.session.execute(_DROP, {"ids": list(notice_ids)})
    query = select(Notice).where(Notice.id.in_(notice_ids)).order_by(Notice.id).with_for_update(key_share=True)
    notices = list((await uow.execute(query.execution_options(populate_existing=True))).scalars())
    for notice in notices:
        if notice.status != "queued" or notice.attempts:
            raise NoticeLeft()
    for notice in notices:
        notice.status, notice.settled_at, notice.sealed_context = "withdrawn", uow.now, None
        uow.publish("notice.withdrawn", of=notice, key=f"notice:{notice.id}", data=about(notice))
    return notices
