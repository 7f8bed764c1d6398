"""The mail catcher: an SMTP server that keeps every message, and refuses on demand."""

from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from simulator.faults import Faults
from simulator.store import Store


class Mailbox:
    """Messages as they arrived, readable by recipient; the aiosmtpd handler of the SMTP server."""

    def __init__(self, store: Store, faults: Faults, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._faults = faults
        self._now = now

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the message, once a recipient; a fault on system `mail` answers 451 (try later) and keeps nothing."""
        if self._faults.strike("*", "mail", "deliver"):
            return "451 4.3.0 Try again later"
        with self._store:
            for address in envelope.rcpt_tos:
                self._keep(str(envelope.mail_from), address, cast(bytes, envelope.content))
        return "250 2.0.0 Kept"

    def _keep(self, mail_from: str, mail_to: str, raw: bytes) -> None:
        self._store.execute(
            "insert into mail (at, mail_from, mail_to, raw) values (?, ?, ?, ?)", (self._now().isoformat(), mail_from, mail_to.lower(), raw)
        )

    def messages(self, to: str | None = None, after: int = 0) -> list[dict[str, Any]]:
        """Messages after a sequence number, oldest first, to one address when asked."""
        narrowed, values = (" and mail_to = ?", (after, to.lower())) if to else ("", (after,))
        rows = self._store.execute(f"select * from mail where seq > ?{narrowed} order by seq", values)
        return [_view(row["seq"], row["at"], row["mail_from"], row["mail_to"], row["raw"]) for row in rows]


def _view(seq: int, at: str, mail_from: str, mail_to: str, raw: bytes) -> dict[str, Any]:
    message = message_from_bytes(raw, policy=policy.default)
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    return {
        "seq": seq,
        "at": at,
        "envelope_from": mail_from,
        "to": mail_to,
        "from": message["from"],
        "subject": message["subject"],
        "headers": [[name, str(value)] for name, value in message.items()],
        "text": text.get_content() if text else None,
        "html": html.get_content() if html else None,
        "raw": raw.decode("latin-1"),
    }
