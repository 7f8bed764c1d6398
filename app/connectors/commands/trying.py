"""Trying a connection: its connector's harmless request with its real credential."""

import time
from uuid import UUID

from app.connectors import credentials
from app.connectors.commands.connections import mark_tested
from app.connectors.connector import Connector, connector
from app.connectors.credentials import Token, TokenRefused
from app.connectors.models import Connection
from app.connectors.requests import RequestUnwritable, write
from app.connectors.schemas import Tested
from app.core.egress import EgressRefused, EgressReset, EgressTimeout, EgressTooLarge
from app.core.services import Shell


async def try_connection(shell: Shell, *, tenant: UUID, actor: str, connection_id: UUID) -> Tested:
    """Whether the system answers and knows the credential; said as connection.tested. NotFound for a foreign connection."""
    async with shell.read(tenant, actor=actor) as uow:
        row = await uow.get(Connection, connection_id)
        adapter, config = connector(row.connector), dict(row.config)
        secret = await credentials.secret_of(uow, shell.vault, row.id) or ""
    began = time.monotonic()
    ok, detail, status = await _try(shell, adapter, config, secret)
    tested = Tested(ok=ok, detail=detail, status=status, took_ms=round((time.monotonic() - began) * 1000))
    async with shell.unit_of_work(tenant, actor=actor) as uow:
        await mark_tested(uow, connection_id, tested)
    return tested


async def _try(shell: Shell, adapter: Connector, config: dict[str, str], secret: str) -> tuple[bool, str, int | None]:
    try:
        token = await _token(shell, adapter, config, secret)
        prepared = await write(shell.sandbox, adapter, adapter.test, config=config, params={}, effect_key="test")
        headers = prepared.headers | credentials.headers_for(adapter.auth, config, secret, token)
        answer = await shell.egress.request(prepared.method, prepared.url, headers=headers, content=prepared.content, timeout=5.0)
    except (EgressRefused, EgressTimeout, EgressReset, EgressTooLarge, TokenRefused, RequestUnwritable) as error:
        return False, error.detail, None
    if 200 <= answer.status < 300:
        return True, "The system answers and knows the credential.", answer.status
    known = {401: "The system does not accept the credential.", 403: "The credential lacks a permission."}
    return False, known.get(answer.status, f"The system answered {answer.status}."), answer.status


async def _token(shell: Shell, adapter: Connector, config: dict[str, str], secret: str) -> Token | None:
    if adapter.auth.kind != "oauth2_client_credentials":
        return None
    return await credentials.fetch_token(shell.egress, adapter.auth, config, secret, shell.clock.now())
