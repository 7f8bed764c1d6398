"""The room's addresses: what comes in, what became of it, and how it is set up."""

from app.ingest.routes import arrivals, mappings, signals, sources

ROUTES = [*arrivals.ROUTES, *signals.ROUTES, *sources.ROUTES, *mappings.ROUTES]
