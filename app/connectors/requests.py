"""Protocol mediation: a connector's request written out for one connection and one set of parameters, and the answer read back."""

import re
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import orjson

from app.connectors.connector import Connector, Request, configured
from app.core.errors import Invalid
from app.core.sandbox import Sandbox, SandboxFailure

_PLACE = re.compile(r"\{([a-z_]+)\}")


class RequestUnwritable(Invalid):
    """The connector's request can't be written for these parameters."""


class Prepared(msgspec.Struct, frozen=True):
    """A request ready to leave, without what shows who we are."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes = b""


async def write(
    sandbox: Sandbox, connector: Connector, request: Request, *, config: dict[str, Any], params: dict[str, Any], effect_key: str
) -> Prepared:
    """The request for these parameters. Raises RequestUnwritable (400) naming what is wrong."""
    url = configured(connector.base_url, config).rstrip("/") + _path(request.path, {**params, "effect_key": effect_key})
    variables = {"effect_key": effect_key, "config": config}
    query, body = await sandbox.jq_many([(request.query or "null", params, variables), (request.body or "null", params, variables)])
    for part in (query, body):
        if isinstance(part, SandboxFailure):
            raise RequestUnwritable(part.message)
    headers = {"accept": "application/json"}
    if body is not None:
        headers["content-type"] = "application/json"
    return Prepared(request.method, url + _query(query), headers, b"" if body is None else orjson.dumps(body))


async def read(sandbox: Sandbox, program: str, answer: Any) -> Any:
    """The answer in the capability's words, or a SandboxFailure."""
    [read] = await sandbox.jq_many([(program, answer, None)])
    return read


def _path(template: str, values: dict[str, Any]) -> str:
    def fill(found: re.Match[str]) -> str:
        value = values.get(found[1])
        if not isinstance(value, (str, int)) or str(value) in ("", ".", ".."):
            raise RequestUnwritable(f"The parameter {found[1]} can't stand in an address.")
        return quote(str(value), safe="")

    return _PLACE.sub(fill, template)


def _query(values: Any) -> str:
    if not values:
        return ""
    if not isinstance(values, dict) or not all(isinstance(v, (str, int, float)) for v in values.values()):
        raise RequestUnwritable("The query must be an object of texts and numbers.")
    return "?" + urlencode({k: str(v).lower() if isinstance(v, bool) else v for k, v in values.items()})
