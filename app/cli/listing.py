"""Lists of any length from the API, a page after the other."""

from collections.abc import Iterator
from typing import Any

import httpx

from app.cli.partner import answer_of

PAGE = 200


async def everything(http: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """Return all items of a list. Raises Refused."""
    items: list[Any] = []
    params: dict[str, Any] = {"limit": PAGE}
    while True:
        page = answer_of(await http.get(path, params=params))
        items += page["items"]
        if not page["next"]:
            return {"items": items}
        params["cursor"] = page["next"]


def partner_lines(answer: dict[str, Any]) -> Iterator[str]:
    """A line a partner: slug, kind, whether it is active, name."""
    width = max((len(row["slug"]) for row in answer["items"]), default=0)
    for row in answer["items"]:
        yield f"{row['slug']:{width}}  {row['type']:18}  {row['status']:9}  {row['name']}"
    yield f"{len(answer['items'])} partners"
