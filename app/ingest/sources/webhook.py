"""Signed webhooks in: who sent this request is proven over its raw bytes, before anything reads them.

Schemes: `standard_webhooks` (Standard Webhooks 1.0: webhook-id, webhook-timestamp, webhook-signature over
`id.timestamp.body`, several signatures, five minutes either way) and `hmac_sha256`, the vendors' plain form (a header
with the HMAC-SHA256 of the body, hex or base64, perhaps behind a prefix). A source may have several secrets at once, so
that one can be rotated while the sender still signs with the other.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from app.core.errors import FieldError, Invalid, Unauthenticated

TOLERANCE_SECONDS = 300
_PREFIX = "whsec_"
_SHORTEST_SECRET = 16


class SignatureRefused(Unauthenticated):
    """The signature of this webhook can't be verified; check the secret and sign the raw body."""


class SignatureTooOld(SignatureRefused):
    """The webhook's timestamp is more than five minutes away from now; sign again when sending again."""


class BadSecret(Invalid):
    """A signing secret has 16 bytes or more, for Standard Webhooks as base64 after whsec_."""

    status = 422


class Verification(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a source's requests are proven; `header`, `encoding` and `prefix` are for hmac_sha256."""

    scheme: Literal["standard_webhooks", "hmac_sha256", "key"] = "standard_webhooks"
    header: Annotated[str, msgspec.Meta(max_length=100, pattern="^[A-Za-z0-9-]*$")] = ""
    encoding: Literal["hex", "base64"] = "hex"
    prefix: Annotated[str, msgspec.Meta(max_length=40)] = ""
    id_header: Annotated[str, msgspec.Meta(max_length=100, pattern="^[A-Za-z0-9-]*$")] = ""


def verify(how: Verification, secrets: Sequence[bytes], headers: Mapping[str, str], raw: bytes, now: datetime) -> str:
    """Return the sender's own id of this message ("" when the scheme has none); raise SignatureRefused.

    `headers` have lower-case names; each of `secrets` is tried against each signature in constant time.
    """
    if how.scheme == "standard_webhooks":
        return _standard(secrets, headers, raw, now)
    return _plain(how, secrets, headers, raw)


def check_secret(how: Verification, secret: str) -> None:
    """Refuse a secret that could never verify anything or is too short to protect it (BadSecret)."""
    if len(key_of(how, secret.encode())) < _SHORTEST_SECRET:
        raise BadSecret(errors=[FieldError("/secret", "The secret is too short.", "Use 24 random bytes or more.")])


def key_of(how: Verification, secret: bytes) -> bytes:
    """Return the HMAC key in `secret`: base64 after `whsec_` for Standard Webhooks, the bytes themselves otherwise."""
    text = secret.decode("utf-8", "replace")
    if how.scheme != "standard_webhooks":
        return secret
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadSecret(errors=[FieldError("/secret", "This is not base64.", "Write whsec_ and 24 bytes in base64.")]) from error


def _standard(secrets: Sequence[bytes], headers: Mapping[str, str], raw: bytes, now: datetime) -> str:
    message, stamp, sent = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (message and stamp and sent):
        raise SignatureRefused("Send the headers webhook-id, webhook-timestamp and webhook-signature.")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise SignatureRefused("The header webhook-timestamp is whole seconds since 1970.")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE_SECONDS:
        raise SignatureTooOld()
    signed = b".".join((message.encode(), stamp.encode(), raw))
    offered = [part.partition(",")[2] for part in sent.split(" ") if part.startswith("v1,")]
    _require_match(_digests(Verification(), secrets, signed), [_decoded(text, "base64") for text in offered])
    return message


def _plain(how: Verification, secrets: Sequence[bytes], headers: Mapping[str, str], raw: bytes) -> str:
    sent = headers.get(how.header.lower(), "")
    if not sent:
        raise SignatureRefused(f"Send the signature in the header {how.header}.")
    _require_match(_digests(how, secrets, raw), [_decoded(sent.removeprefix(how.prefix), how.encoding)])
    return headers.get(how.id_header.lower(), "") if how.id_header else ""


def _digests(how: Verification, secrets: Sequence[bytes], signed: bytes) -> list[bytes]:
    return [hmac.new(key_of(how, secret), signed, hashlib.sha256).digest() for secret in secrets]


def _decoded(text: str, encoding: str) -> bytes:
    try:
        return bytes.fromhex(text) if encoding == "hex" else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _require_match(expected: Sequence[bytes], offered: Sequence[bytes]) -> None:
    # No early exit: the time taken must not tell which secret or signature came close.
    matches = [hmac.compare_digest(mine, theirs) for mine in expected for theirs in offered]
    if not any(matches):
        raise SignatureRefused()
