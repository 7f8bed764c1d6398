"""Opaque tokens: what a browser or a link holds; the database knows only their SHA-256."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

SESSION = "session"
LINK = "sign-in"
COOKIE = "__Host-session"
CSRF_HEADER = b"x-csrf-token"
BEARER_PREFIX = "st_"

SESSION_LIFE = timedelta(hours=12)
LINK_LIFE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Token:
    """256 random bits in URL-safe letters; `repr` keeps them back."""

    text: str

    @property
    def hash(self) -> bytes:
        return hash_of(self.text)

    def __repr__(self) -> str:
        return "Token(…)"


def make_token(prefix: str = "") -> Token:
    return Token(prefix + secrets.token_urlsafe(32))


def hash_of(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def csrf_of(token: str) -> str:
    """Return what a browser's changing requests must carry: it follows from the session's token, which no other site can read."""
    return hashlib.sha256(b"csrf:" + token.encode("utf-8", "surrogateescape")).hexdigest()


def is_csrf_of(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), csrf_of(token).encode())
