"""The id token: whose it is, whom it is for, that it is fresh, and that it answers this very sign-in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jws, jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import KeySet

from tenants.oidc.faults import TokenRefused

LEEWAY_SECONDS = 60
_LONGEST = 16_384
_LONGEST_SUBJECT = 255


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say: issuer and client as configured, the nonce of this sign-in, the access token it came with."""

    issuer: str
    client_id: str
    nonce: str
    algorithms: frozenset[str]
    access_token: str


class KeyUnknown(Exception):
    """The token names a key that the provider's key set, as we know it, doesn't hold."""


def key_named(token: str) -> tuple[str | None, str]:
    """Return the key and the algorithm a token claims to be signed with, before anything of it is believed."""
    if not 0 < len(token) <= _LONGEST:
        raise TokenRefused("malformed")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, UnicodeError) as error:
        raise TokenRefused("malformed") from error
    kid, algorithm = header.get("kid"), header.get("alg")
    if (kid is not None and not isinstance(kid, str)) or not isinstance(algorithm, str):
        raise TokenRefused("malformed")
    return kid, algorithm


def verified(token: str, keys: KeySet, expected: Expected, *, now: datetime) -> dict[str, Any]:
    """Return the token's claims once everything about it holds; raises TokenRefused, or KeyUnknown when its key isn't among `keys`.

    Mandatory are iss, sub, aud, exp, iat and nonce; azp when there are several audiences. `decode` alone checks a signature
    and nothing else.
    """
    kid, algorithm = key_named(token)
    if algorithm not in expected.algorithms:
        raise TokenRefused("algorithm")
    if kid is not None and all(key.kid != kid for key in keys):
        raise KeyUnknown(kid)
    try:
        read = jwt.decode(token, keys, algorithms=[algorithm])
    except (JoseError, ValueError) as error:
        raise TokenRefused("signature") from error
    _check_claims(read.header, read.claims, expected, now)
    return read.claims


def _check_claims(header: dict[str, Any], given: dict[str, Any], expected: Expected, now: datetime) -> None:
    options: dict[str, Any] = {
        "iss": {"essential": True, "value": expected.issuer},
        "sub": {"essential": True},
        "aud": {"essential": True, "value": expected.client_id},
        "exp": {"essential": True},
        "iat": {"essential": True},
        "nonce": {"essential": True, "value": expected.nonce},
    }
    params = {"nonce": expected.nonce, "client_id": expected.client_id, "access_token": expected.access_token}
    claims = CodeIDToken(given, header, options, params)
    try:
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
    except ExpiredTokenError as error:
        raise TokenRefused("expired") from error
    except ClaimError as error:
        raise TokenRefused(str(getattr(error, "claim", "") or "claims")) from error
    except (TypeError, ValueError) as error:
        raise TokenRefused("claims") from error
    audiences = given["aud"] if isinstance(given["aud"], list) else [given["aud"]]
    # The library asks for azp only when the one audience is somebody else; with several, one of them must have been meant.
    if len(audiences) > 1 and given.get("azp") != expected.client_id:
        raise TokenRefused("azp")
    if len(given["sub"]) > _LONGEST_SUBJECT:
        raise TokenRefused("sub")


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a provider speaks of: its own name for them, their address ("" when it says none), whether it checked that, their name."""

    subject: str
    email: str
    is_email_verified: bool
    name: str = ""


def person_of(claims: Mapping[str, Any], *, email_claim: str) -> Person:
    """Return the person claims tell of. Only a true `email_verified` counts as checked; some providers write it as text."""
    email, name = claims.get(email_claim), claims.get("name")
    told = claims.get("email_verified")
    return Person(
        subject=str(claims["sub"]),
        email=email.strip().lower() if isinstance(email, str) else "",
        is_email_verified=told is True or told == "true",
        name=name.strip()[:200] if isinstance(name, str) and name.isprintable() else "",
    )
