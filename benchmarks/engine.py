"""P1: a durable workflow of three steps, a commit a step, against DBOS on the same server. P3: the engine's commits against pgbench's.

Our side is the product's whole engine (definition, jq in the sandbox, history, events, outbox); its three effects do nothing.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from app.core.ids import new_id
from app.workflows import commands, driver, store
from app.workflows.effects import Outcome
from app.workflows.models import WorkflowDefinition
from benchmarks.ground import Ground, ground
from benchmarks.harness import Result, compare

RUNS = 96
AT_ONCE = 16
PGBENCH_SECONDS = 2
DEFINITION = """
document: {dsl: '1.0.3', namespace: bench, name: three-steps, version: '1.0.0'}
do:
  - first: {call: 'notify:1.0.0@default', with: {template: none, to: {address: a@example.com}, context: {n: '${ .n }'}}, export: {as: '$context + {a: .n}'}}
  - second: {call: 'notify:1.0.0@default', with: {template: none, to: {address: a@example.com}, context: {n: '${ $context.a + 1 }'}}, export: {as: '$context + {b: .n}'}}
  - third: {call: 'notify:1.0.0@default', with: {template: none, to: {address: a@example.com}, context: {n: '${ $context.b + 1 }'}}}
"""


async def measure() -> list[Result]:
    async with ground(server=False) as g, _engine(g) as ours, _dbos(g) as dbos:
        one = await compare("P1", "three-step runs/s, a commit a step, over DBOS", ">= 10", ours.runs, dbos.runs)
        await _pgbench_table(g)
        three = await compare(
            "P3", "engine commits/s over pgbench's tiny commits, 16 clients", ">= 0.35", ours.commits, lambda: _pgbench(g), rounds=7
        )
        steps = await g.count("select count(*) from workflows.task_run where status = 'completed'")
        runs = await g.count("select count(*) from workflows.workflow_run where status = 'completed'")
        kept = await g.count("select count(*) from dbos.workflow_status where status = 'SUCCESS'")
        for result in (one, three):
            result.rows_ok = runs == ours.started and steps == 3 * runs and kept == dbos.started
            result.note = f"{runs} runs completed of {ours.started} started, {steps} steps; DBOS {kept} of {dbos.started}"
        return [one, three]


class _Ours:
    """Starts runs and drives them, 16 at once, on one process's loop."""

    def __init__(self, g: Ground, tenant: UUID, definition: WorkflowDefinition) -> None:
        self._shell, self._tenant, self._definition = g.shell, tenant, definition
        self.started = 0
        self.turns = 0

    async def runs(self) -> float:
        begun = time.perf_counter()
        waiting = iter(range(RUNS))
        await asyncio.gather(*(self._lane(waiting) for _ in range(AT_ONCE)))
        self.started += RUNS
        return RUNS / (time.perf_counter() - begun)

    async def commits(self) -> float:
        before, begun = self.turns, time.perf_counter()
        await self.runs()
        return (self.turns - before) / (time.perf_counter() - begun)

    async def _lane(self, waiting) -> None:  # type: ignore[no-untyped-def]
        for _ in waiting:
            async with self._shell.unit_of_work(self._tenant, actor="system:bench") as uow:
                run = await commands.start_run(
                    uow, definition=self._definition, input={"n": 1}, case_id=None, customer_id=None, key=f"bench:{new_id()}"
                )
            self.turns += 1
            await driver.drive(self._shell, self._tenant, run.id)


@asynccontextmanager
async def _engine(g: Ground) -> AsyncIterator[_Ours]:
    (tenant, _), *_ = await g.tenants(1)
    async with g.shell.unit_of_work(tenant, actor="system:bench") as uow:
        row = await commands.draft(uow, g.shell, DEFINITION, customer_id=None)
        await commands.publish(uow, row)
    ours = _Ours(g, tenant, row)
    original, write = driver.perform, store.write

    async def nothing(_shell, _who, effect):  # type: ignore[no-untyped-def]
        return Outcome(output={"n": effect.request["with"]["context"]["n"] if "with" in effect.request else 1})

    async def counted(*args, **kwargs):  # type: ignore[no-untyped-def]
        ours.turns += 1
        return await write(*args, **kwargs)

    driver.perform, store.write = nothing, counted  # type: ignore[assignment]
    try:
        yield ours
    finally:
        driver.perform, store.write = original, write  # type: ignore[assignment]


class _Dbos:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.started = 0

    async def runs(self) -> float:
        self.started += RUNS
        seconds = await asyncio.to_thread(self._ask)
        return RUNS / seconds

    def _ask(self) -> float:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{RUNS}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


@asynccontextmanager
async def _dbos(g: Ground) -> AsyncIterator[_Dbos]:
    """The same server, the superuser's own database schema: DBOS makes its tables itself."""
    url = g.postgres.url("postgres")
    process = await asyncio.to_thread(
        lambda: subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.reference_dbos", url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    )
    assert process.stdout
    while (line := await asyncio.to_thread(process.stdout.readline)) and line.strip() != "ready":
        continue
    if not line:
        raise RuntimeError("DBOS did not start")
    try:
        yield _Dbos(process)
    finally:
        process.terminate()
        process.wait(20)


async def _pgbench_table(g: Ground) -> None:
    connection = await asyncpg.connect(g.postgres.url("postgres"))
    await connection.execute(
        "create table public.tiny (id int primary key, n int not null); insert into public.tiny select i, 0 from generate_series(1, 10000) i"
    )
    await connection.close()


async def _pgbench(g: Ground) -> float:
    """Commits a second of one-row updates by 16 clients."""
    script = g.postgres.home / "tiny.sql"
    script.write_text("\\set id random(1, 10000)\nupdate public.tiny set n = n + 1 where id = :id;\n")
    argv = [
        str(g.postgres.bin / "pgbench"),
        "-n",
        "-c",
        "16",
        "-j",
        "2",
        "-T",
        str(PGBENCH_SECONDS),
        "-M",
        "prepared",
        "-f",
        str(script),
        "-h",
        "127.0.0.1",
        "-p",
        str(g.postgres.port),
        "-U",
        "postgres",
        "detour",
    ]
    environment = {"PGPASSWORD": g.postgres.password("postgres"), "PATH": "/usr/bin:/bin"}
    done = await asyncio.to_thread(lambda: subprocess.run(argv, capture_output=True, text=True, env=environment, check=True))
    return float(next(line for line in done.stdout.splitlines() if line.startswith("tps")).split()[2])
