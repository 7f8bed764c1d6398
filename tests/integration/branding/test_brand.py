"""The brand in one call: published by version, refused when it can't be read, seen on the partner's own host."""

import base64
import io
from typing import Any
from uuid import UUID

import httpx
import pytest
from PIL import Image
from sqlalchemy import select

from app.core.models import EventRow
from app.core.services import Shell
from branding.models import BrandRow
from tests.conftest import make_tenant
from tests.integration.tenants.conftest import make_key

pytestmark = pytest.mark.feature("M180")
VOICE = {"name": "Northwind", "mail_from": "care@northwind.example"}


def logo(colour: str = "#0B5FFF", size: tuple[int, int] = (200, 48)) -> str:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def form(primary: str = "#0B5FFF", **more: Any) -> dict[str, Any]:
    return {"voice": VOICE, "tokens": {"primary": primary}, **more}


async def hosts(admin: httpx.AsyncClient) -> list[str]:
    return [row["host"] for row in (await admin.get("/v1/domains")).json()["items"]]


class TestBrand:
    async def test_is_empty_before_the_first_one(self, admin: httpx.AsyncClient) -> None:
        answer = await admin.get("/v1/brand")
        assert answer.status_code == 200 and answer.json()["version"] == 0 and answer.headers["etag"] == '"0"'

    async def test_is_published_in_one_call_and_shown_on_the_partners_host(self, admin: httpx.AsyncClient, app: Any) -> None:
        put = await admin.put("/v1/brand", json=form(logo=logo()))
        assert put.status_code == 200, put.text
        assert put.json()["version"] == 1 and put.json()["logo"] == {"path": "/brand/logo.png", "width": 200, "height": 48}
        (host,) = await hosts(admin)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1", headers={"host": host}
        ) as visitor:
            page, picture = await visitor.get("/l/unknown"), await visitor.get("/brand/logo.png")
            assert "Northwind" in page.text and "#0B5FFF" in page.text and "/brand/logo.png" in page.text
            assert picture.headers["content-type"] == "image/png" and picture.content.startswith(b"\x89PNG")
            again = await visitor.get("/brand/logo.png", headers={"if-none-match": picture.headers["etag"]})
            assert again.status_code == 304 and again.content == b""

    async def test_keeps_every_version_and_publishes_one(self, admin: httpx.AsyncClient, shell: Shell, tenant: UUID) -> None:
        for colour in ("#0B5FFF", "#B3261E", "#B3261E", "#0F5B4F"):
            assert (await admin.put("/v1/brand", json=form(colour))).status_code == 200
        async with shell.read(tenant) as uow:
            rows = (await uow.execute(select(BrandRow.version, BrandRow.status).order_by(BrandRow.version))).all()
            said = (await uow.execute(select(EventRow.type).where(EventRow.type == "brand.published"))).all()
        assert [tuple(row) for row in rows] == [(1, "retired"), (2, "retired"), (3, "published")]
        assert len(said) == 3

    async def test_keeps_the_logo_unless_told_otherwise(self, admin: httpx.AsyncClient) -> None:
        await admin.put("/v1/brand", json=form(logo=logo()))
        assert (await admin.put("/v1/brand", json=form("#B3261E"))).json()["logo"]["width"] == 200
        assert (await admin.put("/v1/brand", json=form("#B3261E", logo=None))).json()["logo"] is None

    async def test_refuses_a_colour_nobody_can_read_and_names_a_better_one(self, admin: httpx.AsyncClient) -> None:
        answer = await admin.put("/v1/brand", json=form("#FFD400"))
        assert answer.status_code == 422 and answer.json()["type"] == "/problems/colour-unreadable"
        (error,) = answer.json()["errors"]
        assert error["pointer"] == "/tokens/primary" and "4.5:1" in error["detail"] and "#" in error["remedy"]
        assert (await admin.get("/v1/brand")).json()["version"] == 0

    @pytest.mark.parametrize(
        ("body", "status", "pointer"),
        [
            (form("blue"), 400, "/tokens/primary"),
            (form(logo="%%%"), 422, "/logo"),
            (form(logo=base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>").decode()), 422, "/logo"),
            (form(voice={**VOICE, "name": "North\r\nBcc: x"}), 400, "/voice/name"),
            (form(voice={**VOICE, "mail_from": "a@b.example, c@d.example"}), 400, "/voice/mail_from"),
            (form(voice={**VOICE, "terms_url": "javascript:alert(1)"}), 400, "/voice/terms_url"),
            (form(tokens={"primary": "#0B5FFF", "font": "url(http://evil)"}), 400, "/tokens/font"),
            (form(tokens={"primary": "#0B5FFF", "css": "*{}"}), 400, "/tokens"),
        ],
    )
    async def test_refuses_what_could_do_harm_naming_the_field(
        self, admin: httpx.AsyncClient, body: dict[str, Any], status: int, pointer: str
    ) -> None:
        answer = await admin.put("/v1/brand", json=body)
        assert answer.status_code == status, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer

    async def test_refuses_to_overwrite_what_changed_meanwhile(self, admin: httpx.AsyncClient) -> None:
        seen = (await admin.put("/v1/brand", json=form())).headers["etag"]
        await admin.put("/v1/brand", json=form("#B3261E"))
        assert (await admin.put("/v1/brand", json=form("#0F5B4F"), headers={"if-match": seen})).status_code == 412
        assert (await admin.put("/v1/brand", json=form("#0F5B4F"), headers={"if-match": "nonsense"})).status_code == 400

    async def test_can_be_looked_at_before_it_is_published(self, admin: httpx.AsyncClient) -> None:
        good = (await admin.post("/v1/brand/preview", json=form())).json()
        assert good["faults"] == [] and good["light"]["brand"] == "#0B5FFF" and "<h1>" in good["page"] and "<table" in good["mail"]
        bad = (await admin.post("/v1/brand/preview", json=form("#FFD400"))).json()
        assert bad["faults"][0]["pointer"] == "/tokens/primary" and bad["page"] == ""
        assert (await admin.get("/v1/brand")).json()["version"] == 0

    async def test_is_not_for_those_who_only_read(self, admin: httpx.AsyncClient, shell: Shell, tenant: UUID) -> None:
        _, key = await make_key(shell, tenant, roles=["operator"])
        reader = {"authorization": f"Bearer {key.text}"}
        assert (await admin.put("/v1/brand", json=form(), headers=reader)).status_code == 403
        assert (await admin.get("/v1/brand", headers=reader)).status_code == 200


class TestLogo:
    async def test_of_a_stranger_host_is_not_found(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/brand/logo.png", headers={"host": "stranger.example"})).status_code == 404

    async def test_is_each_tenants_own(self, admin: httpx.AsyncClient, app: Any, shell: Shell) -> None:
        await admin.put("/v1/brand", json=form(logo=logo()))
        _, key = await make_key(shell, await make_tenant(shell), roles=["partner_admin"])
        other = {"authorization": f"Bearer {key.text}"}
        await admin.put("/v1/brand", json=form(logo=logo("#B3261E")), headers=other)
        (mine,), theirs = await hosts(admin), (await admin.get("/v1/domains", headers=other)).json()["items"][0]["host"]
        one, two = [await admin.get("/brand/logo.png", headers={"host": host}) for host in (mine, theirs)]
        assert one.headers["etag"] != two.headers["etag"] and one.content != two.content
