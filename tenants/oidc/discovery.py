"""What a provider says of itself (OpenID Connect Discovery 1.0): read, checked, reduced to what we use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from authlib.oidc.discovery import OpenIDProviderMetadata  # type: ignore[import-untyped]

from tenants.oidc.faults import ProviderInvalid

WELL_KNOWN = "/.well-known/openid-configuration"

# Signatures by a key pair alone: "none" proves nothing, and HS256 would make every holder of the client secret an issuer.
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"})
_METHODS = ("client_secret_basic", "client_secret_post", "none")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Description:
    """A provider as we use it: where people, codes and keys go, and how its tokens are signed.

    `names_itself` says that its answers carry its issuer (RFC 9207), so that one without it is not its own.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    algorithms: frozenset[str]
    token_auth_methods: tuple[str, ...]
    names_itself: bool

    @property
    def origin(self) -> str:
        """The origin people are sent to, for the page's policy."""
        parts = urlsplit(self.authorization_endpoint)
        return f"{parts.scheme}://{parts.netloc}"


def address_of(issuer: str) -> str:
    """Return where an issuer publishes its description."""
    return issuer.rstrip("/") + WELL_KNOWN


def is_safe(url: object, *, development: bool) -> bool:
    """Tell whether an address may be used: https without credentials or fragment; plain http on this machine in development only."""
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    is_here = host in _LOOPBACK or host.endswith(".localhost")
    return parts.scheme == "https" or (development and parts.scheme == "http" and is_here)


def read(document: object, *, issuer: str, development: bool) -> Description:
    """Return the description, or raise ProviderInvalid saying what is wrong with it.

    The document's issuer must be the configured one letter by letter: else a provider could speak for another.
    """
    if not isinstance(document, Mapping):
        raise ProviderInvalid("The provider's description is no JSON object.")
    if document.get("issuer") != issuer:
        raise ProviderInvalid(f"The provider calls itself {str(document.get('issuer'))[:200]!r}; the issuer must be written exactly so.")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not is_safe(document.get(name), development=development):
            raise ProviderInvalid(f"The provider's {name} is no https address.")
    _check_by_library(document, development=development)
    return _described(document, development=development)


def _check_by_library(document: Mapping[str, Any], *, development: bool) -> None:
    """The library's own checks of the rest; it knows https only, so plain http is left out where development allows it."""
    known = {k: v for k, v in document.items() if not (development and isinstance(v, str) and v.startswith("http://"))}
    metadata = OpenIDProviderMetadata(known)
    for name in ("response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"):
        try:
            getattr(metadata, f"validate_{name}")()
        except ValueError as error:
            raise ProviderInvalid(f"The provider's description is wrong: {str(error)[:200]}.") from error


def _described(document: Mapping[str, Any], *, development: bool) -> Description:
    algorithms = ALGORITHMS & set(_texts(document.get("id_token_signing_alg_values_supported")))
    if not algorithms:
        raise ProviderInvalid("The provider signs with no algorithm that is accepted here; RS256 or ES256 would be.")
    if "code" not in _texts(document.get("response_types_supported")):
        raise ProviderInvalid("The provider doesn't offer the code flow (response type code).")
    challenges = document.get("code_challenge_methods_supported")
    if challenges is not None and "S256" not in _texts(challenges):
        raise ProviderInvalid("The provider doesn't offer PKCE with S256.")
    offered = _texts(document.get("token_endpoint_auth_methods_supported")) or ["client_secret_basic"]
    userinfo = document.get("userinfo_endpoint")
    return Description(
        issuer=document["issuer"], authorization_endpoint=document["authorization_endpoint"], token_endpoint=document["token_endpoint"],
        jwks_uri=document["jwks_uri"], userinfo_endpoint=str(userinfo) if is_safe(userinfo, development=development) else "",
        algorithms=frozenset(algorithms), token_auth_methods=tuple(m for m in _METHODS if m in offered),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )  # fmt: skip


def _texts(value: object) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []
