"""`detour audit verify`: log against chains against anchors, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from app.cli.partner import answer_of


async def verify(http: httpx.AsyncClient, *, customer_id: str | None = None) -> dict[str, Any]:
    """Return the server's report on one customer's chain or on all."""
    body = {"customer_id": customer_id} if customer_id else {}
    return answer_of(await http.post("/v1/audit/verify", json=body, timeout=600))


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the report for people; the last line says whether everything holds."""
    for chain in report["chains"]:
        owner = chain["customer_id"] or "the partner's own"
        yield f"{owner}: {chain['entries']} entries, anchored up to {chain['anchored']}, head {chain['head'][:16]}"
    for finding in report["findings"]:
        owner = finding["customer_id"] or "the partner's own"
        yield f"{finding['what'].upper()} at {finding['seq']} of {owner}: {finding['detail']}"
    if report["waiting"]:
        yield f"{report['waiting']} events are written and wait to be chained."
    yield "Everything holds." if report["holds"] else "The evidence does NOT hold."
