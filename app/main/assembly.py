"""Building the Shell: every port to the outside, made once at the start of a process and closed at its end."""

from app.cases.gate import CaseGate
from app.core import faults
from app.core.clock import SystemClock
from app.core.doorbell import Doorbell
from app.core.egress import Egress
from app.core.sandbox import Sandbox
from app.core.secrets import Vault
from app.core.services import Shell
from app.core.settings import Settings
from app.core.telemetry import configure_logging
from app.listeners import LINKS, SECTIONS, listeners
from app.main.hosts import Hosts
from app.notifications.sign_in import SignInMailer
from branding.commands import ensure_platform_host
from branding.sign_in_pages import sign_in_page
from tenants.boundary import DatabaseBoundary
from tenants.limits import Limiter


async def build_shell(settings: Settings, clock: SystemClock | None = None) -> Shell:
    """Build and start everything; close it with `await shell.extras["close"]()`."""
    log = configure_logging(settings)
    faults.arm(settings.fault_dir)
    clock = clock or SystemClock()
    heard = listeners()
    doorbell = Doorbell(settings.redis_url)
    boundary = DatabaseBoundary(settings, heard, clock)
    boundary.ring_with(doorbell.ring)
    sandbox = await Sandbox(size=settings.sandbox_size).__aenter__()
    vault = Vault(settings)
    egress = Egress(allow_loopback=settings.egress_allow_loopback, ports=settings.egress_ports)
    limiter = Limiter(settings.redis_url)
    shell = Shell(
        settings=settings, clock=clock, boundary=boundary, sandbox=sandbox, egress=egress,
        vault=vault, gate=CaseGate(), doorbell=doorbell, log=log,
        extras={"listeners": heard, "sections": SECTIONS, "links": LINKS, "limiter": limiter,
            "hosts": Hosts(boundary, settings.api_hosts), "sign_in_mail": SignInMailer(vault), "sign_in_page": sign_in_page,
            "welcome": lambda uow: ensure_platform_host(uow, settings)},
    )  # fmt: skip

    async def close() -> None:
        await sandbox.__aexit__(None, None, None)
        await egress.aclose()
        await boundary.close()
        await doorbell.close()
        await limiter.close()

    shell.extras["close"] = close
    return shell
