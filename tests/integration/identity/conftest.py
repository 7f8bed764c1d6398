"""A branded partner, real OpenID providers, and browsers that go from one to the other."""

import re
from collections.abc import Awaitable, Callable, Iterator
from html import unescape
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text as sql

from app.core.services import Shell
from tenants import sessions
from tenants.auth import Cache
from tenants.commands.identity_providers import create_provider
from tenants.commands.users import create_user
from tenants.identity_schemas import NewIdentityProvider
from tenants.models import IdentityProvider
from tenants.oidc.provider import Providers
from tenants.oidc.request import redirect_uri
from tenants.schemas import NewUser
from tests.integration.portal.conftest import customer, host, signed_in  # noqa: F401 — fixtures
from tests.integration.tenants.conftest import admin, patient  # noqa: F401 — a fixture
from tests.openid.provider import OpenIdProvider, openid_provider


@pytest.fixture(scope="module")
def issuer() -> Iterator[OpenIdProvider]:
    with openid_provider() as started:
        yield started


@pytest.fixture(scope="module")
def other_issuer() -> Iterator[OpenIdProvider]:
    with openid_provider() as started:
        yield started


@pytest.fixture(autouse=True)
def fresh(shell: Shell, patient: None) -> Iterator[Providers]:  # noqa: F811
    """Nothing known of providers or sessions from another test, and no limit near."""
    shell.extras["tenants.auth"] = Cache(seconds=0)
    shell.extras["tenants.oidc"] = Providers(shell.egress, development=True)
    yield shell.extras["tenants.oidc"]
    del shell.extras["tenants.oidc"]


class Browser:
    """One browser on one host: it keeps cookies, sends forms, follows nothing by itself."""

    def __init__(self, app: Any, host: str) -> None:  # noqa: F811
        self.host, self.cookies = host, dict[str, str]()
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=f"http://{host}", headers={"accept": "text/html"})

    async def get(self, path: str) -> httpx.Response:
        return self._keep(await self._http.get(path, headers=self._carry()))

    async def post(self, path: str, **fields: str) -> httpx.Response:
        return self._keep(await self._http.post(path, data=fields or {"a": "b"}, headers=self._carry()))

    async def set_out(self, provider: IdentityProvider, **fields: str) -> str:
        """Press a provider's button; the address the browser is sent to."""
        answer = await self.post(f"/sign-in/with/{provider.id}", **fields)
        assert answer.status_code == 200, answer.text
        shown = re.search(r'href="(http[^"]+/auth\?[^"]+)"', answer.text)
        assert shown and answer.headers["refresh"] == f"0;url={unescape(shown[1])}"
        return unescape(shown[1])

    async def come_back(self, address: str) -> httpx.Response:
        """Open the address a provider sent the browser back to."""
        return await self.get(re.sub(r"^https?://[^/]+", "", address))

    @property
    def session(self) -> str:
        return self.cookies.get(sessions.COOKIE, "")

    def _carry(self) -> dict[str, str]:
        return {
            "cookie": "; ".join(f"{n}={v}" for n, v in self.cookies.items()),
            "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
        }

    def _keep(self, answer: httpx.Response) -> httpx.Response:
        for line in answer.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            value = rest.partition(";")[0]
            self.cookies.pop(name, None)
            if value and "max-age=0" not in line.lower():
                self.cookies[name] = value
        return answer


@pytest.fixture
def browser(app: Any, host: str) -> Browser:  # noqa: F811
    return Browser(app, host)


@pytest.fixture
def make_provider(shell: Shell, tenant: UUID, host: str) -> Callable[..., Awaitable[IdentityProvider]]:  # noqa: F811
    """Takes an issuer in as a provider of the partner's, or of a customer's, and registers us with it."""

    async def make(at: OpenIdProvider, *, method: str = "client_secret_basic", **wanted: Any) -> IdentityProvider:
        given = {"name": "Work account", "issuer": at.issuer, "client_id": at.client_id, "client_secret": at.client_secret, **wanted}
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            row = await create_provider(uow, shell, NewIdentityProvider(**given), maker=admin(tenant))
        at.accept(redirect_uri(shell.settings.origin(host), row.id), method=method)
        return row

    return make


@pytest.fixture
def make_user(shell: Shell, tenant: UUID) -> Callable[..., Awaitable[UUID]]:
    async def make(email: str, role: str = "operator", **more: Any) -> UUID:
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            return (await create_user(uow, NewUser(email=email, role=role, **more), maker=admin(tenant))).id

    return make


async def said(shell: Shell, tenant: UUID, kind: str, customer: UUID | None = None) -> list[dict[str, Any]]:  # noqa: F811
    """The events of one type, oldest first."""
    async with shell.read(tenant, customer=customer) as uow:
        rows = await uow.session.execute(sql("select envelope from core.event where type = :kind order by id"), {"kind": kind})
        return [row.envelope for row in rows]


async def refusals(shell: Shell, tenant: UUID) -> list[str]:
    """Why sign-ins were refused, oldest first."""
    return [event["data"]["reason"] for event in await said(shell, tenant, "access.denied")]
