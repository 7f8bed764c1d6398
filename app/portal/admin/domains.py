"""Domains: the hosts people open; each proven before it serves anybody, one of them preferred in links."""

from functools import partial
from typing import Any
from uuid import UUID

from litestar import Response

from app.core.errors import Conflict, Fault
from app.core.uow import UnitOfWork
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from branding import commands, queries
from branding.domains import PROOF_PATH, check_proof
from branding.models import Domain
from branding.schemas import NewDomain

LIST = "/admin/domains"


class DomainPreferred(Conflict):
    """Links and mails use this address; prefer another one first."""


class DomainInUse(Conflict):
    """You are looking at this page under this address; open the console under another one to remove it."""


@page_get(LIST, area="admin", permission="brand.read")
async def list_domains(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """Every host, with the proof that those that aren't verified still need."""
    return await _list(screen, uow, Form())


@page_post(LIST, area="admin", permission="brand.write")
async def add_domain(screen: Screen, form: Form) -> Response[str]:
    """Take in a host; its proof stands on the list."""

    async def change(uow: UnitOfWork) -> None:
        await commands.add_domain(uow, screen.shell.settings, form.read(NewDomain).host)

    return await screen.change(change, form, then=LIST, done="domain_added", again=partial(_list, screen))


@page_post(f"{LIST}/{{domain_id:uuid}}/verify", area="admin", permission="brand.write")
async def verify_domain(screen: Screen, form: Form, domain_id: UUID) -> Response[str]:
    """Fetch the proof from the host. No transaction is open meanwhile: the host may take its time."""

    async def refused(uow: UnitOfWork, wrong: Form) -> Response[str]:
        return await _list(screen, uow, wrong, failed=domain_id)

    async with screen.read() as uow:
        row = await uow.get(Domain, domain_id)
        host, proof, is_proven = row.host, row.proof, row.verified_at is not None
    try:
        if not is_proven:
            await check_proof(screen.shell.egress, host, proof)
    except Fault as fault:
        return await screen.again(refused, form.refused(fault), fault.status)

    async def change(uow: UnitOfWork) -> None:
        await commands.mark_verified(uow, await uow.get(Domain, domain_id, lock=True), by="proof")

    return await screen.change(change, form, then=LIST, done="domain_verified", again=refused)


@page_post(f"{LIST}/{{domain_id:uuid}}/prefer", area="admin", permission="brand.write")
async def prefer_domain(screen: Screen, form: Form, domain_id: UUID) -> Response[str]:
    """Let links and mails use this host."""

    async def change(uow: UnitOfWork) -> None:
        await commands.make_primary(uow, await uow.get(Domain, domain_id, lock=True))

    return await screen.change(change, form, then=LIST, done="domain_preferred", again=partial(_list, screen))


@page_get(f"{LIST}/{{domain_id:uuid}}/remove", area="admin", permission="brand.write")
async def ask_removal(screen: Screen, uow: UnitOfWork, domain_id: UUID) -> Response[str]:
    """Say what removing it means before it is done."""
    return await _removal(screen, uow, Form(), domain_id)


@page_post(f"{LIST}/{{domain_id:uuid}}/remove", area="admin", permission="brand.write")
async def remove_domain(screen: Screen, form: Form, domain_id: UUID) -> Response[str]:
    """Stop serving a host."""

    async def change(uow: UnitOfWork) -> None:
        row = await uow.get(Domain, domain_id, lock=True)
        if row.host == screen.host.rsplit(":", 1)[0]:
            raise DomainInUse()
        if row.is_primary:
            raise DomainPreferred()
        await commands.remove_domain(uow, row)

    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        return await _removal(screen, uow, wrong, domain_id)

    return await screen.change(change, form, then=LIST, done="domain_removed", again=again)


async def _list(screen: Screen, uow: UnitOfWork, form: Form, failed: UUID | None = None) -> Response[str]:
    return screen.show(
        "admin/domains.html", form=form, domains=await queries.domains(uow), proof_path=PROOF_PATH, failed=failed, here=_here(screen)
    )


async def _removal(screen: Screen, uow: UnitOfWork, form: Form, domain_id: UUID) -> Response[str]:
    return screen.show("admin/domain_remove.html", form=form, domain=await uow.get(Domain, domain_id), here=_here(screen))


def _here(screen: Screen) -> str:
    """The host this page is read under, without its port."""
    return screen.host.rsplit(":", 1)[0]


ROUTES: list[Any] = [list_domains, add_domain, verify_domain, prefer_domain, ask_removal, remove_domain]
