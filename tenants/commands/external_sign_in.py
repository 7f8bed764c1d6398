"""Signing in with a provider: begun in one browser, answered there once, ending in a session of a person who belongs here."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from msgspec import ValidationError, convert
from sqlalchemy import delete, select

from app.core.uow import UnitOfWork
from tenants.commands.sign_in import SignedIn, say_started, start_session
from tenants.commands.users import create_user
from tenants.models import ExternalIdentity, IdentityProvider, PendingSignIn, User
from tenants.oidc import request
from tenants.oidc.faults import PersonRefused, StateReplayed, StateUnknown
from tenants.oidc.tokens import Person
from tenants.principal import Principal
from tenants.queries import user_of
from tenants.roles import BUILT_IN
from tenants.schemas import Email, NewUser
from tenants.sessions import Token, hash_of, make_token

_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in on its way: what goes to the provider (state), and what stays in the browser (its secret)."""

    id: UUID
    state: Token
    browser: Token


async def begin(uow: UnitOfWork, provider: IdentityProvider, *, host: str, next: str) -> Begun:
    """Remember that a sign-in with this provider was started on this host. Says sign_in.started."""
    state, browser = make_token(), make_token()
    row = PendingSignIn(
        customer_id=provider.customer_id, provider_id=provider.id, state_hash=state.hash, browser_hash=browser.hash, host=host, next=next,
        expires_at=uow.now + request.LIFE, used_at=None, created_at=uow.now,
    )  # fmt: skip
    uow.add(row)
    await uow.execute(delete(PendingSignIn).where(PendingSignIn.expires_at < uow.now - _KEPT))
    uow.publish("sign_in.started", of=row, key=f"identity_provider:{provider.id}", data={"host": host, "provider": provider.name})
    await uow.session.flush()
    return Begun(row.id, state, browser)


async def answered(uow: UnitOfWork, *, state: str, browser: str, host: str) -> PendingSignIn:
    """Take the answer to a pending sign-in, once: whatever becomes of it, its state is spent. Says sign_in.answered.

    Raises StateUnknown (never begun, expired, another browser or host), StateReplayed. Whether the right provider answered
    is for the caller to see, once this is durable.
    """
    wanted = select(PendingSignIn).where(PendingSignIn.state_hash == hash_of(state)).with_for_update()
    row: PendingSignIn | None = (await uow.execute(wanted)).scalar_one_or_none()
    if row is None or row.expires_at <= uow.now or row.host != host or row.browser_hash != hash_of(browser):
        raise StateUnknown()
    if row.used_at is not None:
        raise StateReplayed()
    row.used_at = uow.now
    uow.publish("sign_in.answered", of=row, key=f"identity_provider:{row.provider_id}", data={"host": host})
    return row


async def sign_in_as(uow: UnitOfWork, provider_id: UUID, person: Person, *, host: str, device: str, next: str) -> SignedIn:
    """Open a session for the person a provider vouches for; raises PersonRefused. Says session.started and, the first time,
    user.identity_bound (and user.created where the provider lets people in by itself)."""
    provider = await uow.find(IdentityProvider, provider_id)
    if provider is None or provider.status != "active":
        raise PersonRefused("provider_disabled")
    user = await _bound(uow, provider, person) or await _first_time(uow, provider, person)
    if user.status != "active":
        raise PersonRefused("suspended")
    made = await start_session(uow, user.id, user.customer_id, host, strength="provider", device=device, provider_id=provider.id)
    say_started(uow, made.session)
    await uow.session.flush()
    return SignedIn(made.session, made.token, next)


async def unbind(uow: UnitOfWork, user_id: UUID, identity_id: UUID) -> None:
    """Forget who somebody is to a provider, so that another account of theirs may be bound. Says user.identity_unbound."""
    user = await uow.get(User, user_id)
    row = await uow.get(ExternalIdentity, identity_id, lock=True)
    if row.user_id != user.id:
        await uow.get(ExternalIdentity, user.id)  # raises NotFound, as for an id that isn't there
    uow.publish("user.identity_unbound", of=row, key=f"user:{user.id}", data={"issuer": row.issuer})
    await uow.remove(row)


async def _bound(uow: UnitOfWork, provider: IdentityProvider, person: Person) -> User | None:
    wanted = select(ExternalIdentity).where(
        ExternalIdentity.issuer == provider.issuer,
        ExternalIdentity.subject == person.subject,
        _owner(provider),
    )
    identity = (await uow.execute(wanted)).scalar_one_or_none()
    if identity is None:
        return None
    user = await uow.get(User, identity.user_id)
    _check_domain(provider, user.email)
    return user


async def _first_time(uow: UnitOfWork, provider: IdentityProvider, person: Person) -> User:
    """Find whom a provider means by its address, and bind them. A provider speaks for its own customer's people alone."""
    email = _address(person)
    if provider.requires_verified_email and not person.is_email_verified:
        raise PersonRefused("email_unverified")
    _check_domain(provider, email)
    user = await user_of(uow, email, provider.customer_id)
    if user is None:
        user = await _let_in(uow, provider, person, email)
    await _bind(uow, provider, person, user)
    return user


async def _bind(uow: UnitOfWork, provider: IdentityProvider, person: Person, user: User) -> None:
    taken = select(ExternalIdentity.id).where(ExternalIdentity.user_id == user.id, ExternalIdentity.issuer == provider.issuer)
    if (await uow.execute(taken)).first() is not None:
        # The address was given to somebody else over there: whoever holds it now isn't whom we know by it.
        raise PersonRefused("subject_changed")
    row = ExternalIdentity(customer_id=user.customer_id, user_id=user.id, issuer=provider.issuer, subject=person.subject, bound_at=uow.now)
    uow.add(row)
    uow.publish("user.identity_bound", of=row, key=f"user:{user.id}", data={"issuer": provider.issuer, "provider": provider.name})
    await uow.session.flush()


async def _let_in(uow: UnitOfWork, provider: IdentityProvider, person: Person, email: str) -> User:
    if not provider.creates_users or provider.default_role is None:
        raise PersonRefused("unknown")
    # The role was weighed when the provider was set up; here an administrator's hand is only borrowed to give it.
    maker = Principal(uow.tenant_id, uow.actor, "partner", BUILT_IN["partner_admin"].permissions)
    new = NewUser(email=email, role=provider.default_role, name=person.name, customer_id=provider.customer_id)
    return await create_user(uow, new, maker=maker)


def _address(person: Person) -> str:
    if not person.email:
        raise PersonRefused("email_missing")
    try:
        return str(convert(person.email, Email))
    except ValidationError as error:
        raise PersonRefused("email_missing") from error


def _check_domain(provider: IdentityProvider, email: str) -> None:
    if provider.domains and email.rpartition("@")[2] not in provider.domains:
        raise PersonRefused("domain")


def _owner(provider: IdentityProvider):  # type: ignore[no-untyped-def]
    own = ExternalIdentity.customer_id
    return own.is_(None) if provider.customer_id is None else own == provider.customer_id
