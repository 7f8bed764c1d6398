"""The UnitOfWork: one tenant, one actor, one reading of the clock, one commit.

A command changes rows through it and says what happened; the events are written in the same transaction, with before and
after of every changed column, and rows that changed without an event stop the commit.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar, cast
from uuid import UUID

import orjson
from sqlalchemy import Executable, Result, Table, event, inspect
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstanceState, ORMExecuteState, Session

from app.core.context import acting_for
from app.core.errors import NotFound
from app.core.events import Event, plain
from app.core.ids import new_id
from app.core.tables import TenantRow

Class = Literal["deadline", "human", "normal", "bulk"]
CLASSES: dict[str, int] = {"deadline": 0, "human": 0, "normal": 1, "bulk": 2}
Row = TypeVar("Row", bound=TenantRow)

_APPEND = sql(
    "select core.append_events(cast(:ids as uuid[]), cast(:customers as uuid[]), cast(:types as text[]), cast(:keys as text[]), cast(:envelopes as text[]), :deliver)"
)
_ADD_WORK = sql("select core.add_work(:id, :kind, :subject, :due, :class, cast(:subjects as uuid[]))")
_DROP_WORK = sql("select core.drop_work(:kind, :subject)")
_FINISH = sql("select core.finish_work(:id, :token, :version)")


class SilentChange(Exception):
    """Rows changed and no event says so; a programming error, never a person's."""


class LostLease(Exception):
    """Somebody else holds this work by now; what this transaction wrote is dropped."""


class ReadOnly(Exception):
    """A reading unit of work was asked to write; a programming error."""


class HearsNow(Protocol):
    """Whoever runs in the transaction of an event (app.core.listeners.Now)."""

    @property
    def handle(self) -> "Callable[[UnitOfWork, Event], Awaitable[None]]": ...


