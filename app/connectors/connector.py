"""Connectors: adapters written as data, one folder a vendor under `catalog/`, read once; adding a vendor touches nothing else."""

import re
import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from app.core.errors import NotFound

CATALOG = Path(__file__).parent / "catalog"
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
_DURATION = re.compile(r"^PT(\d{1,3}(?:\.\d+)?)S$")
_CONFIG = re.compile(r"\{\{config\.([a-z_]+)\}\}")


class ConnectorUnknown(NotFound):
    """There is no connector of this name; see /v1/connectors."""


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far the connector is proven, and when: against the live system, its sandbox, its specification, or recorded fixtures."""

    level: Literal["live", "sandbox", "specification", "fixture"]
    date: date


class Auth(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a call shows who it is: `api_key` in `header`, `bearer`, `basic` (config `username`) or OAuth 2 client credentials."""

    kind: Literal["none", "api_key", "bearer", "basic", "oauth2_client_credentials"]
    header: str = "Authorization"
    token_url: str = ""
    scopes: tuple[str, ...] = ()


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A request: path with `{param}` and `{effect_key}`; `query` and `body` are jq over the parameters ($effect_key, $config)."""

    method: Method
    path: Annotated[str, msgspec.Meta(pattern="^/")]
    query: str = ""
    body: str = ""


class Reconcile(Request, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Asks what became of a call; `found` is jq over the answer and gives the operation's own answer, or null when there was no effect."""

    found: str


class Errors(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a failure means: try again, refused for good, or nobody knows (statuses as text, `timeout`, `reset`)."""

    retry: tuple[int, ...] = (429, 503)
    refuse: tuple[int, ...] = ()
    unknown: tuple[str, ...] = ("timeout", "reset")


class Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How one capability is done here; `response` is jq over the system's answer."""

    capability: str
    request: Request
    response: str = "."
    idempotency_header: str = ""
    timeout: Annotated[str, msgspec.Meta(pattern=_DURATION.pattern)] = "PT10S"
    errors: Errors = Errors()
    reconcile: Reconcile | None = None

    @property
    def seconds(self) -> float:
        """The time-out of one exchange."""
        found = _DURATION.match(self.timeout)
        return float(found[1]) if found else 10.0


class Connector(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One vendor's adapter. `config` names what a connection must configure, with a sentence each."""

    name: str
    title: str
    proof: Proof
    base_url: str
    config: dict[str, str]
    auth: Auth
    test: Request
    operations: dict[str, Operation]

    @property
    def capabilities(self) -> list[str]:
        """What it can do."""
        return sorted(operation.capability for operation in self.operations.values())

    def operation_for(self, capability: str) -> tuple[str, Operation] | None:
        """The operation that does a capability, with its name."""
        return next(((name, o) for name, o in self.operations.items() if o.capability == capability), None)


def configured(template: str, config: dict[str, Any]) -> str:
    """A template of connector.toml with the connection's configuration filled in."""
    return _CONFIG.sub(lambda found: str(config[found[1]]), template)


@cache
def connectors() -> dict[str, Connector]:
    """The catalog, by name."""
    read = [msgspec.convert(tomllib.loads(page.read_text()), Connector) for page in sorted(CATALOG.glob("*/connector.toml"))]
    return {one.name: one for one in read}


def connector(name: str) -> Connector:
    """The connector of this name; raises ConnectorUnknown."""
    found = connectors().get(name)
    if found is None:
        raise ConnectorUnknown()
    return found
