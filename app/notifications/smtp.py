"""The way to the mail server: SMTP (RFC 5321) by aiosmtplib over a connection the egress guard made.

Handing over is split at DATA, because what came before can be repeated at will and what came after can't be known:
`offer` (connection, sender, recipient), then the caller writes down its intent, then `hand_over`.
"""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPConnectResponseError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from app.core.addresses import is_loopback
from app.core.egress import Egress
from app.core.errors import Fault
from app.core.settings import WrongSetting
from app.notifications.mail import Letter

SECONDS = 20.0
_OURS = (SMTPAuthenticationError, SMTPConnectResponseError, SMTPHeloError)  # about us, not about this letter: worth another try


class Deferred(Exception):
    """Not now; nothing was handed over."""

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.code = reason, code


class Refused(Deferred):
    """Never; the server won't take this letter."""


class Uncertain(Exception):
    """The connection was lost after the letter left; nobody here knows whether it was taken."""


@dataclass(frozen=True)
class Server:
    """The outgoing mail server of this installation."""

    host: str
    port: int
    username: str | None
    password: str | None
    is_tls: bool

    @property
    def must_upgrade(self) -> bool | None:
        """Whether STARTTLS is a must: it is where a password would travel; else it is used when offered."""
        return True if self.username and not self.is_tls and not _is_here(self.host) else None


def server(url: str) -> Server:
    """Read `smtp://[user:password@]host[:port]` or `smtps://…`; raises WrongSetting."""
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise WrongSetting("DETOUR_SMTP_URL must look like smtp://[user:password@]host:port or smtps://….")
    is_tls = parts.scheme == "smtps"
    user, password = (unquote(part) if part else None for part in (parts.username, parts.password))
    return Server(parts.hostname, parts.port or (465 if is_tls else 587), user, password, is_tls)


class Outgoing:
    """One connection to the mail server, made with the first letter and used for all of a batch."""

    def __init__(self, egress: Egress, url: str) -> None:
        self._egress = egress
        self._url = url
        self._client: SMTP | None = None

    async def offer(self, letter: Letter) -> None:
        """Name sender and recipient; raises Deferred or Refused. Nothing has left yet."""
        try:
            client = await self._connected(letter.sender.rpartition("@")[2])
            wide = not (letter.sender.isascii() and letter.recipient.isascii())
            if wide and not client.supports_extension("smtputf8"):
                raise Refused("The mail server can't take addresses outside ASCII.")
            options, encoding = (["SMTPUTF8"], "utf-8") if wide else ([], "ascii")
            await client.mail(letter.sender, options=options, encoding=encoding)
            await client.rcpt(letter.recipient, encoding=encoding)
        except (SMTPException, OSError, Fault) as trouble:
            await self.close()
            raise judged(trouble) from trouble

    async def hand_over(self, letter: Letter) -> str:
        """Send the letter; returns the server's answer. Raises Deferred or Refused on a clear no, Uncertain on silence."""
        if self._client is None:
            raise Deferred("The connection was closed.")
        try:
            answer = await self._client.data(letter.raw)
        except (SMTPServerDisconnected, SMTPTimeoutError, OSError) as silence:
            await self.close()
            raise Uncertain(f"The mail server went silent: {silence}") from silence
        except SMTPException as trouble:
            await self.close()
            raise judged(trouble) from trouble
        return f"{answer.code} {answer.message}"[:300]

    async def close(self) -> None:
        """Hang up; what the server says to that doesn't matter any more."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _connected(self, own_name: str) -> SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        try:
            to = server(self._url)
        except WrongSetting as wrong:
            raise Deferred("This installation has no mail server yet.") from wrong
        sock = await self._egress.open_connection(to.host, to.port, timeout=SECONDS, by_operator=True)
        # The name we greet with ends up in Received headers: the partner's domain, never this machine's.
        client = SMTP(
            hostname=to.host, sock=sock, use_tls=to.is_tls, start_tls=to.must_upgrade, username=to.username, password=to.password,
            local_hostname=own_name, timeout=SECONDS,
        )  # fmt: skip
        try:
            await client.connect()
        except BaseException:
            client.close()
            sock.close()
            raise
        self._client = client
        return client


def judged(trouble: SMTPException | OSError | Fault) -> Deferred:
    """A clear 5xx about this letter is final; everything else is worth another try."""
    if isinstance(trouble, SMTPResponseException):
        reason = f"{trouble.code} {trouble.message}"[:300]
        final = 500 <= trouble.code < 600 and not isinstance(trouble, _OURS)
        return Refused(reason, trouble.code) if final else Deferred(reason, trouble.code)
    return Deferred(f"The mail server can't be reached: {trouble}"[:300])


def _is_here(host: str) -> bool:
    return host == "localhost" or is_loopback(host)
