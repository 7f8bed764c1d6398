"""One provisioning call makes a fully branded portal and API on the partner's own host."""

import base64
import io
from typing import Any

import httpx
import pytest
from PIL import Image

from app.core.ids import new_id
from app.core.services import Shell
from tenants.platform import create_platform_key
from tests.integration.portal.people import Page, sign_in

pytestmark = pytest.mark.feature("M186")


def manifest(slug: str) -> dict[str, Any]:
    picture = io.BytesIO()
    Image.new("RGB", (320, 90), "#7A1F4B").save(picture, "PNG")
    return {
        "version": 1,
        "partner": {"slug": slug, "name": "Heron Freight Care", "type": "msp", "event_namespace": slug},
        "environment": "live",
        "brand": {
            "name": "Heron Freight Care", "primary": "#7A1F4B", "logo": base64.b64encode(picture.getvalue()).decode(), "domain": f"care-{slug}.localhost",
            "mail_from": "care@heron.example", "support_email": "help@heron.example", "legal": "Heron Freight, 3 Lock Lane, Hull",
            "locale": "en", "zone": "Europe/London",
        },
        "users": [{"email": "ada@heron.example", "name": "Ada Finch", "role": "partner_admin"}],
        "customers": [{"slug": "acme", "name": "Acme", "users": [{"email": "sam@acme.example", "role": "customer_user"}]}],
    }  # fmt: skip


class TestOneCall:
    @pytest.fixture
    async def made(self, shell: Shell, client: httpx.AsyncClient) -> tuple[str, str]:
        """The host and the first administrator's key."""
        platform, slug = await create_platform_key(shell.boundary, "test"), f"h{new_id().hex[-10:]}"
        answer = await client.put("/v1/provisioning/manifest", json=manifest(slug), headers={"authorization": f"Bearer {platform.text}"})
        assert answer.status_code == 200, answer.text
        return f"care-{slug}.localhost", answer.json()["admin_key"]

    def on(self, app: Any, host: str, **headers: str) -> httpx.AsyncClient:
        given = {"accept": "text/html", **headers}
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=f"http://{host}", headers=given)

    async def test_makes_a_sign_in_page_in_the_brand(self, app: Any, made: tuple[str, str]) -> None:
        visitor = self.on(app, made[0])
        answer = await visitor.get("/sign-in")
        page = Page(answer.text)
        assert answer.status_code == 200 and "Heron Freight Care" in answer.text and "3 Lock Lane" in page.text
        style = next(part for part in answer.text.split('"') if part.startswith("/assets/screen.css"))
        assert "--brand:#7A1F4B" in (await visitor.get(style)).text
        assert (await visitor.get("/brand/logo.png")).content.startswith(b"\x89PNG")

    async def test_makes_the_portal_and_the_console_in_the_brand(self, shell: Shell, app: Any, made: tuple[str, str]) -> None:
        tenant = (await shell.boundary.look_up("select tenant_id from core.find_tenant_by_host($1)", made[0]))[0]["tenant_id"]
        ada = await sign_in(shell, app, tenant, made[0], "partner_admin", name="Ada Finch")
        console = await ada.get("/admin")
        assert console.status_code == 200 and "Heron Freight Care" in console.text
        async with shell.read(tenant) as uow:
            from tenants.queries import customer_by_slug

            acme = await customer_by_slug(uow, "acme")
        assert acme is not None
        sam = await sign_in(shell, app, tenant, made[0], "customer_user", customer=acme.id)
        home = await sam.get("/")
        assert home.status_code == 200 and "Heron Freight Care" in home.text

    async def test_makes_the_api_on_the_same_host(self, app: Any, made: tuple[str, str]) -> None:
        program = self.on(app, made[0], authorization=f"Bearer {made[1]}", accept="application/json")
        answer = await program.get("/v1/customers")
        assert answer.status_code == 200 and [item["slug"] for item in answer.json()["items"]] == ["acme"]
        refused = await program.get("/v1/nothing")
        assert refused.headers["content-type"] == "application/problem+json"
        assert "detour" not in f"{refused.headers}{refused.text}{answer.headers}{answer.text}".lower()

    async def test_again_changes_nothing(self, shell: Shell, client: httpx.AsyncClient) -> None:
        platform, wanted = await create_platform_key(shell.boundary, "test"), manifest(f"h{new_id().hex[-10:]}")
        key = {"authorization": f"Bearer {platform.text}"}
        assert (await client.put("/v1/provisioning/manifest", json=wanted, headers=key)).status_code == 200
        again = await client.put("/v1/provisioning/manifest", json=wanted, headers=key)
        assert {change["action"] for change in again.json()["changes"]} == {"unchanged"}
