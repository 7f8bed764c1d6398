"""Providers that vouch for people: taken in, changed, confirmed, taken away."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import UNSET
from sqlalchemy import delete, select

from app.core.errors import Conflict, FieldError, Invalid
from app.core.services import Shell
from app.core.uow import UnitOfWork
from tenants.commands.sign_in import end_session
from tenants.identity_queries import sessions_by
from tenants.identity_schemas import IdentityProviderPatch, NewIdentityProvider
from tenants.models import Customer, IdentityProvider, PendingSignIn
from tenants.oidc import discovery
from tenants.principal import Principal
from tenants.queries import get_role
from tenants.roles import RoleOutOfScope, check_grant

TABLE = "tenants.identity_provider"
FIELD = "sealed_secret"


class IdentityProviderInvalid(Invalid):
    """This identity provider can't be kept as it is described."""

    status = 422


class IdentityProviderNameTaken(Conflict):
    """There is an identity provider of this name already."""


async def create_provider(uow: UnitOfWork, shell: Shell, new: NewIdentityProvider, *, maker: Principal) -> IdentityProvider:
    """Take in a provider. A maker confined to a customer makes one for that customer only.

    Raises IdentityProviderInvalid (issuer, domains, reason), RoleUnknown, RoleOutOfScope, RoleExceedsMaker, NotFound
    (customer), IdentityProviderNameTaken. Says identity_provider.created.
    """
    customer_id = uow.customer_id or new.customer_id
    if customer_id is not None:
        await uow.get(Customer, customer_id)
    if await _named(uow, new.name, customer_id):
        raise IdentityProviderNameTaken()
    domains = _domains(new.domains)
    row = IdentityProvider(
        id=uow.new_id(), customer_id=customer_id, name=new.name, issuer=new.issuer, client_id=new.client_id, sealed_secret=None,
        scopes=_scopes(new.scopes), email_claim=new.email_claim, requires_verified_email=new.requires_verified_email, domains=domains,
        confirmed_domains=domains if uow.customer_id is None else [], creates_users=new.creates_users, default_role=new.default_role,
        status="active", created_at=uow.now, created_by=uow.actor,
    )  # fmt: skip
    await _check(uow, shell, row, new.reason, maker)
    if new.client_secret is not None:
        row.sealed_secret = await seal_secret(shell, uow, row.id, new.client_secret, customer_id)
    uow.add(row)
    uow.publish("identity_provider.created", of=row, key=f"identity_provider:{row.id}", data=_said(row, new.reason))
    await uow.session.flush()
    return row


async def update_provider(
    uow: UnitOfWork, shell: Shell, provider_id: UUID, patch: IdentityProviderPatch, *, maker: Principal
) -> IdentityProvider:
    """Change what `patch` names. Another issuer, or switching it off, ends the sessions that stand on it.

    Raises as `create_provider`. Says identity_provider.updated.
    """
    row = await uow.get(IdentityProvider, provider_id, lock=True)
    given = {n: getattr(patch, n) for n in patch.__struct_fields__ if getattr(patch, n) is not UNSET}
    reason, secret = given.pop("reason", None), given.pop("client_secret", UNSET)
    if given.get("name", row.name) != row.name and await _named(uow, given["name"], row.customer_id):
        raise IdentityProviderNameTaken()
    changed = _apply(uow, row, given)
    if secret is not UNSET:
        row.sealed_secret = None if secret is None else await seal_secret(shell, uow, row.id, secret, row.customer_id)
        changed.append("client_secret")
    if not changed:
        return row
    # Whoever couldn't give the default role may still rename the button: only what is asked for is weighed again.
    await _check(uow, shell, row, reason, maker, weighed=changed)
    if "issuer" in changed or row.status == "disabled":
        await _end_sessions(uow, row.id)
    uow.publish(
        "identity_provider.updated", of=row, key=f"identity_provider:{row.id}", data={**_said(row, reason), "fields": sorted(changed)}
    )
    return row


async def confirm_domains(uow: UnitOfWork, provider_id: UUID) -> IdentityProvider:
    """The partner confirms that a customer's provider is found by its domains. Says identity_provider.confirmed, once."""
    row = await uow.get(IdentityProvider, provider_id, lock=True)
    if set(row.confirmed_domains) != set(row.domains):
        row.confirmed_domains = list(row.domains)
        uow.publish("identity_provider.confirmed", of=row, key=f"identity_provider:{row.id}", data={"domains": list(row.domains)})
    return row


