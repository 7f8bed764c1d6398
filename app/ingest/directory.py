"""The directory of sources as the door needs them: looked up for every message, kept for five seconds.

Secrets are opened when a source is looked up and live only here, in this process, for that long; a changed or rotated
source is dropped at once where it was changed and is gone everywhere within five seconds.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.ingest import queries
from app.ingest.commands.sources import TOKEN_KIND, open_secrets, token_hash
from app.ingest.models import Source
from app.ingest.sources.webhook import Verification

SECONDS = 5.0
_MOST = 10_000
_ACTOR = "system:ingest"


@dataclass(frozen=True)
class Known:
    """A source at the door: whose it is and how its messages are proven."""

    id: UUID
    tenant_id: UUID
    customer_id: UUID | None
    name: str
    kind: str
    is_active: bool
    verification: Verification
    zone: ZoneInfo
    is_strict: bool
    secrets: tuple[bytes, ...] = field(repr=False)


K = TypeVar("K")
V = TypeVar("V")


class Directory:
    """Sources by name and by token."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._kept: dict[tuple[UUID, str], tuple[float, Known]] = {}
        self._tokens: dict[bytes, tuple[UUID, str]] = {}
        self._asking: dict[tuple[UUID, str], asyncio.Task[Known]] = {}

    async def named(self, shell: Shell, tenant_id: UUID, name: str) -> Known:
        """Return the source called `name`; raise SourceNotFound."""
        if not (name.isascii() and name.isprintable()):  # such a name can't be asked for, let alone exist
            raise queries.SourceNotFound()
        place = (tenant_id, name)
        until, known = self._kept.get(place, (0.0, None))
        if known is not None and self._timer() < until:
            return known
        if place not in self._asking:
            # One question at a time for each source: a burst at the moment of expiry would otherwise take every connection.
            self._asking[place] = asyncio.create_task(self._ask(shell, tenant_id, name))
            self._asking[place].add_done_callback(lambda _: self._asking.pop(place))
        return await asyncio.shield(self._asking[place])

    async def by_token(self, shell: Shell, token: str) -> Known:
        """Return the source whose public address ends in `token`; raise SourceNotFound."""
        hashed = token_hash(token)
        if hashed not in self._tokens:  # a token belongs to its source for ever, and a source keeps its name
            rows = await shell.boundary.look_up("select tenant_id, subject_id from core.find_token($1, $2)", hashed, TOKEN_KIND)
            if not rows:
                raise queries.SourceNotFound()
            async with shell.read(rows[0]["tenant_id"], actor=_ACTOR) as uow:
                source = await uow.get(Source, rows[0]["subject_id"])
                _remember(self._tokens, hashed, (source.tenant_id, source.name))
        return await self.named(shell, *self._tokens[hashed])

    async def only(self, shell: Shell, tenant_id: UUID, kind: str) -> Known:
        """Return the one active source of this kind; raise SourceUnclear when there is none or more than one."""
        async with shell.read(tenant_id, actor=_ACTOR) as uow:
            found = [s for s in await queries.sources(uow) if s.kind == kind and s.status == "active"]
            if len(found) != 1:
                raise queries.SourceUnclear()
            return await self._keep(shell, uow, found[0])

    def forget(self, tenant_id: UUID, name: str) -> None:
        """Drop what is kept of one source."""
        self._kept.pop((tenant_id, name), None)

    async def _ask(self, shell: Shell, tenant_id: UUID, name: str) -> Known:
        async with shell.read(tenant_id, actor=_ACTOR) as uow:
            return await self._keep(shell, uow, await queries.source_named(uow, name))

    async def _keep(self, shell: Shell, uow: UnitOfWork, source: Source) -> Known:
        known = Known(
            id=source.id, tenant_id=source.tenant_id, customer_id=source.customer_id, name=source.name, kind=source.kind,
            is_active=source.status == "active", verification=msgspec.convert(source.verify, Verification), zone=ZoneInfo(source.zone or "UTC"),
            is_strict=source.strict, secrets=tuple(await open_secrets(uow, shell, source)),
        )  # fmt: skip
        _remember(self._kept, (known.tenant_id, known.name), (self._timer() + SECONDS, known))
        return known


def _remember(kept: dict[K, V], key: K, value: V) -> None:
    kept.pop(key, None)
    kept[key] = value
    while len(kept) > _MOST:
        kept.pop(next(iter(kept)))


def directory_of(shell: Shell) -> Directory:
    """Return this process's directory."""
    return cast(Directory, shell.extras.setdefault("ingest.directory", Directory()))
