"""The way to a provider: an address that only the browser which starts can come back from.

The browser holds one secret in a cookie; nonce and PKCE verifier follow from it and the sign-in's id, so that nothing stored
here, and nothing in an address, completes a sign-in anywhere else.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

from tenants.oidc.discovery import Description

COOKIE = "__Host-sign-in"
LIFE = timedelta(minutes=10)
CALLBACK = "/sign-in/callback"
_SECRET = re.compile(r"^[A-Za-z0-9_-]{43}$")


@dataclass(frozen=True, slots=True)
class Proof:
    """What ties a sign-in to a browser; `repr` keeps it back."""

    nonce: str
    verifier: str

    def __repr__(self) -> str:
        return "Proof(…)"


def is_secret(text: str) -> bool:
    """Tell whether this has the form of a secret we gave a browser."""
    return _SECRET.fullmatch(text) is not None


def proof_of(secret: str, sign_in: UUID) -> Proof:
    """Return nonce and verifier of one sign-in in the browser that holds `secret`."""
    return Proof(_follows(secret, f"nonce:{sign_in}"), _follows(secret, f"verifier:{sign_in}"))


def redirect_uri(origin: str, provider: UUID) -> str:
    """Return the address a provider answers to. Each has its own, so that no provider's answer can pass for another's."""
    return f"{origin}{CALLBACK}/{provider}"


def authorization_url(
    described: Description, *, client_id: str, redirect: str, scopes: list[str], state: str, proof: Proof, login_hint: str = ""
) -> str:
    """Return the address the browser is sent to (code flow, PKCE with S256)."""
    wanted = {"nonce": proof.nonce, "code_challenge": create_s256_code_challenge(proof.verifier), "code_challenge_method": "S256"}
    url: str = prepare_grant_uri(
        described.authorization_endpoint, client_id, "code", redirect_uri=redirect, scope=scopes, state=state, **wanted,
        **({"login_hint": login_hint} if login_hint else {}),
    )  # fmt: skip
    return url


def _follows(secret: str, label: str) -> str:
    return urlsafe_b64encode(hmac.digest(secret.encode(), label.encode(), hashlib.sha256)).decode().rstrip("=")
