"""Provisioning: a manifest applied to one environment, all of it or nothing, as often as one likes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast
from uuid import UUID

import msgspec
from sqlalchemy import text as sql

from app.core.errors import Conflict, NotAllowed
from app.core.services import Shell
from app.core.uow import UnitOfWork
from tenants import platform
from tenants.commands.keys import create_key
from tenants.identity_reconcile import reconcile_providers
from tenants.manifest import Manifest, ProviderEntry, parse
from tenants.pointers import placed
from tenants.principal import Principal
from tenants.queries import has_keys, info
from tenants.reconcile import prune_customers, reconcile_customer, reconcile_roles, reconcile_users
from tenants.roles import BUILT_IN
from tenants.schemas import Action, Applied, Change, NewKey, Section

_ONE_AT_A_TIME = sql("select pg_advisory_xact_lock(7300020, hashtext(core.ctx_tenant()::text))")
FIRST_KEY = "first administrator"


class ManifestElsewhere(Conflict):
    """This manifest is for another partner or environment than your key."""


class PartnerFixed(NotAllowed):
    """A partner's own name, type and namespace are changed by the platform's operator."""


async def apply(shell: Shell, principal: Principal, raw: object, *, dry_run: bool) -> Applied:
    """Apply a manifest, or with `dry_run` only tell what would change.

    All or nothing: an error leaves everything as it was. Applying again changes nothing. Nothing is taken away unless the
    manifest says `prune: true`. The platform's key creates partner and environment and is answered the first admin's key.
    """
    sections = cast(Sequence[Section], shell.extras.get("sections", ()))
    manifest = parse(
        raw,
        sections={s.key for s in sections if s.place in ("tenant", "both")},
        customer_sections={s.key for s in sections if s.place in ("customer", "both")},
    )
    async with _environment(shell, principal, manifest, dry_run=dry_run) as (tenant_id, first):
        maker = _maker(principal, tenant_id)
        application = _Application(shell, sections, manifest, maker)
        try:
            async with shell.unit_of_work(tenant_id, actor=principal.actor) as uow:
                changes = first + await application.run(uow)
                key = await _first_key(shell, uow, principal, maker) if principal.scope == "platform" else None
                if dry_run:
                    await uow.settle()
                    await uow.session.flush()
                    raise _OnlyAsked()
                await _say(shell, uow, manifest, changes)
        except _OnlyAsked:
            key = None
    return Applied(dry_run=dry_run, partner=manifest.partner.slug, environment=manifest.environment, changes=changes, admin_key=key)


class _OnlyAsked(Exception):
    """Rolls a dry run back."""


class _Application:
    """One manifest on its way into one unit of work."""

    def __init__(self, shell: Shell, sections: Sequence[Section], manifest: Manifest, maker: Principal) -> None:
        self._shell = shell
        self._sections = sections
        self._manifest = manifest
        self._maker = maker

    async def run(self, uow: UnitOfWork) -> list[Change]:
        """Reconcile section by section: our own first, then those of the tenant in their order, then each customer's."""
        await uow.session.execute(_ONE_AT_A_TIME)
        wanted, prune, maker = self._manifest, self._manifest.prune, self._maker
        with placed("/roles"):
            changes = await reconcile_roles(uow, wanted.roles, maker=maker, prune=prune)
        with placed("/users"):
            changes += await reconcile_users(
                uow, wanted.users, customer_id=None, customer=None, maker=maker, prune=prune and bool(wanted.users)
            )
        with placed("/identity_providers"):
            changes += await self._providers(uow, wanted.identity_providers, None, None)
        customers, found = await self._customers(uow)
        changes += found + await self._rooms(uow, wanted.sections, None, None, "")
        for index, entry in enumerate(wanted.customers):
            changes += await self._rooms(uow, entry.sections, customers[index], entry.slug, f"/customers/{index}")
        return changes

    async def _customers(self, uow: UnitOfWork) -> tuple[list[UUID], list[Change]]:
        wanted, prune = self._manifest.customers, self._manifest.prune
        ids, changes = [], []
        for index, entry in enumerate(wanted):
            with placed(f"/customers/{index}"):
                customer_id, change = await reconcile_customer(uow, entry)
            ids.append(customer_id)
            changes.append(change)
            with placed(f"/customers/{index}/users"):
                changes += await reconcile_users(
                    uow, entry.users, customer_id=customer_id, customer=entry.slug, maker=self._maker, prune=prune and bool(entry.users)
                )
            with placed(f"/customers/{index}/identity_providers"):
                changes += await self._providers(uow, entry.identity_providers, customer_id, entry.slug)
        if prune and wanted:
            changes += await prune_customers(uow, [entry.slug for entry in wanted])
        return ids, changes

    async def _providers(
        self, uow: UnitOfWork, wanted: list[ProviderEntry], customer_id: UUID | None, customer: str | None
    ) -> list[Change]:
        prune = self._manifest.prune and bool(wanted)
        return await reconcile_providers(
            uow, self._shell, wanted, customer_id=customer_id, customer=customer, maker=self._maker, prune=prune
        )

    async def _rooms(
        self, uow: UnitOfWork, given: dict[str, list[dict[str, object]]], customer_id: UUID | None, customer: str | None, at: str
    ) -> list[Change]:
        changes: list[Change] = []
        for section in [s for s in self._sections if s.key in given]:
            with placed(f"{at}/{section.key}"):
                found = await section.reconcile(uow, self._shell, given[section.key], customer_id=customer_id, prune=self._manifest.prune)
            changes += [_of_customer(change, customer) for change in found]
        return changes


