"""The whole way of a sign-in with a provider: out with the browser, back with an answer, each refusal told to the log.

No transaction is open while the provider is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.errors import NotFound
from app.core.services import Shell
from tenants.commands.external_sign_in import answered, begin, sign_in_as
from tenants.commands.identity_providers import open_secret
from tenants.commands.sign_in import SignedIn
from tenants.identity_schemas import Check, ProviderTest
from tenants.models import IdentityProvider
from tenants.oidc import request
from tenants.oidc.faults import MixedUp, PersonRefused, ProviderDeclined, ProviderInvalid, SignInRefused, StateUnknown, TokenRefused
from tenants.oidc.provider import Client, providers

_ACTOR = "system:sign-in"
_LONGEST = 4_096
_INVALID = "provider_invalid"


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes, and the secret it keeps meanwhile."""

    url: str
    secret: str


async def depart(shell: Shell, tenant_id: UUID, provider_id: UUID, *, host: str, next: str, hint: str = "") -> Departure:
    """Start a sign-in with an active provider of this tenant; raises NotFound, ProviderAway, ProviderInvalid."""
    async with shell.read(tenant_id, actor=_ACTOR) as uow:
        provider = await uow.get(IdentityProvider, provider_id)
    if provider.status != "active":
        raise NotFound()
    try:
        described = await providers(shell).describe(tenant_id, provider.issuer)
    except ProviderInvalid:
        await _record(shell, tenant_id, provider_id, host, _INVALID)
        raise
    async with shell.unit_of_work(tenant_id, actor=_ACTOR) as uow:
        begun = await begin(uow, provider, host=host, next=next)
    url = request.authorization_url(
        described, client_id=provider.client_id, redirect=request.redirect_uri(shell.settings.origin(host), provider.id),
        scopes=list(provider.scopes), state=begun.state.text, proof=request.proof_of(begun.browser.text, begun.id), login_hint=hint,
    )  # fmt: skip
    return Departure(url, begun.browser.text)


async def arrive(
    shell: Shell, tenant_id: UUID, provider_id: UUID, *, host: str, answer: Mapping[str, str], secret: str, device: str
) -> SignedIn:
    """Turn a provider's answer into a session; raises SignInRefused, which the log tells of as access.denied."""
    try:
        return await _arrive(shell, tenant_id, provider_id, host, answer, secret, device)
    except (SignInRefused, ProviderInvalid) as refused:
        await _record(shell, tenant_id, provider_id, host, refused.reason if isinstance(refused, SignInRefused) else _INVALID)
        raise


async def test_provider(shell: Shell, tenant_id: UUID, provider: IdentityProvider) -> ProviderTest:
    """Ask a provider for its description and keys, as a sign-in would, and tell what was found."""
    known, checks = providers(shell), []
    try:
        described = await known.describe(tenant_id, provider.issuer, fresh=True)
    except (ProviderInvalid, SignInRefused) as error:
        return ProviderTest(works=False, checks=[Check(name="description", holds=False, detail=error.detail)])
    checks.append(Check(name="description", holds=True, detail=described.authorization_endpoint))
    keys = await known.count_keys(tenant_id, provider.issuer)
    checks.append(Check(name="keys", holds=keys > 0, detail=f"{keys} to verify signatures with"))
    checks.append(Check(name="algorithms", holds=True, detail=" ".join(sorted(described.algorithms))))
    method = "none" if provider.sealed_secret is None else "a secret"
    offered = described.token_auth_methods
    fits = "none" in offered if provider.sealed_secret is None else any(m != "none" for m in offered)
    checks.append(Check(name="client", holds=fits, detail=f"we have {method}; offered are {' '.join(offered) or 'none we know'}"))
    return ProviderTest(works=all(check.holds for check in checks), checks=checks)


async def _record(shell: Shell, tenant_id: UUID, provider_id: UUID, host: str, reason: str) -> None:
    """Tell the log why a sign-in was refused; a customer's provider is the customer's business too."""
    async with shell.unit_of_work(tenant_id, actor=_ACTOR) as uow:
        provider = await uow.find(IdentityProvider, provider_id)
        data = {"reason": f"sign_in.{reason}", "host": host, "provider": provider.name if provider else ""}
        uow.publish("access.denied", subject=_ACTOR, customer_id=provider.customer_id if provider else None, data=data)


async def _arrive(
    shell: Shell, tenant_id: UUID, provider_id: UUID, host: str, answer: Mapping[str, str], secret: str, device: str
) -> SignedIn:
    state = answer.get("state", "")
    if not 0 < len(state) <= 200 or not request.is_secret(secret):
        raise StateUnknown()
    async with shell.unit_of_work(tenant_id, actor=_ACTOR) as uow:
        pending = await answered(uow, state=state, browser=secret, host=host)
        provider = await uow.find(IdentityProvider, pending.provider_id)
        secret_there = await open_secret(shell, uow, provider) if provider else ""
    if pending.provider_id != provider_id:
        raise MixedUp()
    if provider is None or provider.status != "active":
        raise PersonRefused("provider_disabled")
    client = Client(tenant_id, provider.issuer, provider.client_id, secret_there, provider.email_claim)
    code = await _code(shell, client, answer)
    proof = request.proof_of(secret, pending.id)
    redirect = request.redirect_uri(shell.settings.origin(host), provider_id)
    asked: dict[str, Any] = {"code": code, "redirect": redirect, "verifier": proof.verifier, "nonce": proof.nonce}
    person = await providers(shell).redeem(client, **asked, now=shell.clock.now())
    async with shell.unit_of_work(tenant_id, actor=_ACTOR) as uow:
        return await sign_in_as(uow, provider_id, person, host=host, device=device, next=pending.next)


async def _code(shell: Shell, client: Client, answer: Mapping[str, str]) -> str:
    """The code of an answer that names no other issuer than the one it should come from (RFC 9207)."""
    described = await providers(shell).describe(client.tenant_id, client.issuer)
    named = answer.get("iss")
    if (named is None and described.names_itself) or (named is not None and named != client.issuer):
        raise MixedUp()
    if "error" in answer:
        raise ProviderDeclined()
    code = answer.get("code", "")
    if not 0 < len(code) <= _LONGEST:
        raise TokenRefused("code_missing")
    return code
