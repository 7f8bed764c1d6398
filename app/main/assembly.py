"""Building the Shell: every port to the outside, made once at the start of a process and closed at its end."""

import importlib
from typing import Any

from app.core import faults
from app.core.clock import SystemClock
from app.core.doorbell import Doorbell
from app.core.services import Shell
from app.core.settings import Settings
from app.core.telemetry import configure_logging
from app.listeners import LINKS, SECTIONS, listeners
from tenants.boundary import DatabaseBoundary
from tenants.limits import Limiter


async def build_shell(settings: Settings, clock: SystemClock | None = None) -> Shell:
    """Build and start everything; close it with `await shell.extras["close"]()`."""
    log = configure_logging(settings)
    if settings.development:
        faults.arm(settings.fault_at or None, settings.fault_file or None)
    clock = clock or SystemClock()
    heard = listeners()
    doorbell = Doorbell(settings.redis_url)
    boundary = DatabaseBoundary(settings, heard, clock)
    boundary.ring_with(doorbell.ring)
    sandbox = _port("app.core.sandbox", "Sandbox")
    sandbox = sandbox(size=settings.sandbox_size) if sandbox else None
    if sandbox:
        await sandbox.__aenter__()
    egress = _port("app.core.egress", "Egress")
    vault = _port("app.core.secrets", "Vault")
    gate = _port("app.cases.gate", "CaseGate")
    shell = Shell(
        settings=settings, clock=clock, boundary=boundary, sandbox=sandbox, egress=egress(allow_loopback=settings.egress_allow_loopback, ports=settings.egress_ports) if egress else None,
        vault=vault(settings) if vault else None, gate=gate() if gate else None, doorbell=doorbell, log=log,
        extras={"listeners": heard, "sections": SECTIONS, "links": LINKS, "limiter": Limiter(settings.redis_url)},
    )  # fmt: skip

    async def close() -> None:
        if sandbox:
            await sandbox.__aexit__(None, None, None)
        await boundary.close()
        await doorbell.close()

    shell.extras["close"] = close
    return shell


def _port(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        return None
