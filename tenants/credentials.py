"""What the database knows of a credential: read once, then kept by the cache for a few seconds."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.errors import Fault
from app.core.services import Shell
from app.core.uow import UnitOfWork
from tenants import keys, sessions
from tenants.keys import Key
from tenants.models import Acting, ApiKey, Consent, Customer, KeyUse, Session, SessionUse, User
from tenants.permissions import CONFINED_PERMISSIONS
from tenants.principal import Principal, Scope
from tenants.queries import find_roles, info, roles_held, roles_of
from tenants.roles import BUILT_IN, permissions_of

_ACTOR = "system:auth"
_USE_NOTED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Known:
    """A valid credential: the principal it stands for, and under which conditions."""

    id: UUID
    principal: Principal
    expires_at: datetime | None = None
    networks: tuple[str, ...] = ()
    host: str | None = None


@dataclass(frozen=True, slots=True)
class _Use:
    """What is said when a key's use is noted."""

    key_id: UUID
    customer_id: UUID | None
    shown: str
    until: datetime | None
    successor_id: UUID | None
    last: datetime | None


async def of_platform_key(shell: Shell, key: Key) -> Known | None:
    """Return what a key of the platform's operator stands for; None when there is none such."""
    rows = await shell.boundary.look_up("select * from core.find_platform_key($1)", key.public_id)
    if not rows or not keys.proves(key.secret, rows[0]["secret_hash"]):
        return None
    key_id = rows[0]["key_id"]
    permissions = BUILT_IN["platform_operator"].permissions
    return Known(key_id, Principal(None, f"key:{key_id}", "platform", permissions, key_id=key_id))


async def of_key(shell: Shell, key: Key) -> Known | None:
    """Return what a tenant's key stands for; None when it is unknown, wrong, revoked, or its tenant or customer is suspended."""
    rows = await shell.boundary.look_up("select * from core.find_key($1)", key.public_id)
    if not rows:
        return None
    tenant_id, key_id = rows[0]["tenant_id"], rows[0]["key_id"]
    async with shell.read(tenant_id, actor=_ACTOR) as uow:
        row = await uow.find(ApiKey, key_id)
        if row is None or row.revoked_at is not None or not keys.proves(key.secret, row.secret_hash):
            return None
        if not await _is_active(uow, row.customer_id):
            return None
        known = await _known(uow, row)
        use = _Use(key_id, row.customer_id, row.shown, row.expires_at, row.successor_id, await _last_use(uow, key_id))
    await _note_use(shell, tenant_id, use)
    return known


async def of_session(shell: Shell, token: str) -> Known | None:
    """Return whose session this is; None when it is unknown, ended, or its user, customer or tenant is suspended."""
    rows = await shell.boundary.look_up("select * from core.find_token($1, $2)", sessions.hash_of(token), sessions.SESSION)
    if not rows:
        return None
    tenant_id, session_id = rows[0]["tenant_id"], rows[0]["subject_id"]
    async with shell.read(tenant_id, actor=_ACTOR) as uow:
        row = await uow.find(Session, session_id)
        user = await uow.find(User, row.user_id) if row else None
        if row is None or user is None or row.ended_at is not None or user.status != "active":
            return None
        if not await _is_active(uow, row.customer_id):
            return None
        principal = await (_of_partner(uow, row) if row.customer_id is None else _of_customer(uow, row, row.customer_id))
        use = await uow.find(SessionUse, session_id)
        known, last = Known(session_id, principal, row.expires_at, host=row.host), use.used_at if use else None
    await _note_session(shell, tenant_id, row, last)
    return known


async def _of_customer(uow: UnitOfWork, row: Session, customer_id: UUID) -> Principal:
    permissions = permissions_of(await find_roles(uow, await roles_of(uow, row.user_id)), customer=True)
    return _person(uow, row, "customer", permissions, customer_id)


async def _of_partner(uow: UnitOfWork, row: Session) -> Principal:
    """Somebody of the partner: acting for a customer that consents, working for one of their customers, or for all of them."""
    held = await roles_held(uow, row.user_id)
    everywhere = permissions_of(await find_roles(uow, held.get(None, [])), customer=False)
    acting_for = await _acts_for(uow, row) if "consent.ask" in everywhere else None
    if acting_for is not None:
        permissions = BUILT_IN["customer_user"].permissions
        return replace(_person(uow, row, "customer", permissions, acting_for), acting_for=acting_for)
    focus = await _focus(uow, row, held)
    if focus is None:
        return _person(uow, row, "partner", everywhere, None)
    permissions = everywhere | permissions_of(await find_roles(uow, held[focus]), customer=False)
    return _person(uow, row, "partner", permissions & CONFINED_PERMISSIONS, focus)


