"""Who calls: each customer has an account at each system, with the kind of credential such a system asks for."""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping

TOKEN_SECONDS = 300


def secret_of(system: str, customer: str) -> str:
    """The secret a customer holds for a system; these are demo values, derived so that nobody needs to keep them."""
    return f"{system}-{customer}-secret"


class Credentials:
    """Checks what came with a call and says which customer it is; None when it is nobody.

    `customers` gives a partner's customers. Tokens live in memory: after a restart callers fetch new ones, as with a real carrier.
    """

    def __init__(self, customers: Callable[[str], list[str]], clock: Callable[[], float] = time.monotonic) -> None:
        self._customers = customers
        self._clock = clock
        self._tokens: dict[str, tuple[str, str, float]] = {}

    def caller(self, partner: str, system: str, headers: Mapping[str, str]) -> str | None:
        """The customer whose credential the headers carry, checked the way the system does it."""
        if system == "carrier":
            return self._token_owner(partner, headers)
        return next((c for c in self._customers(partner) if _matches(_presented(system, headers), _expected(system, c))), None)

    def token(self, partner: str, headers: Mapping[str, str]) -> str | None:
        """A new access token for the client in the Basic header, or None."""
        given = _basic(headers)
        owner = next((c for c in self._customers(partner) if _matches(given, f"{c}:{secret_of('carrier', c)}")), None)
        if owner is None:
            return None
        token = secrets.token_urlsafe(24)
        self._tokens[token] = (partner, owner, self._clock() + TOKEN_SECONDS)
        return token

    def _token_owner(self, partner: str, headers: Mapping[str, str]) -> str | None:
        held = self._tokens.get(_bearer(headers) or "")
        return held[1] if held and held[0] == partner and held[2] > self._clock() else None


def _presented(system: str, headers: Mapping[str, str]) -> str | None:
    match system:
        case "wms":
            return headers.get("x-api-key")
        case "desk":
            return headers.get("x-desk-token")
        case "erp":
            return _basic(headers)
        case _:
            return _bearer(headers)


def _expected(system: str, customer: str) -> str:
    secret = secret_of(system, customer)
    return f"{customer}:{secret}" if system == "erp" else secret


def _bearer(headers: Mapping[str, str]) -> str | None:
    kind, _, value = headers.get("authorization", "").partition(" ")
    return value if kind.lower() == "bearer" else None


def _basic(headers: Mapping[str, str]) -> str | None:
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _matches(given: str | None, expected: str) -> bool:
    return given is not None and hmac.compare_digest(hashlib.sha256(given.encode()).digest(), hashlib.sha256(expected.encode()).digest())
