"""Tenants over HTTP: partners and environments, customers, people, roles, keys, sign-in, provisioning."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import delete, get, patch, post, put
from litestar.params import Parameter

from app.core.errors import NotFound
from app.core.paging import Page
from app.core.services import Shell
from app.core.uow import UnitOfWork
from tenants import platform, provisioning, queries
from tenants.access_routes import ACCESS_ROUTES
from tenants.auth import cache_of
from tenants.commands import customers, keys, roles, users
from tenants.identity_routes import IDENTITY_ROUTES
from tenants.manifest import PartnerEntry
from tenants.models import ApiKey, Customer
from tenants.principal import Principal
from tenants.schemas import (
    Applied,
    CustomerPatch,
    CustomerView,
    EnvironmentView,
    Grant,
    KeyView,
    MadeKey,
    NewCustomer,
    NewEnvironment,
    NewKey,
    NewPartner,
    NewRole,
    NewUser,
    PartnerView,
    RoleView,
    RotateKey,
    UserView,
)
from tenants.scim.routes import ROUTES as SCIM_ROUTES
from tenants.sign_in_routes import SIGN_IN_ROUTES

Limit = Annotated[int, Parameter(ge=1, le=200)]


def _may(permission: str, **more: Any) -> dict[str, Any]:
    return {"permission": permission, **more}


# -- partners and environments


@get("/v1/partners", opt=_may("partners.read", platform=True), operation_id="listPartners", tags=["tenancy"])
async def list_partners(shell: Shell, principal: Principal, cursor: str | None = None, limit: Limit = 50) -> Page[PartnerView]:
    """Every partner to the platform's operator, by slug; to anybody else their own."""
    if principal.tenant_id is None:
        async with shell.boundary.platform(actor=principal.actor, reason="list partners") as connection:
            return await platform.partners(connection, cursor=cursor, limit=limit)
    async with shell.read(principal.tenant_id) as uow:
        own = await queries.info(uow)
    async with shell.boundary.platform(actor=principal.actor, reason="show its partner", tenant_id=principal.tenant_id) as connection:
        return Page([await platform.partner(connection, own.partner_slug)] if own else [])


@post("/v1/partners", opt=_may("partners.write", platform=True), operation_id="createPartner", tags=["tenancy"])
async def create_partner(shell: Shell, principal: Principal, data: NewPartner) -> PartnerView:
    entry = PartnerEntry(slug=data.slug, name=data.name, type=data.type, event_namespace=data.event_namespace)
    async with shell.boundary.platform(actor=principal.actor, reason=f"create partner {data.slug}") as connection:
        tenant_id = await platform.create_partner(connection, entry, data.environment)
        made = await platform.partner(connection, data.slug)
    await _announce(shell, principal, tenant_id, data.slug, data.environment)
    return made


async def _announce(shell: Shell, principal: Principal, tenant_id: UUID, partner: str, environment: str) -> None:
    async with shell.unit_of_work(tenant_id, actor=principal.actor) as uow:
        await platform.announce(shell, uow, partner, environment)


@get("/v1/environments", opt=_may("partners.read", platform=True), operation_id="listEnvironments", tags=["tenancy"])
async def list_environments(shell: Shell, principal: Principal, cursor: str | None = None, limit: Limit = 50) -> Page[EnvironmentView]:
    """Every environment to the platform's operator, by its partner's slug; to anybody else those of their own partner."""
    if principal.tenant_id is None:
        async with shell.boundary.platform(actor=principal.actor, reason="list environments") as connection:
            return await platform.environments(connection, cursor=cursor, limit=limit)
    async with shell.read(principal.tenant_id) as uow:
        return Page(await queries.environments(uow))


@post("/v1/environments", opt=_may("partners.write", platform=True), operation_id="createEnvironment", tags=["tenancy"])
async def create_environment(shell: Shell, principal: Principal, data: NewEnvironment) -> EnvironmentView:
    async with shell.boundary.platform(actor=principal.actor, reason=f"create environment {data.partner}/{data.environment}") as connection:
        tenant_id = await platform.create_environment(connection, data.partner, data.environment)
    await _announce(shell, principal, tenant_id, data.partner, data.environment)
    return EnvironmentView(id=tenant_id, environment=data.environment, status="active", partner=data.partner)


@put("/v1/provisioning/manifest", opt=_may("provisioning.write", platform=True, secret=True), operation_id="applyManifest",
     tags=["tenancy"], request_max_body_size=8 * 1024 * 1024)  # fmt: skip
