"""A mail message: built by the standard library's e-mail package, one recipient each, in the partner's name.

The Message-ID (RFC 5322) comes from the notice's key, so sending the same notice twice after an unknown outcome
carries the same identity and the receiver can drop the copy. `Auto-Submitted` (RFC 3834) stops answering machines.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError, MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from app.core.errors import FieldError, Invalid
from app.notifications.schemas import Recipient, Rendered
from branding.schemas import Voice

_PLAIN = SMTP.clone(cte_type="7bit")  # not every server on the way takes 8 bits
_WIDE = SMTPUTF8.clone(cte_type="7bit")


class MailUnusable(Invalid):
    """This message can't be put into a mail."""

    status = 422


@dataclass(frozen=True)
class Letter:
    """A mail ready for the wire: envelope addresses and the bytes between DATA and the dot."""

    sender: str
    recipient: str
    message_id: str
    raw: bytes


def message_id(identity: str, domain: str) -> str:
    """Return the Message-ID for `identity`, always the same: `<40 hex digits@domain>`."""
    return f"<{hashlib.sha256(identity.encode()).hexdigest()[:40]}@{domain}>"


def letter(voice: Voice, to: Recipient, content: Rendered, *, identity: str, locale: str, at: datetime) -> Letter:
    """Build the mail from `voice` to one recipient; raises MailUnusable naming the header that can't be built."""
    sender = _address("mail_from", voice.mail_name or voice.name, voice.mail_from)
    recipient = _address("to", to.name, to.address)
    mail = EmailMessage(policy=_PLAIN)
    identity_header = message_id(identity, sender.domain)
    headers: dict[str, object] = {
        "From": sender,
        "To": recipient,
        "Subject": content.subject,
        "Date": format_datetime(at),
        "Message-ID": identity_header,
        "Content-Language": locale,
        "Auto-Submitted": "auto-generated",
    }
    if voice.support_email and voice.support_email != voice.mail_from:
        headers["Reply-To"] = _address("support_email", "", voice.support_email)
    for name, value in headers.items():
        _put(mail, name, value)
    mail.set_content(content.text)
    mail.add_alternative(content.html, subtype="html")
    return Letter(sender.addr_spec, recipient.addr_spec, identity_header, _wire(mail, recipient))


def _wire(mail: EmailMessage, recipient: Address) -> bytes:
    return mail.as_bytes(policy=_PLAIN if recipient.addr_spec.isascii() else _WIDE)


def _address(pointer: str, name: str, address: str) -> Address:
    try:
        return Address(display_name=name, addr_spec=address)
    except (ValueError, IndexError, MessageError) as broken:
        raise _refusal(pointer, f"{address!r} is no mail address we can write to.") from broken


def _put(mail: EmailMessage, name: str, value: object) -> None:
    """Set one header; a line break inside it would start another header, so it is refused, never repaired."""
    if any(mark in str(value) for mark in "\r\n\0"):
        raise _refusal(name, f"The header {name} contains a line break.")
    try:
        mail[name] = value
    except (ValueError, HeaderParseError) as broken:
        raise _refusal(name, f"The header {name} can't be written: {broken}.") from broken


def _refusal(pointer: str, detail: str) -> MailUnusable:
    return MailUnusable(errors=[FieldError(pointer=f"/{pointer}", detail=detail, remedy="Correct the value.")])
