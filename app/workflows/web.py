"""HTTP calls of workflows: only to hosts the customer has a connection to, through the egress guard, under the effect's key."""

import base64
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from sqlalchemy import select

from app.connectors.models import Connection
from app.core.egress import Answer, EgressRefused, EgressReset, EgressTimeout, EgressTooLarge
from app.core.errors import NotAllowed
from app.core.parsing import parse_json
from app.core.services import Shell
from app.core.unreadable import Unreadable
from app.core.uow import UnitOfWork
from app.workflows.problems import Problem, standard
from tenants.ownership import usable_by

SECONDS = 15.0


class HostNotConnected(NotAllowed):
    """No connection of this customer goes to this host; make one first."""


class Unreached(Exception):
    """No answer came; `problem` has status 504 when the request may have been carried out."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


async def hosts(uow: UnitOfWork, customer_id: UUID | None) -> set[str]:
    """The hosts that connections usable for this customer go to."""
    rows = await uow.execute(select(Connection.config).where(usable_by(Connection, customer_id), Connection.status == "published"))
    found = (urlsplit(str(value)).hostname for config in rows.scalars() for value in config.values() if "://" in str(value))
    return {host for host in found if host}


async def exchange(shell: Shell, tenant_id: UUID, customer_id: UUID | None, request: dict[str, Any], key: str) -> dict[str, Any]:
    """Send the request and give {status, headers, content, raw}; raises HostNotConnected before, Unreached instead of an answer."""
    host = urlsplit(request["uri"]).hostname or ""
    async with shell.read(tenant_id, actor="system:workflows") as uow:
        if host not in await hosts(uow, customer_id):
            raise HostNotConnected(f"No connection goes to {host}; make one first.")
    content, headers = _written(request)
    try:
        answer = await shell.egress.request(
            request["method"], request["uri"], headers={"idempotency-key": key, **headers}, content=content, timeout=SECONDS
        )
    except (EgressTimeout, EgressReset) as error:
        status = 504 if error.after_write else 503
        raise Unreached(standard("communication", error.detail, "", status=status)) from None
    except (EgressRefused, EgressTooLarge) as error:
        raise Unreached(standard("communication", error.detail, "", status=502)) from None
    return {"status": answer.status, "headers": dict(answer.headers), "content": _content(answer), "raw": base64.b64encode(answer.body).decode()}


def _written(request: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    headers = {name.lower(): value for name, value in request["headers"].items()}
    headers.update(_authorization(request.get("authentication")))
    body = request.get("body")
    if body is None:
        return b"", headers
    if isinstance(body, str):
        return body.encode(), {"content-type": "text/plain; charset=utf-8", **headers}
    return orjson.dumps(body), {"content-type": "application/json", **headers}


def _authorization(given: dict[str, Any] | None) -> dict[str, str]:
    if not given:
        return {}
    if "bearer" in given:
        return {"authorization": f"Bearer {given['bearer']['token']}"}
    pair = f"{given['basic']['username']}:{given['basic']['password']}"
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _content(answer: Answer) -> Any:
    """As the specification reads an answer: JSON as data, text as text, anything else in base 64."""
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if not answer.body:
        return None
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return parse_json(answer.body)
        except Unreadable as error:
            raise Unreached(standard("communication", f"The answer is not readable: {error.detail}", "", status=502)) from None
    if kind.startswith("text/"):
        return answer.body.decode("utf-8", "replace")
    return base64.b64encode(answer.body).decode()
