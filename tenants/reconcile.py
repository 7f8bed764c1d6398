"""A manifest's customers, people and roles: what differs is changed through the same commands people use, the rest is left alone."""

from uuid import UUID

from sqlalchemy import select

from app.core.uow import UnitOfWork
from tenants.commands.customers import create_customer, update_customer
from tenants.commands.roles import change_role, create_role, delete_role
from tenants.commands.users import create_user, grant_role, revoke_role, set_user_status
from tenants.manifest import CustomerEntry, UserEntry
from tenants.models import Customer, CustomRole, User
from tenants.pointers import placed
from tenants.principal import Principal
from tenants.queries import customer_by_slug, roles_of, user_of
from tenants.schemas import Action, Change, CustomerPatch, NewCustomer, NewRole, NewUser

_CUSTOMER_FIELDS = ("name", "sla", "locale", "zone")


async def reconcile_customer(uow: UnitOfWork, entry: CustomerEntry) -> tuple[UUID, Change]:
    """Create or update one customer; a suspended one that is named again is active again. Returns its id and what changed."""
    row = await customer_by_slug(uow, entry.slug)
    if row is None:
        new = NewCustomer(slug=entry.slug, name=entry.name, sla=entry.sla, locale=entry.locale, zone=entry.zone)
        return (await create_customer(uow, new)).id, Change(what="customer", name=entry.slug, action="create")
    wanted = {name: getattr(entry, name) for name in _CUSTOMER_FIELDS} | {"status": "active"}
    fields = {name: [getattr(row, name), value] for name, value in wanted.items() if getattr(row, name) != value}
    if fields:
        await update_customer(uow, row.id, CustomerPatch(**{name: pair[1] for name, pair in fields.items()}))
    return row.id, Change(what="customer", name=entry.slug, action=_action(fields), fields=fields)


async def prune_customers(uow: UnitOfWork, keep: list[str]) -> list[Change]:
    """Suspend the customers that are not named: their keys and sessions stop, what happened to them stays."""
    rows = (await uow.execute(select(Customer).where(Customer.slug.not_in(keep), Customer.status == "active"))).scalars().all()
    for row in rows:
        await update_customer(uow, row.id, CustomerPatch(status="suspended"))
    return [Change(what="customer", name=row.slug, action="delete") for row in rows]


async def reconcile_users(
    uow: UnitOfWork, wanted: list[UserEntry], *, customer_id: UUID | None, customer: str | None, maker: Principal, prune: bool
) -> list[Change]:
    """Invite, change and (with `prune`) relieve and suspend the people of the partner or of one customer."""
    changes = []
    for index, entry in enumerate(wanted):
        with placed(f"/{index}"):
            changes.append(await _reconcile_user(uow, entry, customer_id, customer, maker, prune))
    if prune:
        changes += await _prune_users(uow, [entry.email.lower() for entry in wanted], customer_id, customer, maker)
    return changes


async def reconcile_roles(uow: UnitOfWork, wanted: list[NewRole], *, maker: Principal, prune: bool) -> list[Change]:
    """Make, change and (with `prune`) delete the tenant's own roles."""
    rows = {row.name: row for row in (await uow.execute(select(CustomRole))).scalars()}
    changes = []
    for index, entry in enumerate(wanted):
        with placed(f"/{index}"):
            changes.append(await _reconcile_role(uow, rows.get(entry.name), entry, maker))
    for name in sorted(rows.keys() - {entry.name for entry in wanted}) if prune else ():
        await delete_role(uow, name)
        changes.append(Change(what="role", name=name, action="delete"))
    return changes


async def _reconcile_role(uow: UnitOfWork, row: CustomRole | None, entry: NewRole, maker: Principal) -> Change:
    if row is None:
        await create_role(uow, entry, maker=maker)
        return Change(what="role", name=entry.name, action="create")
    fields = {"permissions": [sorted(row.permissions), sorted(entry.permissions)]} if set(row.permissions) != set(entry.permissions) else {}
    await change_role(uow, entry.name, entry, maker=maker)
    return Change(what="role", name=entry.name, action=_action(fields), fields=fields)


async def _reconcile_user(
    uow: UnitOfWork, entry: UserEntry, customer_id: UUID | None, customer: str | None, maker: Principal, prune: bool
) -> Change:
    user = await user_of(uow, entry.email, customer_id)
    action: Action = "unchanged" if user else "create"
    if user is None:
        first = NewUser(
            email=entry.email, role=entry.wanted[0], name=entry.name, customer_id=customer_id, locale=entry.locale, zone=entry.zone
        )
        user = await create_user(uow, first, maker=maker)
    held = await roles_of(uow, user.id)
    for role in [role for role in entry.wanted if role not in held]:
        await grant_role(uow, user.id, role, maker=maker)
    for role in [role for role in held if role not in entry.wanted] if prune else ():
        await revoke_role(uow, user.id, role, maker=maker)
    fields = await _changed(uow, user, entry, held, maker, prune) if action == "unchanged" else {}
    return Change(
        what="user", name=user.email, action=_action(fields) if action == "unchanged" else action, fields=fields, customer=customer
    )


async def _changed(
    uow: UnitOfWork, user: User, entry: UserEntry, held: list[str], maker: Principal, prune: bool
) -> dict[str, list[object]]:
    """Bring a known user's particulars up to date and return what differed, roles included."""
    after = sorted(entry.wanted if prune else {*held, *entry.wanted})
    fields: dict[str, list[object]] = {"roles": [held, after]} if held != after else {}
    if user.status != "active":
        fields["status"] = [user.status, "active"]
        await set_user_status(uow, user.id, "active", maker=maker)
    given = {"name": entry.name or user.name, "locale": entry.locale or user.locale, "zone": entry.zone or user.zone}
    particulars: dict[str, list[object]] = {n: [getattr(user, n), v] for n, v in given.items() if getattr(user, n) != v}
    for name, pair in particulars.items():
        setattr(user, name, pair[1])
    if particulars:
        uow.publish("user.updated", of=user, key=f"user:{user.id}", data={"fields": sorted(particulars)})
    return fields | particulars


async def _prune_users(uow: UnitOfWork, keep: list[str], customer_id: UUID | None, customer: str | None, maker: Principal) -> list[Change]:
    owner = User.customer_id.is_(None) if customer_id is None else User.customer_id == customer_id
    rows = (await uow.execute(select(User).where(owner, User.email.not_in(keep), User.status == "active"))).scalars().all()
    for row in rows:
        await set_user_status(uow, row.id, "suspended", maker=maker)
    return [Change(what="user", name=row.email, action="delete", customer=customer) for row in rows]


def _action(fields: object) -> Action:
    return "update" if fields else "unchanged"
