"""A template sent to whoever edits it, filled with its own example: how it arrives in a real mailbox."""

from uuid import UUID

from app.core.errors import Conflict
from app.core.uow import UnitOfWork
from app.notifications.commands.send import send
from app.notifications.models import Notice, Template
from app.notifications.queries import Chosen, content_of
from app.notifications.schemas import Recipient
from tenants.models import User

TEST_KEY = "template-test:"


class NobodyToSendTo(Conflict):
    """A test goes to the person who asks; a key has no mailbox. Sign in and send it from the template's page."""


async def send_test(uow: UnitOfWork, row: Template, *, user_id: UUID | None, locale: str | None = None) -> Notice:
    """Queue this very version, published or not, to the user's own address and nobody else's. Raises NobodyToSendTo."""
    user = await uow.find(User, user_id) if user_id else None
    if user is None:
        raise NobodyToSendTo()
    content = content_of(row)
    to = Recipient(user.email, user.name, locale or user.locale, user.zone, "internal")
    (notice,) = await send(
        uow, template=row.name, to=[to], context=content.example, locale=locale, customer_id=row.customer_id, key=f"{TEST_KEY}{uow.new_id()}",
        pinned=Chosen(row.id, content),
    )  # fmt: skip
    return notice
