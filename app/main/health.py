"""Whether this process lives, whether it can serve, and its figures."""

from datetime import timedelta
from typing import Any

from litestar import Request, Response, get
from prometheus_client import generate_latest

from app.core import telemetry
from app.core.errors import Unavailable
from app.core.services import Shell


@get("/healthz", opt={"public": True}, operation_id="health", tags=["plumbing"])
async def health() -> dict[str, str]:
    """This process lives."""
    return {"status": "ok"}


@get("/readyz", opt={"public": True}, operation_id="readiness", tags=["plumbing"])
async def readiness(shell: Shell) -> dict[str, str]:
    """This process can take requests: the database answers."""
    rows = await shell.boundary.dispatch("select 1 as one")
    if not rows:
        raise Unavailable()
    return {"status": "ok"}


@get("/metrics", opt={"public": True, "platform_host": True}, operation_id="metrics", tags=["plumbing"], include_in_schema=False)
async def metrics(shell: Shell) -> Response[bytes]:
    """Figures in the Prometheus text format; the age of the oldest ready work is what replicas are scaled on."""
    rows = await shell.boundary.dispatch(
        "select class, coalesce(max(extract(epoch from clock_timestamp() - due)), 0)::float8 as age from core.work where ready and due <= clock_timestamp() group by class"
    )
    ages = {r["class"]: r["age"] for r in rows}
    for number, name in ((0, "human"), (1, "normal"), (2, "bulk")):
        telemetry.WORK_AGE.labels(name).set(ages.get(number, 0.0))
    return Response(content=generate_latest(telemetry.REGISTRY), media_type="text/plain; version=0.0.4")


@get("/.well-known/security.txt", opt={"public": True}, operation_id="securityContact", tags=["plumbing"], include_in_schema=False)
async def security_txt(request: Request[Any, Any, Any], shell: Shell) -> Response[str]:
    """Where to report a weakness (RFC 9116): at the partner's own domain under its host, at the platform's under the platform's."""
    host: str = request.scope["state"]["host"]
    domain = host if await shell.extras["hosts"].is_a_partners(host) else shell.settings.public_domain
    expires = (shell.clock.now() + timedelta(days=365)).strftime("%Y-%m-%dT00:00:00Z")
    return Response(content=f"Contact: mailto:security@{domain}\nExpires: {expires}\nPreferred-Languages: en\n", media_type="text/plain")


ROUTES = [health, readiness, metrics, security_txt]
