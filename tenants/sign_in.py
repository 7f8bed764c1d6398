"""Sign-in by e-mail: the ports its mail and its pages go through, in the look and name of whoever's host it is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol
from urllib.parse import urlsplit
from uuid import UUID

from app.core.services import Shell
from app.core.uow import UnitOfWork

_LONGEST_PATH = 2_000

Step = Literal["confirm", "unusable", "done"]


class SignInMail(Protocol):
    """Brings somebody the link they asked for."""

    async def send(
        self, uow: UnitOfWork, *, to: str, name: str, locale: str | None, url: str, expires_at: datetime, customer_id: UUID | None
    ) -> None:
        """Queue the mail within this transaction; the link must not be readable wherever it waits."""
        ...


class Shown(Protocol):
    """A page ready to send: its headers (its content security policy among them) and HTML."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def html(self) -> str: ...


class SignInPage(Protocol):
    """Shows one step of signing in on `host`: a button that posts to the page's own address, that the link is spent, or that it is done."""

    async def __call__(self, shell: Shell, host: str, step: Step) -> Shown: ...


def local_path(given: str) -> str:
    """Return `given` when it leads to a page of this very host, else "": an address elsewhere would let anybody borrow our door."""
    fine = given.startswith("/") and not given.startswith("//") and given.isprintable() and len(given) <= _LONGEST_PATH
    parts = urlsplit(given) if fine and "\\" not in given else None
    return given if parts is not None and not parts.scheme and not parts.netloc and not parts.path.startswith("/sign-") else ""
