"""Sign-in by e-mail: the port the mail goes through, and the page a link shows until a portal renders its own."""

from datetime import datetime
from html import escape
from typing import Literal, Protocol
from uuid import UUID

from app.core.uow import UnitOfWork

Shown = Literal["confirm", "unusable", "done"]

_WORDS: dict[Shown, tuple[str, str]] = {
    "confirm": ("Sign in", "Press the button to sign in on this device. The link works once."),
    "unusable": ("This link can't be used", "It has expired or was used already. Ask for a new one."),
    "done": ("You are signed in", "You can close this page or go on to the portal."),
}


class SignInMail(Protocol):
    """Brings somebody the link they asked for, in the look and name of their partner."""

    async def send(
        self, uow: UnitOfWork, *, to: str, name: str, locale: str | None, url: str, expires_at: datetime, customer_id: UUID | None
    ) -> None:
        """Queue the mail within this transaction; the link must not be readable wherever it waits."""
        ...


def page(shown: Shown) -> str:
    """Return a page without any brand, script or remote content; its only button posts to the address it was fetched from."""
    title, text = _WORDS[shown]
    form = '<form method="post"><button type="submit">Sign in</button></form>' if shown == "confirm" else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta name="robots" content="noindex"><title>{escape(title)}</title></head>'
        f"<body><main><h1>{escape(title)}</h1><p>{escape(text)}</p>{form}</main></body></html>"
    )
