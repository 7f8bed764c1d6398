"""The pages there are, taken from the application itself, with addresses of rows that the story left."""

import re
from dataclasses import dataclass

from app.main.application import create_litestar
from tests.nouns import TABLES

_PARAMETER = re.compile(r"\{([a-z_]+)(?::[a-z]+)?\}")
# Parameters of pages that aren't ids, with a value the story knows.
NAMES = {
    "asset_name": "screen.css", "workflow_name": "cutoff-missed", "mapping_name": "wms-cutoff", "policy_name": "cutoff", "template_name": "eta-offer", "role_name": "operator",
    "source_name": "wms", "connector_name": "sim-wms", "kpi_name": "touches", "version": "1", "number": "1", "token": "unknown", "link_token": "unknown",
    "hand": "cancel", "answer": "refuse", "what": "brand", "locale": "en",
}  # fmt: skip
STREAMS = ("/live",)
"""They go on for as long as somebody looks; no page to read to its end."""


@dataclass(frozen=True)
class PageRoute:
    """One page, or what a form of it leads to."""

    method: str
    path: str
    area: str
    permission: str
    upload: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in its path."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def ids(self) -> tuple[str, ...]:
        """Those that name a row of somebody's."""
        return tuple(name for name in self.parameters if name in TABLES)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Those the tests have no value for."""
        return tuple(name for name in self.parameters if name not in TABLES and name not in NAMES)

    def at(self, ids: dict[str, str]) -> str:
        """The address with these ids."""
        return _PARAMETER.sub(lambda found: ids.get(found[1]) or NAMES.get(found[1]) or "none", self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def page_routes() -> list[PageRoute]:
    """Every page and form of the portal, in the order of their addresses."""
    found = []
    for route in create_litestar(None).routes:
        for handler in getattr(route, "route_handlers", ()):
            area = handler.opt.get("page")
            if area in (None, "asset") or route.path in STREAMS:
                continue
            upload = (handler.request_max_body_size if isinstance(handler.request_max_body_size, int) else 0) > 2**20
            for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                found.append(PageRoute(method, route.path_format, area, handler.opt.get("permission", ""), upload))
    return sorted(set(found), key=lambda each: (each.path, each.method))
