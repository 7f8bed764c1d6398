"""Identity providers over HTTP, and whom they know our people as."""

from typing import Annotated, Any
from uuid import UUID

from litestar import delete, get, patch, post
from litestar.params import Parameter

from app.core.paging import Page
from app.core.services import Shell
from app.core.uow import UnitOfWork
from tenants import identity_queries as queries
from tenants.commands import external_sign_in, identity_providers
from tenants.identity_schemas import IdentityProviderPatch, IdentityProviderView, IdentityView, NewIdentityProvider, ProviderTest
from tenants.models import IdentityProvider, User
from tenants.principal import PermissionMissing, Principal
from tenants.provider_sign_in import test_provider

Limit = Annotated[int, Parameter(ge=1, le=200)]
_READ, _WRITE = {"permission": "identity.read"}, {"permission": "identity.write"}


@get("/v1/identity-providers", opt=_READ, operation_id="listIdentityProviders", tags=["identity"])
async def list_providers(uow: UnitOfWork, cursor: str | None = None, limit: Limit = 50) -> Page[IdentityProviderView]:
    """Whose word is taken for people signing in; a customer sees its own providers only."""
    return await queries.identity_providers(uow, cursor=cursor, limit=limit)


@post("/v1/identity-providers", opt=_WRITE, operation_id="createIdentityProvider", tags=["identity"])
async def create_provider(uow: UnitOfWork, shell: Shell, principal: Principal, data: NewIdentityProvider) -> IdentityProviderView:
    """Take in a provider; the answer's callback path, under each of the partner's hosts, is what to register with it."""
    return queries.provider_view(await identity_providers.create_provider(uow, shell, data, maker=principal))


@get("/v1/identity-providers/{provider_id:uuid}", opt=_READ, operation_id="getIdentityProvider", tags=["identity"])
async def get_provider(uow: UnitOfWork, provider_id: UUID) -> IdentityProviderView:
    return queries.provider_view(await uow.get(IdentityProvider, provider_id))


@patch("/v1/identity-providers/{provider_id:uuid}", opt=_WRITE, operation_id="updateIdentityProvider", tags=["identity"])
async def update_provider(
    uow: UnitOfWork, shell: Shell, principal: Principal, provider_id: UUID, data: IdentityProviderPatch
) -> IdentityProviderView:
    return queries.provider_view(await identity_providers.update_provider(uow, shell, provider_id, data, maker=principal))


@delete("/v1/identity-providers/{provider_id:uuid}", opt=_WRITE, operation_id="deleteIdentityProvider", tags=["identity"])
async def delete_provider(uow: UnitOfWork, provider_id: UUID) -> None:
    """Take a provider away; whoever signed in with it is signed out."""
    await identity_providers.delete_provider(uow, provider_id)


@post(
    "/v1/identity-providers/{provider_id:uuid}/confirm",
    opt=_WRITE,
    operation_id="confirmIdentityProvider",
    tags=["identity"],
    status_code=200,
)
async def confirm_provider(uow: UnitOfWork, principal: Principal, provider_id: UUID) -> IdentityProviderView:
    """The partner confirms that a customer's provider may be found by its domains."""
    await uow.get(IdentityProvider, provider_id)
    if principal.customer_id is not None:
        raise PermissionMissing("The partner confirms the domains of a customer's provider.")
    return queries.provider_view(await identity_providers.confirm_domains(uow, provider_id))


@post("/v1/identity-providers/{provider_id:uuid}/test", opt=_WRITE, operation_id="testIdentityProvider", tags=["identity"], status_code=200)
async def check_provider(shell: Shell, principal: Principal, provider_id: UUID) -> ProviderTest:
    """Ask the provider for its description and keys, as a sign-in would."""
    async with shell.read(principal.tenant, actor=principal.actor, customer=principal.customer_id) as uow:
        provider = await uow.get(IdentityProvider, provider_id)
    return await test_provider(shell, principal.tenant, provider)


@get("/v1/users/{user_id:uuid}/identities", opt={"permission": "users.read"}, operation_id="listIdentities", tags=["identity"])
async def list_identities(uow: UnitOfWork, user_id: UUID) -> Page[IdentityView]:
    """Who a user is to the providers they signed in with."""
    await uow.get(User, user_id)
    return Page(await queries.identities_of(uow, user_id))


@delete("/v1/users/{user_id:uuid}/identities/{identity_id:uuid}", opt={"permission": "users.write"}, operation_id="unbindIdentity",
        tags=["identity"])  # fmt: skip
async def unbind_identity(uow: UnitOfWork, user_id: UUID, identity_id: UUID) -> None:
    """Forget who a user is to a provider: the next sign-in there binds anew."""
    await external_sign_in.unbind(uow, user_id, identity_id)


IDENTITY_ROUTES: list[Any] = [
    list_providers, create_provider, get_provider, update_provider, delete_provider, confirm_provider, check_provider, list_identities, unbind_identity,
]  # fmt: skip
