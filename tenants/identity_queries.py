"""What is read of identity providers and of whom they vouch for."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select

from app.core.paging import Page, page
from app.core.uow import UnitOfWork
from tenants.identity_schemas import IdentityProviderView, IdentityView
from tenants.models import ExternalIdentity, IdentityProvider, Session
from tenants.oidc.request import redirect_uri


async def identity_providers(uow: UnitOfWork, *, cursor: str | None, limit: int) -> Page[IdentityProviderView]:
    """Return the providers of this scope, oldest first: a customer sees its own only."""
    by = [(IdentityProvider.id, UUID)]
    return await page(uow, select(IdentityProvider), by=by, cursor=cursor, limit=limit, view=provider_view, descending=False)


async def offered_to_everybody(uow: UnitOfWork) -> Sequence[IdentityProvider]:
    """Return the partner's own active providers, which its sign-in page may name to anybody."""
    wanted = select(IdentityProvider).where(IdentityProvider.customer_id.is_(None), IdentityProvider.status == "active")
    return (await uow.execute(wanted.order_by(IdentityProvider.name).limit(20))).scalars().all()


async def found_by_address(uow: UnitOfWork, email: str) -> Sequence[IdentityProvider]:
    """Return the customers' active providers that are found by the ending of this address, which the partner has confirmed."""
    domain = email.rpartition("@")[2].lower()
    wanted = select(IdentityProvider).where(
        IdentityProvider.customer_id.is_not(None),
        IdentityProvider.status == "active",
        func.array_position(IdentityProvider.confirmed_domains, domain).is_not(None),
    )
    return (await uow.execute(wanted.order_by(IdentityProvider.name).limit(20))).scalars().all()


async def identities_of(uow: UnitOfWork, user_id: UUID) -> list[IdentityView]:
    """Return how providers know this user."""
    rows = (await uow.execute(select(ExternalIdentity).where(ExternalIdentity.user_id == user_id).order_by(ExternalIdentity.id))).scalars()
    return [IdentityView(id=row.id, issuer=row.issuer, subject=row.subject, bound_at=row.bound_at.isoformat()) for row in rows]


async def sessions_by(uow: UnitOfWork, provider_id: UUID) -> Sequence[Session]:
    """Return the sessions that stand on a provider's word."""
    wanted = select(Session).where(Session.provider_id == provider_id, Session.ended_at.is_(None), Session.expires_at > uow.now)
    return (await uow.execute(wanted)).scalars().all()


def provider_view(row: IdentityProvider) -> IdentityProviderView:
    """Shape a provider; of its secret only whether there is one."""
    return IdentityProviderView(
        id=row.id, name=row.name, issuer=row.issuer, client_id=row.client_id, has_secret=row.sealed_secret is not None, customer_id=row.customer_id,
        scopes=list(row.scopes), email_claim=row.email_claim, requires_verified_email=row.requires_verified_email, domains=list(row.domains),
        unconfirmed_domains=sorted(set(row.domains) - set(row.confirmed_domains)), creates_users=row.creates_users, default_role=row.default_role,
        status=row.status, callback_path=redirect_uri("", row.id),
    )  # fmt: skip
