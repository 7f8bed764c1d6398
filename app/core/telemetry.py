"""What the process says of itself: structured logs without bodies and secrets, metrics, trace ids that travel with the work."""

import logging
import re
import secrets
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from app.core.settings import Settings

trace_id: ContextVar[str | None] = ContextVar("trace_id", default=None)

REGISTRY = CollectorRegistry()
REQUESTS = Counter("http_requests_total", "Requests answered", ["method", "route", "status"], registry=REGISTRY)
REQUEST_SECONDS = Histogram("http_request_seconds", "Time to answer a request", ["route"], registry=REGISTRY)
WORK_DONE = Counter("work_done_total", "Units of work settled", ["kind", "outcome"], registry=REGISTRY)
WORK_AGE = Gauge("work_oldest_ready_seconds", "Age of the oldest ready work", ["class"], registry=REGISTRY)
SIGNALS = Counter("signals_total", "Signals accepted", ["outcome"], registry=REGISTRY)
CALLS = Counter("connector_calls_total", "Connector calls by outcome", ["connector", "status"], registry=REGISTRY)

_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")
_NEVER = re.compile(r"secret|password|token|authorization|cookie|body|payload|content|credential|api_key", re.IGNORECASE)
_LONGEST = 300


def read_trace(traceparent: str | None) -> str:
    """The trace id of a W3C traceparent header, or a new one; all zeros is not an id."""
    match = _TRACEPARENT.match(traceparent or "")
    found = match.group(1) if match else ""
    return found if found.strip("0") else secrets.token_hex(16)


def traceparent(trace: str) -> str:
    """A W3C traceparent header that continues `trace` with a span of ours."""
    return f"00-{trace}-{secrets.token_hex(8)}-01"


def _bare(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop what must not be in a log (by name) and cut what is long; ids and outcomes are enough to find the rest."""
    for key in list(event):
        if _NEVER.search(key):
            event[key] = "…"
        elif isinstance(event[key], str) and len(event[key]) > _LONGEST and key != "exception":
            event[key] = event[key][:_LONGEST] + "…"
    return event


def _with_trace(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    trace = trace_id.get()
    if trace:
        event.setdefault("trace", trace)
    return event


def configure_logging(settings: Settings) -> Any:
    """Set the process's logging up and return its logger."""
    renderer: Any = structlog.processors.JSONRenderer() if settings.log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_trace, _bare, structlog.processors.format_exc_info, renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )  # fmt: skip
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format='{"level":"%(levelname)s","logger":"%(name)s","event":"%(message)s"}', force=True
    )
    return structlog.get_logger()
