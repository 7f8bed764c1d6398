"""A manifest's identity providers: by name, for the partner or under a customer, through the same commands people use."""

import hmac
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET
from sqlalchemy import select

from app.core.services import Shell
from app.core.uow import UnitOfWork
from tenants.commands.identity_providers import create_provider, delete_provider, open_secret, update_provider
from tenants.identity_schemas import IdentityProviderPatch, NewIdentityProvider
from tenants.manifest import ProviderEntry
from tenants.models import IdentityProvider
from tenants.pointers import placed
from tenants.principal import Principal
from tenants.schemas import Action, Change

WHAT = "identity_provider"


async def reconcile_providers(
    uow: UnitOfWork,
    shell: Shell,
    wanted: Sequence[ProviderEntry],
    *,
    customer_id: UUID | None,
    customer: str | None,
    maker: Principal,
    prune: bool,
) -> list[Change]:
    """Make, change and (with `prune`) take away the providers of the partner or of one customer."""
    owner = IdentityProvider.customer_id.is_(None) if customer_id is None else IdentityProvider.customer_id == customer_id
    rows = {row.name: row for row in (await uow.execute(select(IdentityProvider).where(owner))).scalars()}
    changes = []
    for index, entry in enumerate(wanted):
        with placed(f"/{index}"):
            changes.append(await _reconcile(uow, shell, rows.get(entry.name), entry, customer_id, customer, maker))
    for name in sorted(rows.keys() - {entry.name for entry in wanted}) if prune else ():
        await delete_provider(uow, rows[name].id)
        changes.append(Change(what=WHAT, name=name, action="delete", customer=customer))
    return changes


async def _reconcile(
    uow: UnitOfWork,
    shell: Shell,
    row: IdentityProvider | None,
    entry: ProviderEntry,
    customer_id: UUID | None,
    customer: str | None,
    maker: Principal,
) -> Change:
    secret = entry.secret.secret if entry.secret else None
    given = {name: value for name, value in msgspec.structs.asdict(entry).items() if name != "secret"}
    if row is None:
        await create_provider(uow, shell, NewIdentityProvider(**given, client_secret=secret, customer_id=customer_id), maker=maker)
        return Change(what=WHAT, name=entry.name, action="create", customer=customer)
    fields = await _differing(uow, shell, row, given, secret)
    action: Action = "update" if fields else "unchanged"
    if fields or row.status != "active":
        patch = IdentityProviderPatch(**given, status="active", client_secret=secret if "secret" in fields else UNSET)
        await update_provider(uow, shell, row.id, patch, maker=maker)
    return Change(what=WHAT, name=entry.name, action=action, fields=fields, customer=customer)


async def _differing(
    uow: UnitOfWork, shell: Shell, row: IdentityProvider, given: dict[str, Any], secret: str | None
) -> dict[str, list[Any]]:
    """What the manifest would change; of a secret only that it would."""
    wanted = {
        **given,
        "domains": sorted({d.lower() for d in given["domains"]}),
        "scopes": list(dict.fromkeys(["openid", *given["scopes"]])),
    }
    fields = {n: [getattr(row, n), v] for n, v in wanted.items() if n != "reason" and getattr(row, n) != v}
    kept = await open_secret(shell, uow, row)
    if not hmac.compare_digest(kept.encode(), (secret or "").encode()):
        fields["secret"] = ["…", "…"]
    return fields
