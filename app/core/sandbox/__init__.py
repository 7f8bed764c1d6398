"""Sandbox: where everything a tenant wrote runs (jq, CEL, Jinja) and HTML from tenants gets its CSS inlined.

Never in our processes: libjq can loop for ever, read files and abort the interpreter; CEL's memory has no bound.
Children are forked from one warm process, own no descriptor but their socket, no environment and no privileges,
and are killed when they reach a limit. Plain data in, plain data out.

    async with Sandbox(size=2) as sandbox:
        await sandbox.jq(".items | length", {"items": [1, 2]})
"""

from app.core.sandbox.errors import SandboxFailure, SandboxLimit, SandboxRefused
from app.core.sandbox.service import CelJob, CelResult, Sandbox

__all__ = ["CelJob", "CelResult", "Sandbox", "SandboxFailure", "SandboxLimit", "SandboxRefused"]