async def apply_manifest(shell: Shell, principal: Principal, data: dict[str, Any], dry_run: bool = False) -> Applied:
    """Bring an environment to what the manifest says, all or nothing; with `dry_run` only tell the difference."""
    return await provisioning.apply(shell, principal, data, dry_run=dry_run)


# -- customers


@get("/v1/customers", opt=_may("customers.read"), operation_id="listCustomers", tags=["tenancy"])
async def list_customers(uow: UnitOfWork, cursor: str | None = None, limit: Limit = 50) -> Page[CustomerView]:
    return await queries.customers(uow, cursor=cursor, limit=limit)


@post("/v1/customers", opt=_may("customers.write"), operation_id="createCustomer", tags=["tenancy"])
async def create_customer(uow: UnitOfWork, data: NewCustomer) -> CustomerView:
    return queries.customer_view(await customers.create_customer(uow, data))


@get("/v1/customers/{customer_id:uuid}", opt=_may("customers.read"), operation_id="getCustomer", tags=["tenancy"])
async def get_customer(uow: UnitOfWork, customer_id: UUID) -> CustomerView:
    return queries.customer_view(await uow.get(Customer, customer_id))


@patch("/v1/customers/{customer_id:uuid}", opt=_may("customers.write"), operation_id="updateCustomer", tags=["tenancy"])
async def update_customer(uow: UnitOfWork, customer_id: UUID, data: CustomerPatch) -> CustomerView:
    return queries.customer_view(await customers.update_customer(uow, customer_id, data))


# -- people


@get("/v1/users", opt=_may("users.read"), operation_id="listUsers", tags=["tenancy"])
async def list_users(uow: UnitOfWork, customer_id: UUID | None = None, cursor: str | None = None, limit: Limit = 50) -> Page[UserView]:
    return await queries.users(uow, customer_id=customer_id, cursor=cursor, limit=limit)


@post("/v1/users", opt=_may("users.write"), operation_id="createUser", tags=["tenancy"])
async def create_user(uow: UnitOfWork, principal: Principal, data: NewUser) -> UserView:
    user = await users.create_user(uow, data, maker=principal)
    return await queries.user(uow, user.id)


@get("/v1/users/{user_id:uuid}", opt=_may("users.read"), operation_id="getUser", tags=["tenancy"])
async def get_user(uow: UnitOfWork, user_id: UUID) -> UserView:
    return await queries.user(uow, user_id)


@post("/v1/users/{user_id:uuid}/roles", opt=_may("users.write"), operation_id="grantRole", tags=["tenancy"])
async def grant_role(uow: UnitOfWork, principal: Principal, user_id: UUID, data: Grant) -> UserView:
    await users.grant_role(uow, user_id, data.role, maker=principal, customer_id=data.customer_id)
    await uow.session.flush()
    return await queries.user(uow, user_id)


@delete("/v1/users/{user_id:uuid}/roles/{role_name:str}", opt=_may("users.write"), operation_id="revokeRole", tags=["tenancy"])
async def revoke_role(uow: UnitOfWork, principal: Principal, user_id: UUID, role_name: str, customer_id: UUID | None = None) -> None:
    """Relieve somebody of a role; with `customer_id` of the one they hold for that customer."""
    await users.revoke_role(uow, user_id, role_name, maker=principal, customer_id=customer_id)


@post("/v1/users/{user_id:uuid}/suspend", opt=_may("users.write"), operation_id="suspendUser", tags=["tenancy"], status_code=200)
async def suspend_user(uow: UnitOfWork, principal: Principal, user_id: UUID) -> UserView:
    """Keep somebody out; their sessions end within five seconds."""
    await users.set_user_status(uow, user_id, "suspended", maker=principal)
    return await queries.user(uow, user_id)


@post("/v1/users/{user_id:uuid}/restore", opt=_may("users.write"), operation_id="restoreUser", tags=["tenancy"], status_code=200)
async def restore_user(uow: UnitOfWork, principal: Principal, user_id: UUID) -> UserView:
    await users.set_user_status(uow, user_id, "active", maker=principal)
    return await queries.user(uow, user_id)


# -- roles


@get("/v1/roles", opt=_may("users.read"), operation_id="listRoles", tags=["tenancy"])
async def list_roles(uow: UnitOfWork) -> Page[RoleView]:
    return Page(await queries.list_roles(uow))


@post("/v1/roles", opt=_may("users.write"), operation_id="createRole", tags=["tenancy"])
async def create_role(uow: UnitOfWork, principal: Principal, data: NewRole) -> RoleView:
    return queries.role_view(await roles.create_role(uow, data, maker=principal))


