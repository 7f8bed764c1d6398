"""The wall's one door: every session and every direct call to the database is opened here, under a signed context.

Two paths: SQLAlchemy sessions for rooms (the context rides on BEGIN), asyncpg for ingest and the engine (the context is a
parameter of one function call). Row-level security does the rest, so nothing above needs to know of tenants.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from app.core import telemetry
from app.core.clock import SystemClock
from app.core.context import ALLOWED, Context, Signer
from app.core.errors import Unavailable
from app.core.events import plain
from app.core.ids import new_id
from app.core.listeners import Listeners
from app.core.settings import Settings
from app.core.uow import UnitOfWork

# What a server that is starting, stopping or gone answers with: not the request's fault, worth another try.
GONE = (
    OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError, asyncpg.InterfaceError, asyncpg.DiskFullError, TimeoutError,
)  # fmt: skip


class DatabaseAway(Unavailable):
    """The database can't answer right now; nothing was changed. Try again shortly."""


class ContextConnection(asyncpg.Connection):  # type: ignore[misc]
    """A driver connection whose BEGIN carries the signed context: one round trip, and forgotten with the transaction."""

    __slots__ = ("pending",)
    pending: str | None

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        pending = getattr(self, "pending", None)
        if pending is not None and query.startswith("BEGIN"):
            self.pending = None
            query = f"{query.rstrip(';')}; {pending}"
        return cast(str, await super().execute(query, *args, timeout=timeout))


class PooledConnection(asyncpg.Connection):  # type: ignore[misc]
    """A pooled connection whose reset is a no-op: nothing we do outlives its transaction, and the reset costs a round trip."""

    __slots__ = ()

    async def reset(self, *, timeout: float | None = None) -> None:
        return None