async def delete_provider(uow: UnitOfWork, provider_id: UUID) -> None:
    """Take a provider away; sessions that stand on it end. Who its people are stays known. Says identity_provider.deleted."""
    row = await uow.get(IdentityProvider, provider_id, lock=True)
    await _end_sessions(uow, row.id)
    await uow.execute(delete(PendingSignIn).where(PendingSignIn.provider_id == row.id))
    uow.publish("identity_provider.deleted", of=row, key=f"identity_provider:{row.id}", data={"name": row.name, "issuer": row.issuer})
    await uow.remove(row)


async def seal_secret(shell: Shell, uow: UnitOfWork, row: UUID, secret: str, customer_id: UUID | None) -> bytes:
    """Seal a client secret for its row. A customer's own transaction doesn't reach the data keys, so the tenant's seals it."""
    wanted: dict[str, Any] = {"table": TABLE, "row": row, "field": FIELD, "plain": secret.encode(), "customer_id": customer_id}
    if uow.customer_id is None:
        return await shell.vault.seal(uow, **wanted)
    async with shell.unit_of_work(uow.tenant_id, actor="system:vault") as apart:
        return await shell.vault.seal(apart, **wanted)


async def open_secret(shell: Shell, uow: UnitOfWork, row: IdentityProvider) -> str:
    """Return the client secret ("" for a public client); `uow` must be the tenant's, not a customer's."""
    if row.sealed_secret is None:
        return ""
    return (await shell.vault.open(uow, table=TABLE, row=row.id, field=FIELD, sealed=row.sealed_secret)).decode()


def _apply(uow: UnitOfWork, row: IdentityProvider, given: dict[str, Any]) -> list[str]:
    if "domains" in given:
        given["domains"] = _domains(given["domains"])
    if "scopes" in given:
        given["scopes"] = _scopes(given["scopes"])
    changed = [name for name, value in given.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, given[name])
    if "domains" in changed:
        row.confirmed_domains = list(row.domains) if uow.customer_id is None else [d for d in row.domains if d in row.confirmed_domains]
    return changed


async def _check(
    uow: UnitOfWork, shell: Shell, row: IdentityProvider, reason: str | None, maker: Principal, *, weighed: Sequence[str] | None = None
) -> None:
    errors = []
    if not discovery.is_safe(row.issuer, development=shell.settings.development) or "?" in row.issuer:
        errors.append(
            FieldError("/issuer", "The issuer is no https address.", "Write it as the provider does, such as https://login.example.com.")
        )
    if not row.requires_verified_email and not reason and (weighed is None or "requires_verified_email" in weighed):
        errors.append(FieldError("/reason", "Trusting addresses nobody checked needs a reason.", "Say why; it is kept in the log."))
    if row.creates_users and not row.domains:
        errors.append(
            FieldError("/domains", "Letting people in whom nobody invited needs domains.", "Name the endings of their addresses.")
        )
    if row.customer_id is not None and not row.domains:
        errors.append(FieldError("/domains", "A customer's provider is found by the ending of an address.", "Name at least one domain."))
    if row.creates_users and row.default_role is None:
        errors.append(FieldError("/default_role", "Whoever comes for the first time needs a role.", "Name a role."))
    if errors:
        raise IdentityProviderInvalid(errors=errors)
    if row.default_role is not None and (weighed is None or {"default_role", "creates_users"} & set(weighed)):
        await _check_role(uow, row.default_role, row.customer_id, maker)


async def _check_role(uow: UnitOfWork, name: str, customer_id: UUID | None, maker: Principal) -> None:
    role, wanted = await get_role(uow, name), "customer" if customer_id else "partner"
    if role.scope != wanted:
        raise RoleOutOfScope(errors=[FieldError("/default_role", f"{name!r} is a {role.scope} role.", f"Choose a {wanted} role.")])
    check_grant(role, maker=maker.permissions, maker_scope=maker.scope)


async def _end_sessions(uow: UnitOfWork, provider_id: UUID) -> None:
    for session in await sessions_by(uow, provider_id):
        await end_session(uow, session.id)


async def _named(uow: UnitOfWork, name: str, customer_id: UUID | None) -> bool:
    owner = IdentityProvider.customer_id.is_(None) if customer_id is None else IdentityProvider.customer_id == customer_id
    return (await uow.execute(select(IdentityProvider.id).where(IdentityProvider.name == name, owner))).first() is not None


def _domains(given: Sequence[str]) -> list[str]:
    return sorted({domain.lower() for domain in given})


def _scopes(given: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(["openid", *given]))


def _said(row: IdentityProvider, reason: str | None) -> dict[str, Any]:
    said: dict[str, Any] = {"name": row.name, "issuer": row.issuer}
    return said if row.requires_verified_email else {**said, "accepts_unverified_email": True, "reason": reason}