@put("/v1/roles/{role_name:str}", opt=_may("users.write"), operation_id="changeRole", tags=["tenancy"])
async def change_role(uow: UnitOfWork, principal: Principal, role_name: str, data: NewRole) -> RoleView:
    return queries.role_view(await roles.change_role(uow, role_name, data, maker=principal))


@delete("/v1/roles/{role_name:str}", opt=_may("users.write"), operation_id="deleteRole", tags=["tenancy"])
async def delete_role(uow: UnitOfWork, role_name: str) -> None:
    await roles.delete_role(uow, role_name)


# -- keys


@get("/v1/keys", opt=_may("keys.read"), operation_id="listKeys", tags=["tenancy"])
async def list_keys(uow: UnitOfWork, cursor: str | None = None, limit: Limit = 50) -> Page[KeyView]:
    return await queries.keys(uow, cursor=cursor, limit=limit)


@get("/v1/keys/{key_id:uuid}", opt=_may("keys.read"), operation_id="getKey", tags=["tenancy"])
async def get_key(uow: UnitOfWork, key_id: UUID) -> KeyView:
    return await queries.key(uow, key_id)


@post("/v1/keys", opt=_may("keys.write", secret=True), operation_id="createKey", tags=["tenancy"])
async def create_key(shell: Shell, uow: UnitOfWork, principal: Principal, data: NewKey) -> MadeKey:
    """Make a key; its secret is in this answer and nowhere else."""
    row, key = await keys.create_key(uow, data, maker=principal, prefix=shell.settings.key_prefix)
    return MadeKey(key=queries.key_view(row), secret=key.text)


@get("/v1/keys/current", opt=_may("signed-in"), operation_id="getCurrentKey", tags=["tenancy"])
async def get_current_key(uow: UnitOfWork, principal: Principal) -> KeyView:
    """The key that asks: what it may do, until when it works, and when it should renew itself."""
    return queries.key_view(await uow.get(ApiKey, _own_key(principal)))


@post("/v1/keys/current/rotate", opt=_may("signed-in", secret=True), operation_id="rotateCurrentKey", tags=["tenancy"])
async def rotate_current_key(shell: Shell, uow: UnitOfWork, principal: Principal, data: RotateKey) -> MadeKey:
    """Let the key that asks make its own successor, with its own rights; both work until the overlap ends."""
    own, overlap = _own_key(principal), timedelta(seconds=data.overlap_seconds)
    row, key = await keys.rotate_key(uow, own, overlap=overlap, maker=principal, prefix=shell.settings.key_prefix)
    uow.after_commit(lambda: cache_of(shell).forget(own))
    return MadeKey(key=queries.key_view(row), secret=key.text)


@post("/v1/keys/{key_id:uuid}/rotate", opt=_may("keys.write", secret=True), operation_id="rotateKey", tags=["tenancy"])
async def rotate_key(shell: Shell, uow: UnitOfWork, principal: Principal, key_id: UUID, data: RotateKey) -> MadeKey:
    """Make the key's successor; both work until the overlap ends."""
    overlap = timedelta(seconds=data.overlap_seconds)
    row, key = await keys.rotate_key(uow, key_id, overlap=overlap, maker=principal, prefix=shell.settings.key_prefix)
    uow.after_commit(lambda: cache_of(shell).forget(key_id))
    return MadeKey(key=queries.key_view(row), secret=key.text)


@post("/v1/keys/{key_id:uuid}/revoke", opt=_may("keys.write"), operation_id="revokeKey", tags=["tenancy"], status_code=200)
async def revoke_key(shell: Shell, uow: UnitOfWork, key_id: UUID) -> KeyView:
    """Refuse the key: here at once, everywhere within five seconds."""
    row = await keys.revoke_key(uow, key_id)
    uow.after_commit(lambda: cache_of(shell).forget(key_id))
    return queries.key_view(row)


def _own_key(principal: Principal) -> UUID:
    if principal.key_id is None:
        raise NotFound()
    return principal.key_id


ROUTES: list[Any] = [
    list_partners, create_partner, list_environments, create_environment, apply_manifest,
    list_customers, create_customer, get_customer, update_customer,
    list_users, create_user, get_user, grant_role, revoke_role, suspend_user, restore_user,
    list_roles, create_role, change_role, delete_role,
    list_keys, get_current_key, rotate_current_key, get_key, create_key, rotate_key, revoke_key,
    *SIGN_IN_ROUTES,
    *IDENTITY_ROUTES,
    *ACCESS_ROUTES,
    *SCIM_ROUTES,
]  # fmt: skip
