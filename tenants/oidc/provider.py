"""Asking a provider: its description, its keys, a code's tokens, what it says of a person. Every byte goes through the egress.

Descriptions and keys are kept per tenant and issuer: what one tenant's provider publishes never vouches for another's.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from uuid import UUID

from authlib.oauth2.auth import ClientAuth  # type: ignore[import-untyped]
from authlib.oauth2.rfc6749.parameters import prepare_token_request  # type: ignore[import-untyped]
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.core import parsing
from app.core.egress import Answer, EgressRefused, EgressTooLarge
from app.core.errors import Fault, Invalid
from app.core.services import Shell
from tenants.oidc import discovery
from tenants.oidc.discovery import Description
from tenants.oidc.faults import ProviderAway, ProviderDeclined, ProviderInvalid, TokenRefused
from tenants.oidc.tokens import Expected, KeyUnknown, Person, person_of, verified

KEEP_SECONDS = 600.0
REFETCH_SECONDS = 30.0
"""An unknown key is looked for at the provider at most so often: a flood of forged tokens costs one request in that time."""
TIMEOUT = 8.0
_MOST = 2_000


class Sender(Protocol):
    """The egress, as much of it as is needed here."""

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b"", timeout: float = TIMEOUT
    ) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are to one provider; an empty secret makes us a public client."""

    tenant_id: UUID
    issuer: str
    client_id: str
    secret: str
    email_claim: str

    def __repr__(self) -> str:
        return f"Client({self.issuer}, {self.client_id})"


@dataclass
class _Kept:
    described: Description
    keys: KeySet
    at: float
    keys_at: float


