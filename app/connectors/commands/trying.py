"""Trying a connection: its connector's harmless request with its real credential."""

import time
from uuid import UUID

from app.connectors import credentials
from app.connectors.commands.connections import mark_tested
from app.connectors.connector import Connector, configured, connector
from app.connectors.credentials import Token, TokenRefused
from app.connectors.models import Connection
from app.connectors.redaction import kept
from app.connectors.requests import RequestUnwritable, write
from app.connectors.schemas import Tested
from app.core.egress import Answer, EgressRefused, EgressReset, EgressTimeout, EgressTooLarge
from app.core.services import Shell


async def try_connection(shell: Shell, *, tenant: UUID, actor: str, connection_id: UUID) -> Tested:
    """Whether the system answers and knows the credential; said as connection.tested. NotFound for a foreign connection."""
    async with shell.read(tenant, actor=actor) as uow:
        row = await uow.get(Connection, connection_id)
        adapter, config = connector(row.connector), dict(row.config)
        secret = await credentials.secret_of(uow, shell.vault, row.id) or ""
    began = time.monotonic()
    tested = await _try(shell, adapter, config, secret)
    tested.took_ms = round((time.monotonic() - began) * 1000)
    async with shell.unit_of_work(tenant, actor=actor) as uow:
        await mark_tested(uow, connection_id, tested)
    return tested


async def _try(shell: Shell, adapter: Connector, config: dict[str, str], secret: str) -> Tested:
    asked = f"{adapter.test.method} {configured(adapter.base_url, config)}{adapter.test.path}"
    if adapter.auth.kind != "none" and not secret:
        return _failed(asked, "There is no secret to show who is calling.", "Give the connection its secret.")
    try:
        token = await _token(shell, adapter, config, secret)
        prepared = await write(shell.sandbox, adapter, adapter.test, config=config, params={}, effect_key="test")
        headers = prepared.headers | credentials.headers_for(adapter.auth, config, secret, token)
        answer = await shell.egress.request(prepared.method, prepared.url, headers=headers, content=prepared.content, timeout=5.0)
    except TokenRefused as error:
        return _no_token(configured(adapter.auth.token_url, config), error)
    except (EgressRefused, EgressTimeout, EgressReset, EgressTooLarge, RequestUnwritable) as error:
        return _failed(asked, error.detail, _REMEDIES.get(type(error), ""))
    return _judged(asked, answer)


def _judged(asked: str, answer: Answer) -> Tested:
    told = {"asked": asked, "status": answer.status, "took_ms": 0, "answer": kept(answer.body)}
    if 200 <= answer.status < 300:
        return Tested(ok=True, detail="The system answers and knows the credential.", **told)
    detail, remedy = _SAID.get(answer.status, (f"The system answered {answer.status}.", _BY_KIND.get(answer.status // 100, "")))
    return Tested(ok=False, detail=detail, remedy=remedy, **told)


def _no_token(address: str, error: TokenRefused) -> Tested:
    remedy = "Compare the client and its secret with what the system gave you." if error.is_final else _BY_KIND[5]
    status = error.extra.get("status")
    return Tested(
        ok=False, detail=error.detail, status=status if isinstance(status, int) else None, took_ms=0, asked=f"POST {address}", remedy=remedy
    )


def _failed(asked: str, detail: str, remedy: str) -> Tested:
    return Tested(ok=False, detail=detail, status=None, took_ms=0, asked=asked, remedy=remedy)


async def _token(shell: Shell, adapter: Connector, config: dict[str, str], secret: str) -> Token | None:
    if adapter.auth.kind != "oauth2_client_credentials":
        return None
    return await credentials.fetch_token(shell.egress, adapter.auth, config, secret, shell.clock.now())


_SAID = {
    401: ("The system does not accept the credential.", "Rotate the secret to the one the system expects, then test again."),
    403: ("The credential lacks a permission.", "Ask the system's administrator to grant it, then test again."),
    404: ("The system knows no such address.", "Compare the base address with the system's documentation."),
    429: ("The system is asked too often.", "Lower the rate of this connection, or wait a moment."),
}
_BY_KIND = {
    3: "Use the address it redirects to; redirects are not followed.",
    4: "Compare the settings with the system's documentation.",
    5: "The system is in trouble itself; test again later.",
}
_REMEDIES: dict[type[Exception], str] = {
    EgressRefused: "Use an address that is reachable from the internet, with https.",
    EgressTimeout: "Check that the system is up and lets us in; test again later.",
    EgressReset: "Check that the system is up, and its certificate.",
    EgressTooLarge: "The answer to a test is small; compare the base address.",
}
