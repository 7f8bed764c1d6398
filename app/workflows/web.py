"""HTTP calls of workflows: only to hosts the customer has a connection to, through the egress guard, under the effect's key."""

import base64
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from sqlalchemy import select

from app.connectors.capabilities import capability
from app.connectors.models import Connection
from app.core.egress import Answer, EgressRefused, EgressReset, EgressTimeout, EgressTooLarge
from app.core.errors import NotAllowed
from app.core.gate import GateRefused, GateRequest, Verdict
from app.core.parsing import parse_json
from app.core.services import Shell
from app.core.unreadable import Unreadable
from app.core.uow import UnitOfWork
from app.workflows.problems import Problem, standard
from app.workflows.tasks.http import SAFE
from tenants.ownership import usable_by

SECONDS = 15.0


class HostNotConnected(NotAllowed):
    """No connection of this customer goes to this host; make one first."""


class HostGuarded(NotAllowed):
    """This host carries out capabilities of high impact; a plain call would go round their gate."""


class Unreached(Exception):
    """No answer came; `problem` has status 504 when the request may have been carried out."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Caller(Protocol):
    """In whose name a call is made."""

    @property
    def tenant_id(self) -> UUID: ...
    @property
    def customer_id(self) -> UUID | None: ...
    @property
    def case_id(self) -> UUID | None: ...
    @property
    def actor(self) -> str: ...


async def hosts(uow: UnitOfWork, customer_id: UUID | None) -> dict[str, set[str]]:
    """The hosts that connections usable for this customer go to, and the capabilities they carry out there."""
    query = select(Connection.config, Connection.capabilities).where(usable_by(Connection, customer_id), Connection.status == "published")
    found: dict[str, set[str]] = {}
    for row in (await uow.execute(query)).all():
        for address in (str(value) for value in row.config.values() if "://" in str(value)):
            found.setdefault(urlsplit(address).hostname or "", set()).update(row.capabilities)
    return found


async def exchange(shell: Shell, who: Caller, request: dict[str, Any], key: str) -> dict[str, Any]:
    """Send the request and give {status, headers, content, raw}; raises Unreached instead of an answer.

    Before anything is sent: HostNotConnected, HostGuarded, GateRefused.
    """
    await _pass(shell, who, request, key)
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
    return {
        "status": answer.status,
        "headers": dict(answer.headers),
        "content": _content(answer),
        "raw": base64.b64encode(answer.body).decode(),
    }


async def _pass(shell: Shell, who: Caller, request: dict[str, Any], key: str) -> None:
    host = urlsplit(request["uri"]).hostname or ""
    async with shell.read(who.tenant_id, actor=who.actor) as uow:
        known = await hosts(uow, who.customer_id)
    if host not in known:
        raise HostNotConnected(f"No connection goes to {host}; make one first.")
    if request["method"] in SAFE:
        return
    if any(capability(name).gated for name in known[host]):
        raise HostGuarded(f"{host} carries out capabilities of high impact; call the capability instead.")
    asked = GateRequest(
        tenant_id=who.tenant_id, customer_id=who.customer_id, case_id=who.case_id, capability=f"http:{host}", params={"uri": request["uri"]},
        effect_key=key, actor=who.actor,
    )  # fmt: skip
    verdict = await shell.gate.verdict(shell, asked)
    if not verdict.allowed:
        await _deny(shell, who, asked, verdict)
        raise GateRefused(verdict)


async def _deny(shell: Shell, who: Caller, asked: GateRequest, verdict: Verdict) -> None:
    async with shell.unit_of_work(who.tenant_id, actor=who.actor) as uow:
        told = {
            "capability": asked.capability,
            "effect_key": asked.effect_key,
            "case_id": who.case_id,
            "reason": verdict.reason,
            "rule": verdict.rule,
        }
        key = f"case:{who.case_id}" if who.case_id else None
        uow.publish("access.denied", data=told, key=key, subject=f"capability:{asked.capability}", customer_id=who.customer_id)


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
