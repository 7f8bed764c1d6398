"""Identity providers: whose word is taken for people who sign in; set up, tested, confirmed, switched off, removed."""

import re
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response

from app.core.errors import FieldError, Invalid
from app.core.uow import UnitOfWork
from app.portal.admin.choices import customer_of, offered
from app.portal.admin.role_words import role_word
from app.portal.admin.users import may_give
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from branding import queries as brands
from tenants import identity_queries, queries
from tenants.commands import identity_providers as commands
from tenants.identity_schemas import IdentityProviderPatch, NewIdentityProvider, ProviderTest
from tenants.models import IdentityProvider
from tenants.names import customer_names
from tenants.oidc import request
from tenants.provider_sign_in import test_provider

LIST = "/admin/identity-providers"
SHOWN = 50
CHECKS = {
    "description": "It describes itself", "keys": "It publishes keys to verify its word with", "algorithms": "It signs in a way that is safe",
    "client": "It takes us as a client",
}  # fmt: skip


@page_get(LIST, area="admin", permission="identity.read")
async def list_providers(screen: Screen, uow: UnitOfWork, cursor: str | None = None) -> Response[str]:
    """Every provider, the partner's own and customers'."""
    rows = await identity_queries.identity_providers(uow, cursor=cursor, limit=SHOWN)
    names = await customer_names(uow, [row.customer_id for row in rows.items])
    return screen.show("admin/identity_providers.html", rows=rows, names=names, cursor=cursor)


