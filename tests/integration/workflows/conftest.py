"""A customer with a case, a peer that keeps a ledger of what really reached it, and runs on the real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import select, text

from app.connectors.commands import create_connection
from app.connectors.schemas import NewConnection
from app.workflows import commands
from app.workflows.driver import drive
from app.workflows.models import TaskRun, WorkflowDefinition, WorkflowRun
from tests.integration.cases.world import World, kept

HEAD = "document: {dsl: '1.0.3', namespace: test, name: NAME, version: '1.0.0'}\n"


class Peer:
    """A system on loopback: answers what it is told to, and writes down every request that reached it."""

    def __init__(self) -> None:
        self.ledger: list[tuple[str, str, str]] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        self.pauses: dict[str, float] = {}
        self.url = ""
        self.at_once = self.most_at_once = 0

    def keys(self, path: str) -> list[str]:
        """The effect keys under which a path was asked."""
        return [key for _, asked, key in self.ledger if asked == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._answer(head.decode(), reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if ": " in line)}
        if length := int(headers.get("content-length", 0)):
            await reader.readexactly(length)
        method, path, _ = first.split(" ")
        self.ledger.append((method, path, headers.get("idempotency-key", "")))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.pauses.get(path, 0))
        self.at_once -= 1
        status, content = self.answers.get(path, (200, {"path": path}))
        raw = orjson.dumps(content)
        writer.write(f"HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {len(raw)}\r\n\r\n".encode() + raw)
        await writer.drain()


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    made = Peer()
    talks: set[asyncio.Task[None]] = set()

    def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(made.serve(reader, writer))
        talks.add(task)
        task.add_done_callback(talks.discard)

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()
    for task in talks:
        task.cancel()
    await asyncio.gather(*talks, return_exceptions=True)


class Desk:
    """Definitions and runs of one customer, in few words."""

    def __init__(self, world: World, peer: Peer) -> None:
        self.world, self.peer, self.shell, self.tenant = world, peer, world.shell, world.tenant

    async def define(self, body: str, *, name: str = "sample", customer: UUID | None = None, publish: bool = True) -> WorkflowDefinition:
        content = HEAD.replace("NAME", name) + body.replace("PEER", self.peer.url)
        async with self.world.act() as uow:
            row = await commands.draft(uow, self.shell, content, customer_id=customer)
            if publish:
                await uow.session.flush()
                await commands.publish(uow, row)
        return await self.row(WorkflowDefinition, row.id)

    async def start(self, body: str | WorkflowDefinition, value: Any = None, *, key: str | None = None, case: UUID | None = None) -> UUID:
        definition = await self.define(body) if isinstance(body, str) else body
        async with self.world.act() as uow:
            run = await commands.start_run(
                uow, definition=definition, input={} if value is None else value, case_id=case, customer_id=self.world.customer,
                key=key or f"test:{uow.new_id()}",
            )  # fmt: skip
        return run.id

    async def drive(self, run_id: UUID) -> WorkflowRun:
        """Work on a run once, as a worker that found it due."""
        await drive(self.shell, self.tenant, run_id)
        return await self.run(run_id)

    async def run(self, run_id: UUID) -> WorkflowRun:
        return await self.row(WorkflowRun, run_id)

    async def row(self, model: Any, row_id: UUID) -> Any:
        async with self.world.look() as uow:
            return kept(uow, await uow.get(model, row_id))

    async def log(self, run_id: UUID) -> list[tuple[str, str]]:
        async with self.world.look() as uow:
            rows = (await uow.execute(select(TaskRun).where(TaskRun.run_id == run_id).order_by(TaskRun.seq))).scalars()
            return [(row.name, row.status) for row in rows]

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.world.look() as uow:
            return list((await uow.execute(text(query), values)).mappings())

    async def due(self, run_id: UUID) -> datetime | None:
        """When the run's work is due, if there is any."""
        rows = await self.shell.boundary.dispatch("select due from core.work where kind = 'run' and subject = $1", run_id)
        return rows[0]["due"] if rows else None

    async def is_due(self, run_id: UUID) -> bool:
        at = await self.due(run_id)
        return at is not None and at <= datetime.now(UTC)


@pytest.fixture
async def world(shell, tenant: UUID) -> World:  # type: ignore[no-untyped-def]
    return await World.make(shell, tenant)


@pytest.fixture
async def desk(world: World, peer: Peer) -> Desk:
    async with world.act() as uow:
        wanted = NewConnection(
            name="our-crm",
            connector="sim-crm",
            capabilities=["crm.customer_tier", "crm.add_note"],
            config={"base_url": peer.url},
            secret="s",
        )
        await create_connection(uow, world.shell.vault, wanted)
    return Desk(world, peer)
