"""P4: a single event committed before its 202, against the same server's validate-only route. P5: shared commits against a commit a request."""

from uuid import uuid4

from benchmarks import load
from benchmarks.ground import ground
from benchmarks.harness import Result, compare

TENANTS = 100
REQUESTS = 1000
CONNECTIONS = 32
HEADERS = {"Content-Type": "application/cloudevents+json"}


def _event(number: int) -> bytes:
    return (
        b'{"specversion":"1.0","id":"%s","source":"/bench","type":"order.recorded","time":"2026-11-23T12:00:00Z","data":{"account":"A","refs":{"order":"ORD-%d"},'
        b'"data":{"value_minor":125000,"currency":"EUR","priority":"high","lines":[{"sku":"SKU-1","quantity":4}]}}}'
        % (uuid4().hex.encode(), number)
    )


async def measure() -> list[Result]:
    """Run both on one server over many tenants taking turns."""
    async with ground() as g:
        tenants = await g.tenants(TENANTS)
        accepted = 0

        def request(path: str):  # type: ignore[no-untyped-def]
            return lambda n: load.post(path, _event(n), {**HEADERS, "Authorization": f"Bearer {tenants[n % TENANTS][1]}"})

        async def rate(path: str, counts: bool) -> float:
            nonlocal accepted
            done = await load.run(g.port, request(path), REQUESTS, CONNECTIONS)
            if set(done.statuses) - {200, 202}:
                raise RuntimeError(f"{path}: {done.statuses}")
            accepted += sum(done.statuses.values()) if counts else 0
            return done.rate

        shared = await compare(
            "P4",
            "events/s, committed before 202, over validate-only",
            ">= 0.35",
            lambda: rate("/v1/events", True),
            lambda: rate("/bench/validate", False),
        )
        grouped = await compare(
            "P5",
            f"events/s with shared commits over a commit a request, {TENANTS} tenants in turn",
            ">= 1.5",
            lambda: rate("/v1/events", True),
            lambda: rate("/bench/alone", True),
        )
        stored = await g.count("select count(*) from ingest.signal")
        for result in (shared, grouped):
            result.rows_ok = stored == accepted
            result.note = f"{stored} signals stored of {accepted} acknowledged"
        return [shared, grouped]
