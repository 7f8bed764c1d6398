"""What can be read of connections and calls."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import any_, func, literal, select

from app.connectors.models import Call, CircuitBreaker, Connection, Credential
from app.connectors.schemas import BreakerView, CallView, ConnectionView
from app.core.paging import Page, page
from app.core.uow import UnitOfWork
from tenants.ownership import owned_first, usable_by


async def candidates(uow: UnitOfWork, capability: str, customer_id: UUID | None) -> Sequence[tuple[Connection, CircuitBreaker]]:
    """Connections that grant a capability for this customer, in the order they are tried: its own, then the partner's, by precedence."""
    query = (
        select(Connection, CircuitBreaker)
        .join(CircuitBreaker, CircuitBreaker.connection_id == Connection.id)
        .where(usable_by(Connection, customer_id), Connection.status == "published", literal(capability) == any_(Connection.capabilities))
        .order_by(owned_first(Connection), Connection.precedence, Connection.name)
    )
    return [(connection, breaker) for connection, breaker in (await uow.session.execute(query)).all()]


async def breaker_of(uow: UnitOfWork, connection_id: UUID, *, lock: bool = False) -> CircuitBreaker:
    """The breaker of a connection; with `lock`, nobody else changes it until this transaction ends."""
    query = select(CircuitBreaker).where(CircuitBreaker.connection_id == connection_id)
    rows = await uow.session.scalars(query.with_for_update(key_share=True).execution_options(populate_existing=True) if lock else query)
    return rows.one()


async def call_with_key(uow: UnitOfWork, effect_key: str) -> Call | None:
    """The one call of this effect key."""
    return await uow.session.scalar(select(Call).where(Call.effect_key == effect_key))


async def retries_of_case(uow: UnitOfWork, case_id: UUID | None) -> int:
    """Retries made for a case within the last hour."""
    if case_id is None:
        return 0
    recent = (Call.case_id == case_id, Call.started_at > uow.now - timedelta(hours=1), Call.attempts > 1)
    return int(await uow.session.scalar(select(func.coalesce(func.sum(Call.attempts - 1), 0)).where(*recent)) or 0)


async def connections(uow: UnitOfWork, *, cursor: str | None, limit: int, customer_id: UUID | None = None) -> Page[ConnectionView]:
    """Connections, newest first; of one customer and the shared ones when it is named."""
    query: Any = (
        select(Connection, Credential.rotated_at, CircuitBreaker)
        .outerjoin(Credential, Credential.connection_id == Connection.id)
        .outerjoin(CircuitBreaker, CircuitBreaker.connection_id == Connection.id)
    )
    if customer_id:
        query = query.where(usable_by(Connection, customer_id))
    return await page(uow, query, by=[(Connection.id, UUID)], cursor=cursor, limit=limit, view=lambda row: shown(row[0], row[1], row[2]))


async def connection(uow: UnitOfWork, connection_id: UUID) -> ConnectionView:
    """One connection; raises NotFound."""
    row = await uow.get(Connection, connection_id)
    rotated = await uow.session.scalar(select(Credential.rotated_at).where(Credential.connection_id == row.id))
    return shown(row, rotated, await breaker_of(uow, row.id))


async def names(uow: UnitOfWork, ids: Iterable[UUID]) -> dict[UUID, str]:
    """What the connections with these ids are called."""
    wanted = set(ids)
    rows = (await uow.execute(select(Connection.id, Connection.name).where(Connection.id.in_(wanted)))).all() if wanted else []
    return {row.id: row.name for row in rows}


async def calls(
    uow: UnitOfWork,
    *,
    cursor: str | None,
    limit: int,
    case_id: UUID | None = None,
    connection_id: UUID | None = None,
    status: str | None = None,
    capability: str | None = None,
) -> Page[CallView]:
    """Calls, newest first, narrowed by whatever is given."""
    query = select(Call)
    wanted = ((Call.case_id, case_id), (Call.connection_id, connection_id), (Call.status, status), (Call.capability, capability))
    for column, value in wanted:
        query = query.where(column == value) if value is not None else query
    return await page(uow, query, by=[(Call.id, UUID)], cursor=cursor, limit=limit, view=shown_call)


def shown(row: Connection, rotated_at: object, breaker: CircuitBreaker | None) -> ConnectionView:
    """A connection as it is shown."""
    health = BreakerView(state=breaker.state, failures=breaker.failures, retry_at=breaker.retry_at) if breaker else None
    return ConnectionView(
        id=row.id, name=row.name, connector=row.connector, version=row.version, status=row.status, customer_id=row.customer_id, config=row.config,
        capabilities=row.capabilities, precedence=row.precedence, rate_per_minute=row.rate_per_minute, secret_rotated_at=rotated_at,  # type: ignore[arg-type]
        breaker=health, created_at=row.created_at, changed_at=row.changed_at,
    )  # fmt: skip


def shown_call(row: Call) -> CallView:
    """A call as it is shown."""
    return CallView(**{name: getattr(row, name) for name in CallView.__struct_fields__})
