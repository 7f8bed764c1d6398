"""Who may feed which source: a key's own, the one it names, or the one whose public address was found; closed ones take nothing."""

from typing import Any
from uuid import UUID

from litestar import Request

from app.core.errors import FieldError, Invalid, LimitReached
from app.core.services import Shell
from app.ingest.directory import Known, directory_of
from app.ingest.queries import SourceNotFound
from tenants import auth
from tenants.principal import Principal


class WrongKind(Invalid):
    """This source takes another kind of message; see its kind."""

    status = 422


class SourceClosed(Invalid):
    """This source is disabled and takes nothing in."""

    status = 422


class TooManyMessages(LimitReached):
    """This source sends more than its tenant's limit; wait as long as Retry-After says."""


async def door(shell: Shell, principal: Principal, named: str | None, kind: str) -> Known:
    """The source that is meant: the key's own, the one named, or the only one of this kind."""
    name, directory = _the_name(principal, named), directory_of(shell)
    found = await (directory.named(shell, principal.tenant, name) if name else directory.only(shell, principal.tenant, kind))
    return _fit(found, principal, kind)


async def webhook_door(request: Request[Any, Any, Any], shell: Shell, name: str) -> tuple[Known, str, UUID | None]:
    """Who sends, and through which source: an API key names its tenant, a public address its source, which then must prove itself."""
    if "authorization" in request.headers:
        client = request.client.host if request.client else None
        principal = await auth.authenticate(shell, request.scope["headers"], client, method="POST")
        await auth.require(shell, principal, "signals.create", route="POST /v1/in")
        await _within_limits(shell, principal.tenant, principal.actor)
        known = await directory_of(shell).named(shell, principal.tenant, _the_name(principal, name) or name)
        return _fit(known, principal, "webhook"), principal.actor, principal.customer_id
    known = await directory_of(shell).by_token(shell, name)
    if known.verification.scheme == "key":
        raise auth.CredentialMissing()
    await _within_limits(shell, known.tenant_id, f"source:{known.name}")
    return _open(known, "webhook"), f"source:{known.name}", known.customer_id


def _the_name(principal: Principal, named: str | None) -> str | None:
    """A source key feeds its own source only; naming another one is like naming none that exists."""
    if principal.source and named and named != principal.source:
        raise SourceNotFound()
    return named or principal.source


def _fit(known: Known, principal: Principal, kind: str) -> Known:
    if principal.customer_id is not None and known.customer_id not in (None, principal.customer_id):
        raise SourceNotFound()
    return _open(known, kind)


def _open(known: Known, kind: str) -> Known:
    if known.kind != kind:
        raise WrongKind(errors=[FieldError("source", f"is of kind {known.kind}", f"Name a source of kind {kind}.")])
    if not known.is_active:
        raise SourceClosed()
    return known


async def _within_limits(shell: Shell, tenant_id: UUID, actor: str) -> None:
    limiter, settings = shell.extras.get("limiter"), shell.settings
    if limiter is None:
        return
    verdict = await limiter.take(
        tenant=tenant_id, principal_bucket=actor, per_key=settings.rate_limit_key, per_tenant=settings.rate_limit_tenant
    )
    if not verdict.allowed:
        raise TooManyMessages(retry_after=verdict.retry_after)