def _of_customer(change: Change, customer: str | None) -> Change:
    """Return the change with its customer's slug filled in, where the room left it out."""
    return change if customer is None or change.customer else msgspec.structs.replace(change, customer=customer)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The environment a platform's key works in: `differs` is what of a known partner is to be changed (None: it is new)."""

    tenant_id: UUID
    is_new: bool
    differs: dict[str, list[Any]] | None

    def changes(self, manifest: Manifest) -> list[Change]:
        partner: Action = "create" if self.differs is None else "update" if self.differs else "unchanged"
        environment: Action = "create" if self.is_new else "unchanged"
        return [
            Change(what="partner", name=manifest.partner.slug, action=partner, fields=self.differs or {}),
            Change(what="environment", name=manifest.environment, action=environment),
        ]


@asynccontextmanager
async def _environment(
    shell: Shell, principal: Principal, manifest: Manifest, *, dry_run: bool
) -> AsyncIterator[tuple[UUID, list[Change]]]:
    """Give the tenant to work in. One that the platform's key made for this is taken back on an error and after a dry run."""
    if principal.tenant_id is not None:
        await _check_own(shell, principal, manifest)
        yield principal.tenant_id, []
        return
    crossing = partial(shell.boundary.platform, actor=principal.actor, reason=f"manifest of {manifest.partner.slug}/{manifest.environment}")
    known = await platform.find_environment(shell, manifest.partner.slug, manifest.environment)
    async with crossing() as connection:
        prepared = await _prepare(connection, manifest, known)
    kept = False
    try:
        yield prepared.tenant_id, prepared.changes(manifest)
        kept = not dry_run
    finally:
        async with crossing() as connection:
            if prepared.is_new and not kept:
                await platform.take_back(connection, prepared.tenant_id)
            elif prepared.differs and kept:
                await platform.update_partner(connection, manifest.partner)


async def _prepare(connection: Any, manifest: Manifest, known: UUID | None) -> _Prepared:
    differs = await platform.compare_partner(connection, manifest.partner)
    if differs is None:
        await platform.insert_partner(connection, manifest.partner)
    tenant_id = known or await platform.create_environment(connection, manifest.partner.slug, manifest.environment)
    return _Prepared(tenant_id, known is None, differs)


async def _check_own(shell: Shell, principal: Principal, manifest: Manifest) -> None:
    async with shell.read(principal.tenant, actor=principal.actor) as uow:
        own = await info(uow)
    if own is None or (own.partner_slug, own.environment) != (manifest.partner.slug, manifest.environment):
        raise ManifestElsewhere()
    entry = manifest.partner
    if (own.partner_name, own.partner_type, own.event_namespace) != (entry.name, entry.type, entry.event_namespace):
        raise PartnerFixed()


def _maker(principal: Principal, tenant_id: UUID) -> Principal:
    """Whoever applies a manifest acts as an administrator of the environment, and no more than that."""
    if principal.scope != "platform":
        return principal
    return replace(principal, tenant_id=tenant_id, scope="partner", permissions=BUILT_IN["partner_admin"].permissions)


async def _first_key(shell: Shell, uow: UnitOfWork, principal: Principal, maker: Principal) -> str | None:
    if await has_keys(uow):
        return None
    new = NewKey(name=FIRST_KEY, scope="partner", roles=["partner_admin"])
    _, key = await create_key(uow, new, maker=maker, prefix=shell.settings.key_prefix)
    return key.text


async def _say(shell: Shell, uow: UnitOfWork, manifest: Manifest, changes: list[Change]) -> None:
    done = [change for change in changes if change.action != "unchanged"]
    if any((change.what, change.action) == ("environment", "create") for change in done):
        await platform.announce(shell, uow, manifest.partner.slug, manifest.environment)
    if done:
        said = [{"what": c.what, "name": c.name, "action": c.action, "customer": c.customer} for c in done[:1000]]
        uow.publish("manifest.applied", subject=f"tenant:{uow.tenant_id}", data={"changes": said})
