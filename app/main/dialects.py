"""Problems in the words of whoever asks: a page for people, SCIM's own form for directories, the problem document for everybody else."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.core.services import Shell
from app.portal.errors import page_of, wants_page
from tenants.scim.discovery import error

SCIM = "/scim/"
SCIM_TYPES = {
    "filter-unreadable": "invalidFilter", "user-name-taken": "uniqueness", "no-target": "noTarget", "attribute-wrong": "invalidValue",
    "member-unknown": "invalidValue", "groups-are-roles": "mutability", "patch-unreadable": "invalidSyntax", "document-unreadable": "invalidSyntax",
    "not-readable": "invalidSyntax",
}  # fmt: skip
_KEPT = ("retry-after", "www-authenticate", "allow")
Answer = tuple[int, dict[str, str], bytes]


def is_wanted(scope: Any, headers: Mapping[str, str]) -> bool:
    """Whether whoever asks reads problems in a form of their own."""
    return scope["path"].startswith(SCIM) or wants_page(scope, headers)


async def spoken(shell: Shell, scope: Any, asked: Mapping[str, str], status: int, headers: Mapping[str, str], body: bytes) -> Answer | None:
    """Return a problem's document in that form; None where it stays what it is."""
    problem = orjson.loads(body)
    if not scope["path"].startswith(SCIM):
        return await page_of(shell, scope, asked, problem, headers)
    kind = SCIM_TYPES.get(str(problem["type"]).rsplit("/", 1)[-1], "")
    kept = {name: value for name, value in headers.items() if name.lower() in _KEPT}
    return status, {**kept, "content-type": "application/scim+json"}, orjson.dumps(error(status, str(problem["detail"]), kind))