class UnitOfWork:
    """What a command works in. Opened by the boundary, settled and committed by the shell around it."""

    def __init__(
        self,
        session: AsyncSession,
        *,
        tenant_id: UUID,
        actor: str,
        now: datetime,
        hearing: "Callable[[str], Sequence[HearsNow]]",
        customer_id: UUID | None = None,
        case_id: UUID | None = None,
        cause: str | None = None,
        trace: str | None = None,
        read_only: bool = False,
    ) -> None:
        self.session = session
        self.tenant_id = tenant_id
        self.actor = actor
        self.now = now
        self.customer_id = customer_id
        self.case_id = case_id
        self.cause = cause
        self.trace = trace
        self.acting_for = acting_for.get() if actor.startswith("user:") else None
        self._hearing = hearing
        self._read_only = read_only
        self._drafts: list[_Draft] = []
        self._handled = 0
        self._touched: dict[int, tuple[TenantRow, dict[str, list[Any]]]] = {}
        self._statements: set[str] = set()
        self._works: dict[tuple[str, UUID], dict[str, Any]] = {}
        self._after_commit: list[Callable[[], None]] = []
        self.rings = False
        self.closed = False
        event.listen(session.sync_session, "before_flush", self._before_flush)
        event.listen(session.sync_session, "do_orm_execute", self._on_statement)

    # -- rows

    def new_id(self) -> UUID:
        return new_id()

    def add(self, row: Row) -> Row:
        """Take a new row in: its tenant and, where none was given, its id are filled in."""
        row.tenant_id = self.tenant_id
        if getattr(row, "id", None) is None:
            row.id = new_id()
        self.session.add(row)
        return row

    async def find(self, model: type[Row], id: UUID, *, lock: bool = False) -> Row | None:
        """The row with this id, or None: also when it belongs to someone else, which can't be told apart."""
        return await self.session.get(model, (self.tenant_id, id), with_for_update={"key_share": True} if lock else None)

    async def get(self, model: type[Row], id: UUID, *, lock: bool = False) -> Row:
        """The row with this id; raises NotFound. With `lock`, nobody else changes it until this transaction ends."""
        found = await self.find(model, id, lock=lock)
        if found is None:
            raise NotFound()
        return found

    async def execute(self, statement: Executable, parameters: Any = None) -> Result[Any]:
        return await self.session.execute(statement, parameters)

    async def remove(self, row: TenantRow) -> None:
        await self.session.delete(row)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What happens inside is kept whole or not at all, events and work included."""
        await self._flush()
        drafts, handled, works = len(self._drafts), self._handled, dict(self._works)
        touched = {k: (row, dict(changes)) for k, (row, changes) in self._touched.items()}
        try:
            async with self.session.begin_nested():
                yield
                await self.settle()
        except BaseException:
            del self._drafts[drafts:]
            self._handled, self._works, self._touched = handled, works, touched
            raise

    # -- what happened

    def publish(
        self,
        type: str,
        *,
        of: TenantRow | None = None,
        also: Iterable[TenantRow] = (),
        data: dict[str, Any] | None = None,
        key: str | None = None,
        subject: str | None = None,
        customer_id: UUID | None = None,
        occurred_at: datetime | None = None,
    ) -> Event:
        """Say what happened. `of` is the row it happened to, `also` the rows changed with it; before and after are gathered at commit.

        `key` is what a waiting workflow run is found by ("case:<id>"); the subject defaults to it.
        """
        if self._read_only:
            raise ReadOnly(type)
        owner = customer_id or getattr(of, "customer_id", None) or self.customer_id
        named = subject or key or (f"{table_of(of).name}:{of.id}" if of is not None else f"tenant:{self.tenant_id}")
        happened = Event(
            id=new_id(), type=type, tenant_id=self.tenant_id, customer_id=owner, subject=named, occurred_at=occurred_at or self.now,
            recorded_at=self.now, actor=self.actor, cause=self.cause, trace=self.trace, data=plain(data or {}), key=key,
            acting_for=self.acting_for,
        )  # fmt: skip
        self._drafts.append(_Draft(happened, tuple(r for r in (of, *also) if r is not None)))
        return happened

    def work(
        self, kind: str, *, subject: UUID, due: datetime | None = None, cls: Class = "normal", subjects: Sequence[UUID] | None = None
    ) -> None:
        """Ask for work of `kind` on `subject` at `due` (now when None); asking again moves it."""
        self._works[(kind, subject)] = {
            "id": new_id(), "kind": kind, "subject": subject, "due": due, "class": CLASSES[cls], "subjects": list(subjects) if subjects else None,
        }  # fmt: skip

    def drop_work(self, kind: str, subject: UUID) -> None:
        """Take back work that is no longer wanted."""
        self._works[(kind, subject)] = {"kind": kind, "subject": subject}

    async def finish(self, item: "Finishable") -> None:
        """Settle a leased item with this transaction; raises LostLease when somebody else took it over."""
        held = await self.session.scalar(_FINISH, {"id": item.id, "token": item.token, "version": item.version})
        if not held:
            raise LostLease(f"{item.kind} {item.subject}")

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once the transaction is durable: for caches and doorbells, never for state."""
        self._after_commit.append(action)

    @contextmanager
    def because(self, cause: str, trace: str | None) -> Iterator[None]:
        """What is said inside was caused by this, and belongs to this trace: for a batch whose parts have causes of their own."""
        before = self.cause, self.trace
        self.cause, self.trace = cause, trace or self.trace
        try:
            yield
        finally:
            self.cause, self.trace = before

    # -- settling

    async def settle(self) -> None:
        """Run the NOW listeners of everything published so far, and of what they publish."""
        while self._handled < len(self._drafts):
            draft = self._drafts[self._handled]
            self._handled += 1
            handlers = self._hearing(draft.event.type)
            if handlers:
                await self._flush()
                draft.event.changes = self._changes(draft)
            with self.because(f"event:{draft.event.id}", draft.event.trace):
                for listener in handlers:
                    await listener.handle(self, draft.event)

    async def commit(self) -> list[Event]:
        """Settle, write events and work, commit; returns the events. Raises SilentChange when rows changed unsaid."""
        if self._read_only:
            # What was read may still be looked at afterwards; the rollback would expire it.
            self.session.expunge_all()
            await self.rollback()
            return []
        await self.settle()
        await self._flush()
        self._refuse_silence()
        events = [self._finished(d) for d in self._drafts]
        await self._write_works()
        if events:
            await self._append(events)
        await self.session.commit()
        self._close()
        for action in self._after_commit:
            action()
        return events

    async def rollback(self) -> None:
        await self.session.rollback()
        self._close()

    # -- inside

    def _close(self) -> None:
        self.closed = True

    async def _flush(self) -> None:
        await self.session.flush()

    def _before_flush(self, session: Session, _context: object, _instances: object) -> None:
        for row in [*session.new, *session.dirty, *session.deleted]:
            if isinstance(row, TenantRow):
                self._note(row, deleted=row in session.deleted)

    def _note(self, row: TenantRow, *, deleted: bool) -> None:
        state: InstanceState[Any] = inspect(row)
        changes: dict[str, list[Any]] = {"deleted": [False, True]} if deleted else {}
        for name, attribute in state.attrs.items():
            column = state.mapper.columns.get(name)
            history = attribute.history
            if column is None or not history.has_changes() or name in ("tenant_id", "id"):
                continue
            before, after = (history.deleted or [None])[0], (history.added or [None])[0]
            hidden = column.info.get("secret", False)
            changes[name] = ["…", "…"] if hidden else [plain(before), plain(after)]
        if not changes and not state.pending:
            return
        known = self._touched.setdefault(id(row), (row, {}))[1]
        for name, (before, after) in changes.items():
            known[name] = [known[name][0] if name in known else before, after]

    def _on_statement(self, state: ORMExecuteState) -> None:
        if state.is_insert or state.is_update or state.is_delete:
            if self._read_only:
                raise ReadOnly(str(state.statement)[:80])
            table = getattr(state.statement, "table", None)
            if table is None or not table.info.get("derived"):
                self._statements.add(str(getattr(table, "fullname", "a table")))

    def _refuse_silence(self) -> None:
        named = {id(row) for draft in self._drafts for row in draft.rows}
        silent = [row for key, (row, _) in self._touched.items() if key not in named and not table_of(row).info.get("derived")]
        if silent:
            raise SilentChange(f"no event names the change of {', '.join(sorted({type(r).__name__ for r in silent}))}")
        if self._statements and not self._drafts:
            raise SilentChange(f"no event tells of the statement on {', '.join(sorted(self._statements))}")

    def _changes(self, draft: "_Draft") -> dict[str, list[Any]]:
        merged: dict[str, list[Any]] = {}
        for index, row in enumerate(draft.rows):
            changes = self._touched.get(id(row), (row, {}))[1]
            prefix = "" if index == 0 else f"{table_of(row).name}:{row.id}."
            merged.update({prefix + name: pair for name, pair in changes.items()})
        return merged

    def _finished(self, draft: "_Draft") -> Event:
        draft.event.changes = self._changes(draft)
        return draft.event

    async def _write_works(self) -> None:
        # Sorted by (kind, subject): the one lock order, so two transactions asking for the same work never wait in a circle.
        for (kind, subject), wanted in sorted(self._works.items(), key=lambda item: (item[0][0], item[0][1].bytes)):
            if "id" in wanted:
                await self.session.execute(_ADD_WORK, wanted)
                self.rings = self.rings or wanted["due"] is None or wanted["due"] <= self.now
            else:
                await self.session.execute(_DROP_WORK, {"kind": kind, "subject": subject})

    async def _append(self, events: list[Event]) -> None:
        self.rings = True
        await self.session.execute(
            _APPEND,
            {
                "ids": [e.id for e in events], "customers": [e.customer_id for e in events], "types": [e.type for e in events],
                "keys": [e.key for e in events], "envelopes": [orjson.dumps(e.envelope()).decode() for e in events], "deliver": new_id(),
            },
        )  # fmt: skip


def table_of(row: TenantRow) -> Table:
    """The table a row stands in."""
    return cast(Table, row.__table__)


class _Draft:
    __slots__ = ("event", "rows")

    def __init__(self, happened: Event, rows: tuple[TenantRow, ...]) -> None:
        self.event = happened
        self.rows = rows


class Finishable:
    """Anything leased from core.work: its id, the lease's token and the version it was claimed at."""

    id: UUID
    kind: str
    subject: UUID
    token: UUID
    version: int
