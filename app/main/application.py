"""The ASGI application: routes of every room, one exception handler, one wrapper around it all."""

import importlib
from typing import Any

from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.middleware import DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.types import ASGIApp

from app.core.errors import Fault
from app.core.services import Shell
from app.main import health, parked, problems, requests
from app.main.edge import Edge
from app.portal import pages

ROOMS = (
    "tenants",
    "branding",
    "app.canonical",
    "app.policies",
    "app.connectors",
    "app.notifications",
    "app.ingest",
    "app.cases",
    "app.workflows",
    "app.audit",
    "app.metering",
    "app.intelligence",
    "app.portal",
)
LARGEST_BODY = 1024 * 1024


def routes() -> list[Any]:
    """Every room's routes, and the plumbing."""
    found: list[Any] = [*health.ROUTES, *parked.ROUTES]
    for room in ROOMS:
        found.extend(importlib.import_module(f"{room}.routes").ROUTES)
    return found


def replay(_: Request[Any, Any, Any], seen: requests.Replayed) -> Response[bytes]:
    """The stored answer of a repeated request, marked as such."""
    headers = {**seen.headers, "idempotent-replayed": "true"}
    return Response(content=seen.body, status_code=seen.status, headers=headers, media_type=headers.get("content-type", "application/json"))


def create_litestar(shell: Shell | None) -> Litestar:
    """The framework's application; without a shell it can only describe itself (OpenAPI)."""
    app = Litestar(
        route_handlers=routes(),
        request_class=requests.GatedRequest,
        request_max_body_size=LARGEST_BODY,
        middleware=[DefineMiddleware(requests.Authentication, exclude_from_auth_key="public")],
        guards=[pages.right_area, requests.permitted, requests.known_query, requests.readable_body],
        dependencies={
            "uow": Provide(requests.provide_uow),
            "shell": Provide(requests.provide_shell, sync_to_thread=False),
            "principal": Provide(requests.provide_principal, sync_to_thread=False),
            "screen": Provide(pages.provide_screen),
            "form": Provide(pages.provide_form),
        },
        exception_handlers={requests.Replayed: replay, Fault: problems.answer, HTTPException: problems.answer, Exception: problems.answer},
        openapi_config=OpenAPIConfig(
            title="Exception operations",
            version="1",
            path="/schema",
            render_plugins=[],
            description="Signals in, cases, policies, workflows, evidence.",
        ),
        logging_config=None,
        debug=False,
    )
    app.state.shell = shell
    return app


def create_app(shell: Shell) -> ASGIApp:
    return Edge(create_litestar(shell), shell)
