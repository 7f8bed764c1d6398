"""The product's own server with two routes more, for comparison: one that only validates, one that commits each signal alone."""

import asyncio

import uvicorn
from litestar import Request, Response, post

from app.core.context import Context
from app.core.parsing import parse_json
from app.core.services import Shell
from app.core.settings import Settings
from app.ingest.arrival import Arrival
from app.ingest.lane import _ACCEPT, ACTOR, _columns
from app.ingest.sources import cloudevents
from app.main import application
from app.main.assembly import build_shell
from app.main.edge import Edge
from tenants.principal import Principal


@post("/bench/validate", opt={"permission": "signals.create"}, operation_id="benchValidate", status_code=202)
async def validate(request: Request, principal: Principal) -> Response[dict[str, str]]:  # type: ignore[type-arg]
    """Key, limits, parsing and validation as for a signal; nothing is stored."""
    event = cloudevents.from_document(parse_json(await request.body()))
    return Response({"id": str(event), "actor": principal.actor}, status_code=202)


@post("/bench/alone", opt={"permission": "signals.create"}, operation_id="benchAlone", status_code=202)
async def alone(request: Request, shell: Shell, principal: Principal) -> Response[dict[str, str]]:  # type: ignore[type-arg]
    """The same as accepting, with a commit for each request."""
    raw = await request.body()
    event = cloudevents.from_document(parse_json(raw))
    arrival = Arrival(
        tenant_id=principal.tenant, customer_id=None, source="events", kind="cloudevents", actor=principal.actor, raw=raw, content_type="application/cloudevents+json",
        headers={}, sender_id=f"{event['source']}#{event['id']}" if isinstance(event, dict) else str(event),
    )  # fmt: skip
    context = Context.many([principal.tenant], actor=ACTOR)
    rows = await shell.boundary.batch(context, _ACCEPT, *_columns([arrival], shell.clock.now()))
    return Response({"id": str(rows[0]["signal_id"])}, status_code=202)


async def main() -> None:
    settings = Settings.load()
    shell = await build_shell(settings)
    original = application.routes
    application.routes = lambda: [*original(), validate, alone]
    app = Edge(application.create_litestar(shell), shell)
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=settings.listen_port,
        log_level="error",
        access_log=False,
        server_header=False,
        lifespan="off",
        http="httptools",
        loop="asyncio",
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main())
