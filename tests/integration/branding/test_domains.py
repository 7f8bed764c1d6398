"""Hosts: proven before they serve, one owner each, never one of the platform's."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.core.egress import Answer, Egress, EgressReset
from app.core.services import Shell
from app.main.application import create_app
from branding import domains
from branding.domains import HostInvalid, host_name
from tests.conftest import make_tenant
from tests.integration.tenants.conftest import make_key

pytestmark = pytest.mark.feature("M180")


@dataclass
class Web:
    """The web as the egress port shows it: what stands at an address. The port's own guard has its own tests."""

    pages: dict[str, tuple[int, bytes]]

    async def request(self, method: str, url: str, **_: object) -> Answer:
        if url not in self.pages:
            raise EgressReset("There is no such host.", after_write=False)
        status, body = self.pages[url]
        return Answer(status, {}, body)


@pytest.fixture
async def web() -> Web:
    return Web({})


@pytest.fixture
async def admin(shell: Shell, tenant: UUID, web: Web) -> AsyncIterator[httpx.AsyncClient]:
    _, key = await make_key(shell, tenant, roles=["partner_admin"])
    app: Any = create_app(shell.but(egress=web))
    headers = {"authorization": f"Bearer {key.text}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1", headers=headers) as client:
        yield client


async def add(admin: httpx.AsyncClient, host: str, **more: Any) -> httpx.Response:
    return await admin.post("/v1/domains", json={"host": host}, **more)


class TestHostName:
    @pytest.mark.parametrize(
        ("given", "kept"),
        [("Care.Example.COM", "care.example.com"), ("care.example.com.", "care.example.com"), ("büro.example", "xn--bro-hoa.example")],
    )
    def test_is_kept_in_one_form(self, given: str, kept: str) -> None:
        assert host_name(given) == kept

    @pytest.mark.parametrize(
        "given",
        [
            "",
            "localhost",
            "a..b",
            "-a.example",
            "http://a.example",
            "a.example:80",
            "a_b.example",
            "127.0.0.1",
            "a b.example",
            "x" * 64 + ".example",
        ],
    )
    def test_is_refused_when_it_is_none(self, given: str) -> None:
        with pytest.raises(HostInvalid):
            host_name(given)


class TestDomain:
    async def test_serves_nobody_before_it_is_proven(self, admin: httpx.AsyncClient, shell: Shell, tenant: UUID, web: Web) -> None:
        added = (await add(admin, f"care.{tenant}.example")).json()
        assert added["verified_at"] is None and await domains.tenant_of(shell.boundary, added["host"]) is None
        missing = await admin.post(f"/v1/domains/{added['id']}/verify")
        assert missing.status_code == 409 and missing.json()["type"] == "/problems/proof-missing"
        web.pages[added["proof"]["url"]] = (200, b"something else")
        assert (await admin.post(f"/v1/domains/{added['id']}/verify")).status_code == 409
        web.pages[added["proof"]["url"]] = (404, added["proof"]["content"].encode())
        assert (await admin.post(f"/v1/domains/{added['id']}/verify")).status_code == 409
        web.pages[added["proof"]["url"]] = (200, added["proof"]["content"].encode() + b"\n")
        verified = await admin.post(f"/v1/domains/{added['id']}/verify")
        assert verified.status_code == 200 and verified.json()["is_primary"] and verified.json()["proof"] is None
        assert await domains.tenant_of(shell.boundary, f"{added['host'].upper()}:8443") == tenant

    async def test_goes_before_the_platforms_own_address_in_links(self, admin: httpx.AsyncClient, tenant: UUID, web: Web) -> None:
        await admin.put("/v1/brand", json={"voice": {"name": "N", "mail_from": "a@n.example"}, "tokens": {"primary": "#0B5FFF"}})
        added = (await add(admin, f"care.{tenant}.example")).json()
        web.pages[added["proof"]["url"]] = (200, added["proof"]["content"].encode())
        await admin.post(f"/v1/domains/{added['id']}/verify")
        preferred = {row["host"]: row["is_primary"] for row in (await admin.get("/v1/domains")).json()["items"]}
        assert preferred[added["host"]] and sum(preferred.values()) == 1 and len(preferred) == 2

    async def test_of_another_tenant_stays_theirs(self, admin: httpx.AsyncClient, shell: Shell, tenant: UUID, web: Web) -> None:
        other = await make_tenant(shell)
        _, key = await make_key(shell, other, roles=["partner_admin"])
        theirs = {"authorization": f"Bearer {key.text}"}
        host = f"care.{tenant}.example"
        mine, second = (await add(admin, host)).json(), (await add(admin, host, headers=theirs)).json()
        assert mine["proof"]["content"] != second["proof"]["content"]
        web.pages[mine["proof"]["url"]] = (200, mine["proof"]["content"].encode())
        assert (await admin.post(f"/v1/domains/{mine['id']}/verify")).status_code == 200
        web.pages[mine["proof"]["url"]] = (200, second["proof"]["content"].encode())
        taken = await admin.post(f"/v1/domains/{second['id']}/verify", headers=theirs)
        assert taken.status_code == 409 and taken.json()["type"] == "/problems/domain-taken"
        assert await domains.tenant_of(shell.boundary, host) == tenant
        assert (await admin.post(f"/v1/domains/{mine['id']}/verify", headers=theirs)).status_code == 404

    async def test_of_the_platform_is_reserved(self, admin: httpx.AsyncClient, shell: Shell) -> None:
        from dataclasses import replace

        strict = shell.but(settings=replace(shell.settings, development=False, egress_allow_loopback=False, public_domain="portal.example"))
        transport = httpx.ASGITransport(app=create_app(strict))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=admin.headers) as production:
            for host in ("portal.example", "somebody-else.portal.example"):
                assert (await add(production, host)).json()["type"] == "/problems/host-reserved"
            local = (await add(production, "care.localhost")).json()
            assert local["verified_at"] is None

    async def test_verifies_itself_on_this_machine_in_development(self, admin: httpx.AsyncClient, shell: Shell, tenant: UUID) -> None:
        added = (await add(admin, f"care-{tenant}.localhost")).json()
        assert added["verified_at"] and await domains.tenant_of(shell.boundary, added["host"]) == tenant

    async def test_added_twice_is_one(self, admin: httpx.AsyncClient) -> None:
        one, two = await asyncio.gather(add(admin, "twice.example"), add(admin, "Twice.example"))
        assert sorted([one.status_code, two.status_code]) in ([201, 201], [201, 409])
        assert len((await admin.get("/v1/domains")).json()["items"]) == 1

    async def test_removed_serves_nobody(self, admin: httpx.AsyncClient, shell: Shell, tenant: UUID) -> None:
        added = (await add(admin, f"gone-{tenant}.localhost")).json()
        assert (await admin.delete(f"/v1/domains/{added['id']}")).status_code == 204
        assert await domains.tenant_of(shell.boundary, added["host"]) is None

    @pytest.mark.parametrize("host", ["no host", "http://care.example", "127.0.0.1"])
    async def test_refuses_what_is_no_host_name(self, admin: httpx.AsyncClient, host: str) -> None:
        answer = await add(admin, host)
        assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/host"

    async def test_proof_is_fetched_through_the_egress_guard(self, shell: Shell) -> None:
        with pytest.raises(domains.ProofMissing) as refused:
            await domains.check_proof(Egress(), "localhost", "x")
        assert "private or reserved" in refused.value.detail