@page_get(f"{LIST}/new", area="admin", permission="identity.write")
async def new_provider(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """The form for a new one."""
    return await _form(screen, None, uow, Form.of({"requires_verified_email": True, "email_claim": "email"}))


@page_post(LIST, area="admin", permission="identity.write")
async def add_provider(screen: Screen, form: Form) -> Response[str]:
    """Take in a provider; its page says what to register with it."""

    async def change(uow: UnitOfWork) -> UUID:
        known = {**_lists(form), "customer_id": await customer_of(uow, form)}
        only = (
            "name",
            "issuer",
            "client_id",
            "client_secret",
            "email_claim",
            "requires_verified_email",
            "reason",
            "creates_users",
            "default_role",
        )
        new = form.read(NewIdentityProvider, only=only, **known)
        return (await commands.create_provider(uow, screen.shell, new, maker=screen.reader.principal)).id

    return await screen.change(change, form, then=lambda made: f"{LIST}/{made}", done="provider_added", again=partial(_form, screen, None))


@page_get(f"{LIST}/{{provider_id:uuid}}", area="admin", permission="identity.read")
async def show_provider(screen: Screen, uow: UnitOfWork, provider_id: UUID) -> Response[str]:
    """One provider: what to register with it, whom it vouches for, and a test."""
    return await _show(screen, provider_id, uow, Form())


@page_post(f"{LIST}/{{provider_id:uuid}}/test", area="admin", permission="identity.write")
async def try_provider(screen: Screen, form: Form, provider_id: UUID) -> Response[str]:
    """Ask it what a sign-in would ask, and tell what was found. No transaction is open meanwhile."""
    async with screen.read() as uow:
        provider = await uow.get(IdentityProvider, provider_id)
    tested = await test_provider(screen.shell, screen.reader.principal.tenant, provider)
    return await screen.again(partial(_show, screen, provider_id, tested=tested), form, 200)


@page_get(f"{LIST}/{{provider_id:uuid}}/edit", area="admin", permission="identity.write")
async def edit_provider(screen: Screen, uow: UnitOfWork, provider_id: UUID) -> Response[str]:
    """The form with what holds now; the secret is never shown."""
    row = await uow.get(IdentityProvider, provider_id)
    kept = {
        name: getattr(row, name)
        for name in ("name", "issuer", "client_id", "email_claim", "requires_verified_email", "creates_users", "default_role")
    }
    return await _form(screen, provider_id, uow, Form.of({**kept, "scopes": " ".join(row.scopes), "domains": ", ".join(row.domains)}))


@page_post(f"{LIST}/{{provider_id:uuid}}/edit", area="admin", permission="identity.write")
async def change_provider(screen: Screen, form: Form, provider_id: UUID) -> Response[str]:
    """Change it; another issuer signs out whoever came through it."""

    async def change(uow: UnitOfWork) -> None:
        patch = IdentityProviderPatch(**_patched(form))
        await commands.update_provider(uow, screen.shell, provider_id, patch, maker=screen.reader.principal)

    again = partial(_form, screen, provider_id)
    return await screen.change(change, form, then=f"{LIST}/{provider_id}", done="provider_changed", again=again)


@page_post(f"{LIST}/{{provider_id:uuid}}/status", area="admin", permission="identity.write")
async def switch_provider(screen: Screen, form: Form, provider_id: UUID) -> Response[str]:
    """Switch it off, which signs out whoever came through it, or on again."""

    async def change(uow: UnitOfWork) -> None:
        patch = form.read(IdentityProviderPatch, only=("status",))
        await commands.update_provider(uow, screen.shell, provider_id, patch, maker=screen.reader.principal)

    done = "provider_off" if form.value("status") == "disabled" else "provider_on"
    return await screen.change(change, form, then=f"{LIST}/{provider_id}", done=done, again=partial(_show, screen, provider_id))


@page_post(f"{LIST}/{{provider_id:uuid}}/confirm", area="admin", permission="identity.write")
async def confirm_provider(screen: Screen, form: Form, provider_id: UUID) -> Response[str]:
    """Confirm that a customer's provider is found by its domains."""

    async def change(uow: UnitOfWork) -> None:
        await commands.confirm_domains(uow, provider_id)

    again = partial(_show, screen, provider_id)
    return await screen.change(change, form, then=f"{LIST}/{provider_id}", done="provider_confirmed", again=again)


@page_get(f"{LIST}/{{provider_id:uuid}}/remove", area="admin", permission="identity.write")
async def ask_removal(screen: Screen, uow: UnitOfWork, provider_id: UUID) -> Response[str]:
    """Say what removing it means before it is done."""
    return await _removal(screen, provider_id, uow, Form())


@page_post(f"{LIST}/{{provider_id:uuid}}/remove", area="admin", permission="identity.write")
async def remove_provider(screen: Screen, form: Form, provider_id: UUID) -> Response[str]:
    """Take it away."""

    async def change(uow: UnitOfWork) -> None:
        await commands.delete_provider(uow, provider_id)

    return await screen.change(change, form, then=LIST, done="provider_removed", again=partial(_removal, screen, provider_id))


async def _form(screen: Screen, provider_id: UUID | None, uow: UnitOfWork, form: Form) -> Response[str]:
    provider = identity_queries.provider_view(await uow.get(IdentityProvider, provider_id)) if provider_id else None
    roles = [role for role in await queries.list_roles(uow) if role.scope in ("partner", "customer") and may_give(screen, role)]
    choices = [
        (role.name, f"{role_word(role.name)} ({'your own people' if role.scope == 'partner' else 'a customer’s people'})") for role in roles
    ]
    return screen.show("admin/identity_provider_form.html", form=form, provider=provider, roles=choices, **await offered(uow))


async def _show(screen: Screen, provider_id: UUID, uow: UnitOfWork, form: Form, tested: ProviderTest | None = None) -> Response[str]:
    hosts = [row.host for row in await brands.domains(uow) if row.verified_at]
    urls = [request.redirect_uri(screen.shell.settings.origin(host), provider_id) for host in hosts]
    provider = identity_queries.provider_view(await uow.get(IdentityProvider, provider_id))
    names = await customer_names(uow, [provider.customer_id])
    return screen.show(
        "admin/identity_provider.html",
        form=form,
        provider=provider,
        names=names,
        callbacks=urls,
        tested=tested,
        checks=CHECKS,
        role_word=role_word,
    )


async def _removal(screen: Screen, provider_id: UUID, uow: UnitOfWork, form: Form) -> Response[str]:
    provider = await uow.get(IdentityProvider, provider_id)
    return screen.show(
        "admin/identity_provider_remove.html",
        form=form,
        provider=provider,
        signed_in=len(await identity_queries.sessions_by(uow, provider_id)),
    )


def _lists(form: Form) -> dict[str, Any]:
    """The fields that hold several things, as lists."""
    scopes = form.value("scopes").split() or ["openid", "email", "profile"]
    return {"scopes": scopes, "domains": [part for part in re.split(r"[,\s]+", form.value("domains")) if part]}


def _patched(form: Form) -> dict[str, Any]:
    """Everything the form holds; a secret that was left empty stays as it is."""
    flags = {name: form.has(name, "true") for name in ("requires_verified_email", "creates_users")}
    texts = {name: form.value(name).strip() for name in ("name", "issuer", "client_id", "email_claim")}
    more: dict[str, Any] = {"default_role": form.value("default_role") or None}
    more |= {name: form.value(name).strip() for name in ("client_secret", "reason") if form.value(name).strip()}
    given = {**texts, **flags, **more, **_lists(form)}
    errors = []
    for field in msgspec.structs.fields(IdentityProviderPatch):
        if field.name in given:
            try:
                msgspec.convert(given[field.name], field.type)
            except msgspec.ValidationError:
                errors.append(FieldError(f"/{field.name}", "can't be used like that", "Look at the hint below the field."))
    if errors:
        raise Invalid("Some fields need another look.", errors=errors, status=422)
    return given


ROUTES: list[Any] = [
    list_providers, new_provider, add_provider, show_provider, try_provider, edit_provider, change_provider, switch_provider, confirm_provider,
    ask_removal, remove_provider,
]  # fmt: skip
