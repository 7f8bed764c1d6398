"""Connectors, connections, calls and capabilities over HTTP."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import get, post, put
from litestar.params import HeaderParameter, Parameter

from app.connectors import commands, queries
from app.connectors.capabilities import Capability, capabilities, capability
from app.connectors.connector import Connector, connectors
from app.connectors.models import Call
from app.connectors.schemas import (
    CallView,
    CapabilityView,
    ConnectionChange,
    ConnectionView,
    ConnectorView,
    Invocation,
    NewConnection,
    NewSecret,
    OutcomeView,
    Settlement,
    Tested,
)
from app.core.errors import FieldError, Invalid
from app.core.ids import new_id
from app.core.paging import Page
from app.core.services import Shell
from app.core.uow import UnitOfWork
from tenants.principal import Principal

Limit = Annotated[int, Parameter(ge=1, le=200)]
CallStatus = Literal["sending", "done", "refused", "failed", "unknown"]
READ: dict[str, Any] = {"opt": {"permission": "connections.read"}, "tags": ["systems"]}
WRITE: dict[str, Any] = {"opt": {"permission": "connections.write"}, "tags": ["systems"], "status_code": 200}
WORK: dict[str, Any] = {"opt": {"permission": "cases.work"}, "tags": ["systems"], "status_code": 200}


class EffectKeyMissing(Invalid):
    """An effect asked for by hand needs an Idempotency-Key, so that asking twice does it once."""


@get("/v1/connectors", operation_id="listConnectors", **READ)
async def list_connectors(uow: UnitOfWork) -> list[ConnectorView]:
    """The adapters there are, each with how far it is proven."""
    return [_shown(one) for one in connectors().values()]


@get("/v1/capabilities", operation_id="listCapabilities", **READ)
async def list_capabilities(uow: UnitOfWork) -> list[CapabilityView]:
    """What may be asked of connected systems, in which form, and which connectors can do it."""
    return [_shown_capability(one) for one in capabilities().values()]


@post("/v1/capabilities/{capability_name:str}/invoke", operation_id="invokeCapability", **WORK)
async def invoke_capability(
    shell: Shell,
    principal: Principal,
    capability_name: str,
    data: Invocation,
    idempotency_key: Annotated[str | None, HeaderParameter(name="Idempotency-Key", max_length=200)] = None,
) -> OutcomeView:
    """Ask a system by hand: the same gates hold, the same record is kept. Repeated with its key, it gives the first outcome."""
    outcome = await commands.invoke_by_hand(
        shell, tenant=principal.tenant, actor=principal.actor, customer_id=principal.customer_id or data.customer_id, case_id=data.case_id,
        capability=capability_name, params=data.params, effect_key=_effect_key(capability(capability_name), principal, idempotency_key),
    )  # fmt: skip
    return OutcomeView(
        status=outcome.status, response=outcome.response, error=outcome.error, call_id=outcome.call_id, connection=outcome.connection
    )


@get("/v1/connections", operation_id="listConnections", **READ)
async def list_connections(
    uow: UnitOfWork, customer: UUID | None = None, cursor: str | None = None, limit: Limit = 50
) -> Page[ConnectionView]:
    """Connections, newest first; with `customer`, those its work may use."""
    return await queries.connections(uow, cursor=cursor, limit=limit, customer_id=customer)


@post("/v1/connections", operation_id="createConnection", **{**WRITE, "status_code": 201})
async def create_connection(uow: UnitOfWork, shell: Shell, data: NewConnection) -> ConnectionView:
    """A connection ready to use; its secret is sealed at once and never shown."""
    row = await commands.create_connection(uow, shell.vault, data)
    return await queries.connection(uow, row.id)


@get("/v1/connections/{connection_id:uuid}", operation_id="getConnection", **READ)
async def get_connection(uow: UnitOfWork, connection_id: UUID) -> ConnectionView:
    """One connection, with the state of its breaker."""
    return await queries.connection(uow, connection_id)


@put("/v1/connections/{connection_id:uuid}", operation_id="changeConnection", **WRITE)
async def change_connection(uow: UnitOfWork, shell: Shell, connection_id: UUID, data: ConnectionChange) -> ConnectionView:
    """Its next version: other settings, capabilities, precedence or rate. Calls name the version they used."""
    row = await commands.change_connection(uow, shell.vault, connection_id, data)
    return await queries.connection(uow, row.id)


@post("/v1/connections/{connection_id:uuid}/test", operation_id="testConnection", **WRITE)
async def test_connection(shell: Shell, principal: Principal, connection_id: UUID) -> Tested:
    """Ask the system a harmless question with the connection's credential."""
    return await commands.try_connection(shell, tenant=principal.tenant, actor=principal.actor, connection_id=connection_id)