@dataclass
class Providers:
    """What providers publish, kept ten minutes."""

    sender: Sender
    development: bool
    timer: Callable[[], float] = time.monotonic
    _kept: dict[tuple[UUID, str], _Kept] = field(default_factory=dict)
    _locks: dict[tuple[UUID, str], asyncio.Lock] = field(default_factory=dict)

    async def describe(self, tenant_id: UUID, issuer: str, *, fresh: bool = False) -> Description:
        """Return a provider's description; raises ProviderAway or ProviderInvalid."""
        return (await self._known(tenant_id, issuer, fresh=fresh)).described

    async def count_keys(self, tenant_id: UUID, issuer: str) -> int:
        """Return how many keys the provider publishes that could verify a token here."""
        return len(list((await self._known(tenant_id, issuer)).keys))

    async def redeem(self, client: Client, *, code: str, redirect: str, verifier: str, nonce: str, now: Any) -> Person:
        """Exchange a code and return whom the provider vouches for, checked throughout; raises SignInRefused, ProviderAway."""
        described = await self.describe(client.tenant_id, client.issuer)
        tokens = await self._exchange(client, described, code, redirect, verifier)
        expected = Expected(client.issuer, client.client_id, nonce, described.algorithms, tokens["access_token"])
        claims = await self._claims(client, tokens["id_token"], expected, now)
        if client.email_claim not in claims and described.userinfo_endpoint:
            claims = {**claims, **await self._userinfo(described, tokens["access_token"], claims["sub"])}
        return person_of(claims, email_claim=client.email_claim)

    async def _claims(self, client: Client, token: str, expected: Expected, now: Any) -> dict[str, Any]:
        kept = await self._known(client.tenant_id, client.issuer)
        try:
            return verified(token, kept.keys, expected, now=now)
        except KeyUnknown:
            keys = await self._newer_keys(client.tenant_id, client.issuer)
        try:
            return verified(token, keys, expected, now=now)
        except KeyUnknown as error:
            raise TokenRefused("key_unknown") from error

    async def _exchange(self, client: Client, described: Description, code: str, redirect: str, verifier: str) -> dict[str, str]:
        body = prepare_token_request("authorization_code", redirect_uri=redirect, code=code, code_verifier=verifier)
        headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
        auth = ClientAuth(_escaped(client.client_id), _escaped(client.secret), _method(client, described))
        if auth.auth_method is not ClientAuth.DEFAULT_AUTH_METHODS["client_secret_basic"]:
            auth = ClientAuth(client.client_id, client.secret, _method(client, described))
        url, headers, body = auth.prepare("POST", described.token_endpoint, headers, body)
        status, said = await self._json("POST", url, headers=headers, content=body.encode())
        if status >= 400:
            raise ProviderDeclined("Your sign-in provider refused to complete this sign-in; start again from the sign-in page.")
        id_token, access_token = said.get("id_token"), said.get("access_token")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            raise TokenRefused("missing")
        return {"id_token": id_token, "access_token": access_token}

    async def _userinfo(self, described: Description, access_token: str, subject: str) -> dict[str, Any]:
        """What the provider tells of the bearer; only about the very person of the id token (OpenID Connect Core, 5.3.2)."""
        headers = {"accept": "application/json", "authorization": f"Bearer {access_token}"}
        status, said = await self._json("GET", described.userinfo_endpoint, headers=headers)
        if status >= 400 or said.get("sub") != subject:
            raise TokenRefused("userinfo")
        return {k: v for k, v in said.items() if k not in ("iss", "aud", "exp", "iat", "nonce", "sub")}

    async def _known(self, tenant_id: UUID, issuer: str, *, fresh: bool = False) -> _Kept:
        key = (tenant_id, issuer)
        kept = self._kept.get(key)
        if kept is not None and not fresh and self.timer() < kept.at + KEEP_SECONDS:
            return kept
        async with self._locks.setdefault(key, asyncio.Lock()):
            again = self._kept.get(key)
            if again is not None and again is not kept:
                return again
            kept = await self._fetched(issuer)
            if len(self._kept) >= _MOST:
                self._kept.clear()
                self._locks.clear()
            self._kept[key] = kept
            return kept

    async def _fetched(self, issuer: str) -> _Kept:
        if not discovery.is_safe(issuer, development=self.development):
            raise ProviderInvalid("The issuer is no https address.")
        status, document = await self._json("GET", discovery.address_of(issuer), headers={"accept": "application/json"})
        if status != 200:
            raise ProviderInvalid(f"{discovery.address_of(issuer)} answered {status}; it must answer 200 with the provider's description.")
        described = discovery.read(document, issuer=issuer, development=self.development)
        now = self.timer()
        return _Kept(described, await self._keys(described), now, now)

    async def _newer_keys(self, tenant_id: UUID, issuer: str) -> KeySet:
        """The provider's keys as they are now, unless they were looked at a moment ago."""
        kept = await self._known(tenant_id, issuer)
        async with self._locks.setdefault((tenant_id, issuer), asyncio.Lock()):
            if self.timer() >= kept.keys_at + REFETCH_SECONDS:
                kept.keys_at = self.timer()
                kept.keys = await self._keys(kept.described)
        return kept.keys

    async def _keys(self, described: Description) -> KeySet:
        status, document = await self._json("GET", described.jwks_uri, headers={"accept": "application/json"})
        if status != 200:
            raise ProviderInvalid(f"The provider's keys can't be read: {described.jwks_uri} answered {status}.")
        given = document.get("keys")
        # Keys to sign with, of a pair: a symmetric one in a public document would let anybody sign.
        usable = [k for k in given if isinstance(k, dict) and k.get("kty") in ("RSA", "EC", "OKP") and k.get("use", "sig") == "sig"] if isinstance(given, list) else []  # fmt: skip
        try:
            return KeySet.import_key_set({"keys": usable})
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ProviderInvalid("The provider's keys can't be read.") from error

    async def _json(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes = b"") -> tuple[int, dict[str, Any]]:
        try:
            answer = await self.sender.request(method, url, headers=headers, content=content, timeout=TIMEOUT)
        except (EgressRefused, EgressTooLarge) as error:
            raise ProviderInvalid(f"The provider can't be used: {error.detail}") from error
        except Fault as error:
            raise ProviderAway() from error
        if answer.status >= 500:
            raise ProviderAway()
        try:
            said = parsing.parse_json(answer.body)
        except Invalid as error:
            if answer.status >= 400:
                return answer.status, {}
            raise ProviderInvalid("The provider answered with something that is no JSON.") from error
        return answer.status, said if isinstance(said, dict) else {}


def providers(shell: Shell) -> Providers:
    """Return what this process knows of providers."""
    made = Providers(cast(Sender, shell.egress), shell.settings.development)
    return cast(Providers, shell.extras.setdefault("tenants.oidc", made))


def _method(client: Client, described: Description) -> str:
    if not client.secret:
        return "none"
    return next((m for m in described.token_auth_methods if m != "none"), "client_secret_basic")


def _escaped(text: str) -> str:
    """Form-encoded, as RFC 6749 2.3.1 wants id and secret before they are joined."""
    from urllib.parse import quote_plus

    return quote_plus(text)
