"""Domains at the console: added, proven, preferred, removed; with what each of it means."""

import re
from uuid import UUID

import pytest
from sqlalchemy import select

from app.core.services import Shell
from branding.models import Domain
from tests.integration.portal.admin.conftest import page
from tests.integration.portal.people import Page, Person

pytestmark = pytest.mark.feature("M180")


async def added(shell: Shell, tenant: UUID, mira: Person, host: str = "care.fjord.example") -> Domain:
    assert (await mira.post("/admin/domains", {"host": host})).status_code == 303
    async with shell.read(tenant) as uow:
        row: Domain = (await uow.execute(select(Domain).where(Domain.host == host))).scalar_one()
    return row


class TestADomain:
    async def test_shows_its_proof_until_it_is_proven(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        row = await added(shell, tenant, mira)
        html = await page(mira, "/admin/domains")
        assert row.proof in html and "https://care.fjord.example/.well-known/domain-proof.txt" in html and "waits for its proof" in html

    async def test_tells_why_its_proof_could_not_be_read(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        row = await added(shell, tenant, mira, "127.0.0.1.nip.invalid")
        answer = await mira.post(f"/admin/domains/{row.id}/verify")
        assert answer.status_code == 409 and "can&#39;t be read" in answer.text
        async with shell.read(tenant) as uow:
            assert (await uow.get(Domain, row.id)).verified_at is None

    async def test_that_is_no_host_is_named_at_its_field(self, mira: Person) -> None:
        answer = await mira.post("/admin/domains", {"host": "https://care.example/x"})
        assert answer.status_code == 422 and "is no host name" in answer.text
        assert Page(answer.text).fields["host"] == "https://care.example/x"

    async def test_says_what_removing_it_means_before_it_is_removed(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        row = await added(shell, tenant, mira)
        html = await page(mira, f"/admin/domains/{row.id}/remove")
        assert "Remove <bdi>care.fjord.example</bdi>?" in html
        assert (await mira.post(f"/admin/domains/{row.id}/remove")).status_code == 303
        assert "care.fjord.example" not in await page(mira, "/admin/domains")

    async def test_under_which_one_looks_is_not_removed(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        async with shell.read(tenant) as uow:
            row = (await uow.execute(select(Domain).where(Domain.host == mira.host))).scalar_one()
        answer = await mira.post(f"/admin/domains/{row.id}/remove")
        assert answer.status_code == 409 and "looking at this page under this address" in answer.text
        assert (await mira.get("/admin/domains")).status_code == 200

    async def test_that_is_proven_can_be_preferred(self, shell: Shell, tenant: UUID, mira: Person) -> None:
        second = f"second-{mira.host.split('.')[0]}.localhost"
        assert (await mira.post("/admin/domains", {"host": second})).status_code == 303
        assert await _preferred(shell, tenant) == second, "an address of one's own goes before the platform's"
        prefer = re.search(r'action="(/admin/domains/[0-9a-f-]+/prefer)"', await page(mira, "/admin/domains"))
        assert prefer
        assert (await mira.post(prefer[1])).status_code == 303
        assert await _preferred(shell, tenant) == mira.host


async def _preferred(shell: Shell, tenant: UUID) -> str:
    async with shell.read(tenant) as uow:
        host: str = (await uow.execute(select(Domain.host).where(Domain.is_primary))).scalar_one()
    return host