@post("/v1/connections/{connection_id:uuid}/rotate", operation_id="rotateConnection", **WRITE)
async def rotate_connection(uow: UnitOfWork, shell: Shell, connection_id: UUID, data: NewSecret) -> ConnectionView:
    """A new secret from now on."""
    row = await commands.rotate(uow, shell.vault, connection_id, data.secret)
    return await queries.connection(uow, row.id)


@post("/v1/connections/{connection_id:uuid}/disable", operation_id="disableConnection", **WRITE)
async def disable_connection(uow: UnitOfWork, connection_id: UUID) -> ConnectionView:
    """No call leaves by it until it is enabled."""
    row = await commands.disable(uow, connection_id)
    return await queries.connection(uow, row.id)


@post("/v1/connections/{connection_id:uuid}/enable", operation_id="enableConnection", **WRITE)
async def enable_connection(uow: UnitOfWork, connection_id: UUID) -> ConnectionView:
    """Calls may leave by it again."""
    row = await commands.enable(uow, connection_id)
    return await queries.connection(uow, row.id)


@get("/v1/calls", operation_id="listCalls", **READ)
async def list_calls(
    uow: UnitOfWork,
    case: UUID | None = None,
    connection: UUID | None = None,
    status: CallStatus | None = None,
    capability: str | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[CallView]:
    """Recorded uses, newest first; `status=unknown` are those a person may have to settle."""
    return await queries.calls(
        uow, cursor=cursor, limit=limit, case_id=case, connection_id=connection, status=status, capability=capability
    )


@get("/v1/calls/{call_id:uuid}", operation_id="getCall", **READ)
async def get_call(uow: UnitOfWork, call_id: UUID) -> CallView:
    """One recorded use, with what happened on the way."""
    return queries.shown_call(await uow.get(Call, call_id))


@post("/v1/calls/{call_id:uuid}/settle", operation_id="settleCall", **WORK)
async def settle_call(uow: UnitOfWork, call_id: UUID, data: Settlement) -> CallView:
    """Say what became of a call nobody answered."""
    row = await commands.settle(uow, call_id, data)
    await uow.session.flush()
    return queries.shown_call(row)


def _effect_key(asked: Capability, principal: Principal, key: str | None) -> str:
    if key is None and asked.effect:
        raise EffectKeyMissing(errors=[FieldError("Idempotency-Key", "is missing", "Send a UUID; send the same one to ask again.")])
    parts = (principal.actor, asked.name, key or new_id().hex)
    return "hand:" + hashlib.sha256("|".join(parts).encode()).hexdigest()


def _shown(one: Connector) -> ConnectorView:
    proof = {"level": one.proof.level, "date": one.proof.date.isoformat()}
    return ConnectorView(name=one.name, title=one.title, proof=proof, auth=one.auth.kind, config=one.config, capabilities=one.capabilities)


def _shown_capability(one: Capability) -> CapabilityView:
    able = [adapter.name for adapter in connectors().values() if one.name in adapter.capabilities]
    return CapabilityView(
        name=one.name, summary=one.summary, effect=one.effect, gated=one.gated, params=one.params, response=one.response, connectors=able
    )


ROUTES = [
    list_connectors,
    list_capabilities,
    invoke_capability,
    list_connections,
    create_connection,
    get_connection,
    change_connection,
    test_connection,
    rotate_connection,
    disable_connection,
    enable_connection,
    list_calls,
    get_call,
    settle_call,
]