class DatabaseBoundary:
    """Engines and pools, one a role; see app.core.services.Boundary for what callers may rely on."""

    def __init__(self, settings: Settings, listeners: Listeners, clock: SystemClock, ring: Callable[[], None] = lambda: None) -> None:
        self._settings = settings
        self._listeners = listeners
        self._clock = clock
        self._signer = Signer(settings.master_key)
        self._ring = ring
        self._engines: dict[str, AsyncEngine] = {}
        self._pools: dict[str, asyncpg.Pool] = {}
        self._pool_lock = asyncio.Lock()

    def ring_with(self, ring: Callable[[], None]) -> None:
        """Ring this bell after each commit that made work ready."""
        self._ring = ring

    # -- sessions

    @asynccontextmanager
    async def unit_of_work(
        self, context: Context, *, cause: str | None = None, trace: str | None = None, read_only: bool = False, now: datetime | None = None
    ) -> AsyncIterator[UnitOfWork]:
        """A transaction under `context`; commits when left normally, rolls back on an error."""
        uow = await self.open(context, cause=cause, trace=trace, read_only=read_only, now=now)
        try:
            yield uow
            await uow.commit()
        except BaseException as error:
            if not uow.closed:
                await asyncio.shield(_quietly(uow.rollback()))
            raise as_fault(error) from error
        finally:
            await asyncio.shield(_quietly(uow.session.close()))

    async def open(
        self, context: Context, *, cause: str | None = None, trace: str | None = None, read_only: bool = False, now: datetime | None = None
    ) -> UnitOfWork:
        """As `unit_of_work`, for callers that commit by themselves: whoever opens must commit or roll back, and close the session."""
        engine = self._engine("customer" if context.customer else "app")
        try:
            connection = await engine.connect()
            await self._begin_with(connection, context, read_only)
        except (DBAPIError, PoolTimeout, *GONE) as error:
            raise as_fault(error) from error
        session = _ClosingSession(connection)
        moment = now or self._clock.now()
        uow = UnitOfWork(
            session, tenant_id=context.tenant, actor=context.actor, now=moment, hearing=self._listeners.hearing, customer_id=context.customer,
            case_id=context.case, cause=cause, trace=trace or telemetry.trace_id.get(), read_only=read_only,
        )  # fmt: skip
        uow.after_commit(lambda: self._ring() if uow.rings else None)
        return uow

    async def _begin_with(self, connection: AsyncConnection, context: Context, read_only: bool) -> None:
        raw = await connection.get_raw_connection()
        signed = self._signer.sign(context, self._clock.now().timestamp())
        if not ALLOWED.match(signed):
            raise ValueError("a context may not hold this")
        driver = cast(ContextConnection, raw.driver_connection)
        driver.pending = f"SET LOCAL app.context = '{signed}';" + (" SET TRANSACTION READ ONLY;" if read_only else "")
        # Begin at once: the context is valid from here on, and a lost server shows before any work is done.
        await connection.execute(_NOTHING)

    # -- direct calls

    async def call(self, context: Context, query: str, *args: Any, timeout: float | None = None) -> list[Any]:
        """Run one statement as detour_app (detour_customer with a customer); `$1` is the signed context, which a function sets first."""
        return await self._run("customer" if context.customer else "app", query, self.sign(context), *args, timeout=timeout)

    async def batch(self, context: Context, query: str, *args: Any) -> list[Any]:
        """Run one statement over a set of tenants as detour_batch; `$1` is the signed context."""
        return await self._run("batch", query, self.sign(context), *args)

    async def look_up(self, query: str, *args: Any) -> list[Any]:
        """Run one of the closed list of look-ups across tenants (core.find_*)."""
        return await self._run("app", query, *args)

    async def dispatch(self, query: str, *args: Any) -> list[Any]:
        """Run one statement on core.work or the dispatcher's lease as detour_dispatch."""
        return await self._run("dispatch", query, *args)

    @asynccontextmanager
    async def platform(self, *, actor: str, reason: str, tenant_id: UUID | None = None) -> AsyncIterator[asyncpg.Connection]:
        """The platform operator's transaction on platform tables as detour_ops; its reason is logged with what it did."""
        if len(reason) < 3:
            raise ValueError("crossing the wall needs a reason")
        pool = await self._pool("ops")
        try:
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    "insert into core.platform_log (id, actor, reason, tenant_id, action) values ($1, $2, $3, $4, 'platform_unit_of_work')",
                    new_id(), actor, reason, tenant_id,
                )  # fmt: skip
                yield connection
        except GONE as error:
            raise as_fault(error) from error

    def sign(self, context: Context) -> str:
        return self._signer.sign(context, self._clock.now().timestamp())

    async def follow_clock(self) -> None:
        """Take the database's clock as ours, half the round trip considered."""
        before = self._clock.now()
        rows = await self.dispatch("select clock_timestamp() as at")
        self._clock.follow(rows[0]["at"] + (self._clock.now() - before) / 2)

    async def close(self) -> None:
        for engine in self._engines.values():
            await engine.dispose()
        for pool in self._pools.values():
            pool.terminate()
        self._engines.clear()
        self._pools.clear()

    # -- inside

    def _engine(self, role: str) -> AsyncEngine:
        if role not in self._engines:
            url = self._url(role).replace("postgresql://", "postgresql+asyncpg://", 1).replace("postgres://", "postgresql+asyncpg://", 1)
            self._engines[role] = create_async_engine(
                url, pool_size=self._settings.pool_size, max_overflow=self._settings.pool_size, pool_pre_ping=True, pool_timeout=10, pool_reset_on_return="rollback", hide_parameters=True,
                json_serializer=lambda v: orjson.dumps(plain(v)).decode(), json_deserializer=orjson.loads,
                connect_args={"connection_class": ContextConnection, "timeout": 10, "command_timeout": 60, "server_settings": {"application_name": f"detour-{role}"}},
            )  # fmt: skip
        return self._engines[role]

    async def _pool(self, role: str) -> asyncpg.Pool:
        async with self._pool_lock:
            if role not in self._pools:
                self._pools[role] = await asyncpg.create_pool(
                    self._url(role), min_size=0, max_size=self._settings.pool_size, connection_class=PooledConnection, init=_codecs, timeout=10, command_timeout=60,
                    server_settings={"application_name": f"detour-{role}-direct"},
                )  # fmt: skip
            return self._pools[role]

    async def _run(self, role: str, query: str, *args: Any, timeout: float | None = None) -> list[Any]:
        try:
            pool = await self._pool(role)
            async with pool.acquire() as connection:
                return cast(list[Any], await connection.fetch(query, *args, timeout=timeout))
        except GONE as error:
            raise as_fault(error) from error

    def _url(self, role: str) -> str:
        s = self._settings
        return {
            "app": s.database_url, "customer": s.database_customer_url, "batch": s.database_batch_url,
            "dispatch": s.database_dispatch_url, "ops": s.database_ops_url,
        }[role]  # fmt: skip


class _ClosingSession(AsyncSession):
    """A session on a connection of its own, which goes back to the pool with it."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(bind=connection, expire_on_commit=False, autoflush=True)
        self._connection = connection

    async def commit(self) -> None:
        await super().commit()
        # The session joined the connection's transaction, which was begun with the context: ending it is ours.
        if self._connection.in_transaction():
            await self._connection.commit()

    async def rollback(self) -> None:
        await super().rollback()
        if self._connection.in_transaction():
            await self._connection.rollback()

    async def close(self) -> None:
        await super().close()
        await self._connection.close()


_NOTHING = sql("select 1")


async def _codecs(connection: asyncpg.Connection) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, schema="pg_catalog", encoder=lambda v: orjson.dumps(plain(v)).decode(), decoder=orjson.loads)


async def _quietly(awaitable: Any) -> None:
    try:
        await awaitable
    except (DBAPIError, *GONE):  # the server is gone: it has rolled back by itself
        return


def as_fault(error: BaseException) -> BaseException:
    """A lost server as an error a caller can answer with; everything else as it is."""
    if isinstance(error, GONE) and not isinstance(error, FileNotFoundError | PermissionError):
        return DatabaseAway()
    if isinstance(error, PoolTimeout | InterfaceError | OperationalError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        return DatabaseAway()
    cause = getattr(error, "orig", None)
    if cause is not None and isinstance(getattr(cause, "__cause__", None), GONE):
        return DatabaseAway()
    return error
