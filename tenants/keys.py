"""API keys: `<prefix>_<env>_<12 public id>_<32 secret><6 checksum>`, everything after the environment in base 62.

The public id finds the key's row, the secret (190 bits) proves it and is stored only as its SHA-256, the checksum
(CRC-32 of all before it) lets a mistyped or cut key be refused without asking the database, and secret scanners
recognise the format. The prefix is the platform's choice, so that a partner's key need not betray who runs it.
"""

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass

from app.core.errors import Unauthenticated

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PREFIX = "dk"
PUBLIC_LENGTH, SECRET_LENGTH, CHECK_LENGTH = 12, 32, 6
ENVIRONMENTS = ("dev", "test", "live", "platform")

_FORM = re.compile(r"([a-z][a-z0-9]{1,11})_([a-z]{3,8})_([0-9A-Za-z]{12})_([0-9A-Za-z]{32})([0-9A-Za-z]{6})")


class KeyMalformed(Unauthenticated):
    """This doesn't have the form of an API key."""


class KeyMistyped(Unauthenticated):
    """This key's checksum is wrong: it was mistyped or cut."""


class KeyOfAnotherPlatform(Unauthenticated):
    """This key was issued somewhere else."""


@dataclass(frozen=True, slots=True)
class Key:
    """An API key in the clear; only its maker and its bearer ever hold one. `repr` keeps the secret back."""

    prefix: str
    environment: str
    public_id: str
    secret: str

    @property
    def text(self) -> str:
        """The key as it is handed out and sent."""
        body = f"{self.prefix}_{self.environment}_{self.public_id}_{self.secret}"
        return body + checksum(body)

    @property
    def shown(self) -> str:
        """The part that may stand in lists and logs."""
        return f"{self.prefix}_{self.environment}_{self.public_id}"

    @property
    def hash(self) -> bytes:
        return hash_of(self.secret)

    def __repr__(self) -> str:
        return f"Key({self.shown}_…)"


def make(environment: str, *, prefix: str = PREFIX) -> Key:
    """Return a fresh key for `environment` (one of ENVIRONMENTS)."""
    return Key(prefix, environment, _random(PUBLIC_LENGTH), _random(SECRET_LENGTH))


def parse(text: str, *, prefix: str = PREFIX) -> Key:
    """Return the key written as `text`; raises KeyMalformed, KeyMistyped or KeyOfAnotherPlatform."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise KeyMalformed()
    found, environment, public_id, secret, check = match.groups()
    if not hmac.compare_digest(checksum(text[:-CHECK_LENGTH]), check):
        raise KeyMistyped()
    if found != prefix or environment not in ENVIRONMENTS:
        raise KeyOfAnotherPlatform()
    return Key(found, environment, public_id, secret)


def hash_of(secret: str) -> bytes:
    """Return what is stored of a secret. A plain SHA-256 is enough: 190 random bits can't be guessed, a slow hash would only cost."""
    return hashlib.sha256(secret.encode()).digest()


def proves(secret: str, stored: bytes) -> bool:
    """Tell, in constant time, whether `secret` is the one whose hash is stored."""
    return hmac.compare_digest(hash_of(secret), stored)


def checksum(body: str) -> str:
    """Return CRC-32 of `body` as six base 62 digits."""
    rest, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECK_LENGTH):
        rest, digit = divmod(rest, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
