"""Fixtures all tests share: services once a run, a database a worker, a tenant a test."""

import os
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import settings

from app.core.clock import SystemClock
from app.core.ids import new_id
from tests.real import missing
from tests.services import Database, Services, worker_name
from tests.world import installation, rows, telling, told  # noqa: F401  (fixtures of everybody: one installation for each worker)

# On a machine that builds, the same examples every time: a new counter-example is found at the desk, not by whoever lands next.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "feature(*ids): rows of the feature table this test shows")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the real parts this machine lacks, and what that left untried."""
    skipped = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []) if isinstance(report.longrepr, tuple)]
    for part, tests in missing(skipped).items():
        terminalreporter.write_line(f"not tried, {tests} tests: {part}", yellow=True)


@pytest.fixture(scope="session")
def services(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Where the services of this run are; the first who asks starts them (the controller, under xdist)."""
    given = getattr(request.config, "workerinput", {}).get("services")
    if given:
        yield given
        return
    started = Services()
    try:
        yield started.start()
    finally:
        started.stop()


class _Controller:
    """Under xdist the controller starts the services before the workers and hands them the description."""

    def __init__(self) -> None:
        self.services: Services | None = None
        self.description: dict[str, str] | None = None

    def pytest_configure_node(self, node) -> None:  # type: ignore[no-untyped-def]
        if self.description is None:
            self.services = Services()
            self.description = self.services.start()
        node.workerinput["services"] = self.description

    def pytest_unconfigure(self) -> None:
        if self.services:
            self.services.stop()


def pytest_sessionstart(session: pytest.Session) -> None:
    if session.config.pluginmanager.hasplugin("dsession") and not os.environ.get("PYTEST_XDIST_WORKER"):
        session.config.pluginmanager.register(_Controller(), "detour-services")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(services: dict[str, str]) -> AsyncIterator[Database]:
    """This worker's database, fresh from the template."""
    own = Database(services, f"detour_{worker_name()}")
    await own.create()
    yield own
    await own.drop()


@pytest_asyncio.fixture(loop_scope="session")
async def fresh_database(services: dict[str, str]) -> AsyncIterator[Database]:
    """A database of this one test, for tests that break it."""
    own = Database(services, f"detour_{worker_name()}_{new_id().hex[-12:]}")
    await own.create()
    yield own
    await own.drop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shell(database: Database):  # type: ignore[no-untyped-def]
    """The product's real shell on this worker's database: listeners, sandbox, egress, vault and gate as in production."""
    from app.main.assembly import build_shell

    built = await build_shell(database.settings(), clock=SystemClock())
    yield built
    await built.extras["close"]()


async def make_tenant(shell, slug: str | None = None, environment: str = "live") -> UUID:  # type: ignore[no-untyped-def]
    """A new partner with one environment; returns the tenant's id."""
    partner, tenant = new_id(), new_id()
    slug = slug or f"p{partner.hex[-12:]}"
    async with shell.boundary.platform(actor="system:test", reason="test tenant") as connection:
        await connection.execute(
            "insert into core.partner (id, slug, name, type, event_namespace) values ($1, $2, $3, 'msp', $2)", partner, slug, slug.title()
        )
        await connection.execute("insert into core.tenant (id, partner_id, environment) values ($1, $2, $3)", tenant, partner, environment)
    return tenant


@pytest_asyncio.fixture(loop_scope="session")
async def tenant(shell) -> UUID:  # type: ignore[no-untyped-def]
    return await make_tenant(shell)


@pytest_asyncio.fixture(loop_scope="session")
async def other_tenant(shell) -> UUID:  # type: ignore[no-untyped-def]
    return await make_tenant(shell)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def app(shell):  # type: ignore[no-untyped-def]
    """The whole ASGI application on the shared shell."""
    from app.main.application import create_app

    return create_app(shell)


@pytest_asyncio.fixture(loop_scope="session")
async def client(app):  # type: ignore[no-untyped-def]
    """An HTTP client of the application in this process; send a key with `headers={"authorization": f"Bearer {key}"}`."""
    import httpx

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app, raise_app_exceptions=True), base_url="http://127.0.0.1") as http:
        yield http


@pytest_asyncio.fixture(loop_scope="session")
async def settle(shell):  # type: ignore[no-untyped-def]
    """Do all ready work of a tenant now, as a worker would: `await settle(tenant)`."""
    from worker.serve import serve

    async def until_done(tenant: UUID) -> None:
        for _ in range(50):
            await shell.boundary.dispatch("select core.wake_due()")
            if not await serve(shell, tenant):
                rows = await shell.boundary.dispatch(
                    "select 1 from core.work where tenant_id = $1 and ready and due <= clock_timestamp() limit 1", tenant
                )
                if not rows:
                    return

    return until_done