async def _acts_for(uow: UnitOfWork, row: Session) -> UUID | None:
    """The customer whose consent this session acts under right now."""
    wanted = select(Acting.customer_id).join(Consent, (Consent.tenant_id == Acting.tenant_id) & (Consent.id == Acting.consent_id))
    live = (Acting.session_id == row.id, Acting.ended_at.is_(None), Consent.status == "granted", Consent.expires_at > uow.now)
    customer_id: UUID | None = (await uow.execute(wanted.where(*live))).scalar_one_or_none()
    return customer_id if customer_id is not None and await _is_active(uow, customer_id) else None


async def _focus(uow: UnitOfWork, row: Session, held: dict[UUID | None, list[str]]) -> UUID | None:
    """The one customer somebody works for: the one they chose, else (when they don't serve the whole tenant) their first."""
    own = [customer_id for customer_id in held if customer_id is not None]
    wanted = [row.focus_id] if row.focus_id in own else [] if None in held else own
    for customer_id in wanted:
        if await _is_active(uow, customer_id):
            return customer_id
    return None


def _person(uow: UnitOfWork, row: Session, scope: Scope, permissions: frozenset[str], customer_id: UUID | None) -> Principal:
    return Principal(
        uow.tenant_id, f"user:{row.user_id}", scope, permissions, customer_id=customer_id, user_id=row.user_id, session_id=row.id
    )


async def _note_session(shell: Shell, tenant_id: UUID, row: Session, last: datetime | None) -> None:
    """Write down that the session is in use, at most once a minute."""
    now = shell.clock.now()
    if last is not None and now - last < _USE_NOTED:
        return
    try:
        async with shell.unit_of_work(tenant_id, actor=_ACTOR) as uow:
            noted = insert(SessionUse).values(tenant_id=tenant_id, id=row.id, customer_id=row.customer_id, used_at=now)
            await uow.execute(noted.on_conflict_do_update(index_elements=["tenant_id", "id"], set_={"used_at": now}))
    except Fault as fault:
        shell.log.warning("session use not noted", reason=type(fault).__name__)


async def _known(uow: UnitOfWork, row: ApiKey) -> Known:
    permissions = permissions_of(await find_roles(uow, row.roles), customer=row.scope == "customer")
    principal = Principal(
        uow.tenant_id, f"key:{row.id}", _scope(row.scope), permissions, customer_id=row.customer_id, key_id=row.id, source=row.source
    )
    return Known(row.id, principal, row.expires_at, tuple(row.addresses))


async def _is_active(uow: UnitOfWork, customer_id: UUID | None) -> bool:
    tenant = await info(uow)
    if tenant is None or tenant.status != "active":
        return False
    if customer_id is None:
        return True
    customer = await uow.find(Customer, customer_id)
    return customer is not None and customer.status == "active"


async def _last_use(uow: UnitOfWork, key_id: UUID) -> datetime | None:
    use = await uow.find(KeyUse, key_id)
    return use.used_at if use else None


async def _note_use(shell: Shell, tenant_id: UUID, use: _Use) -> None:
    """Write down that the key is in use, at most once a minute; the first use of a rotated key's old half is said aloud, once a day."""
    now = shell.clock.now()
    if use.last is not None and now - use.last < _USE_NOTED:
        return
    try:
        async with shell.unit_of_work(tenant_id, actor=_ACTOR) as uow:
            noted = insert(KeyUse).values(tenant_id=tenant_id, id=use.key_id, customer_id=use.customer_id, used_at=now)
            await uow.execute(noted.on_conflict_do_update(index_elements=["tenant_id", "id"], set_={"used_at": now}))
            if use.successor_id is not None and await _is_first_use_today(uow, use.successor_id, use.last):
                said = {"key": use.shown, "until": use.until}
                uow.publish("key.superseded_used", key=f"key:{use.key_id}", customer_id=use.customer_id, data=said)
    except Fault as fault:
        # Somebody with a good key must not be turned away because a note could not be taken.
        shell.log.warning("key use not noted", reason=type(fault).__name__)


async def _is_first_use_today(uow: UnitOfWork, successor_id: UUID, last: datetime | None) -> bool:
    """Tell whether the old key was not used yet since it was rotated, or not yet today."""
    successor = await uow.get(ApiKey, successor_id)
    return last is None or last < successor.created_at or last.date() < uow.now.date()


def _scope(scope: str) -> Scope:
    match scope:
        case "partner" | "customer" | "source":
            return scope
    raise ValueError(scope)
