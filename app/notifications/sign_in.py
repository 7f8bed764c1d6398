"""The mail that brings a sign-in link, in the partner's brand; what the `tenants` room asks for when somebody wants to sign in."""

from datetime import datetime
from uuid import UUID

import msgspec

from app.core.secrets import Vault
from app.core.uow import UnitOfWork
from app.notifications.commands.send import send
from app.notifications.links import digest
from app.notifications.preparing import SIGN_IN
from app.notifications.schemas import Recipient


class SignInMailer:
    """Queues the template `sign-in`; the address with its token is sealed until the letter leaves."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def send(
        self, uow: UnitOfWork, *, to: str, name: str, locale: str | None, url: str, expires_at: datetime, customer_id: UUID | None
    ) -> None:
        """Queue the mail once for this address."""
        plain = msgspec.json.encode({"url": url})
        sealed = await self._vault.seal(uow, table="notifications.notice", row=uow.tenant_id, field="sealed_context", plain=plain)
        await send(
            uow, template=SIGN_IN, to=[Recipient(to, name, locale)], context={"expires_at": expires_at.isoformat()}, customer_id=customer_id,
            key=f"sign-in:{digest(url).hex()}", sealed_context=sealed,
        )  # fmt: skip
