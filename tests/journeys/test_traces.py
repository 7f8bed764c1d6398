"""One trace from the request that told of the exception to the last call that mended it."""

import asyncio

import asyncpg
import pytest

from simulator.story.book import Book
from tests.installation import Running

QUERY = """
select e.type, e.envelope ->> 'trace' as trace from core.event e
where e.type in ('case.opened', 'run.started', 'task.completed', 'call.succeeded', 'run.completed', 'case.resolved')
  and e.envelope -> 'data' ->> 'case_id' = $1 or (e.type = 'case.opened' and e.key = 'case:' || $1)"""


@pytest.mark.feature("M38")
class TestTheTraceOfAnException:
    def test_is_the_one_its_first_signal_came_with(self, told: Book, installation: Running) -> None:
        del told
        asyncio.run(self._check(installation))

    async def _check(self, installation: Running) -> None:
        connection = await asyncpg.connect(installation.installation.postgres.url("postgres"))
        try:
            case = await connection.fetchval(
                """select c.id::text from cases."case" c join core.tenant t on t.id = c.tenant_id join core.partner p on p.id = t.partner_id
                where c.exception_type = 'cutoff.missed' and p.slug = 'northwind' order by c.id limit 1"""
            )
            rows = await connection.fetch(QUERY, case)
            accepted = {r[0] for r in await connection.fetch("select envelope ->> 'trace' from core.event where type = 'signal.accepted'")}
        finally:
            await connection.close()
        traces = {
            r["trace"] for r in rows if r["type"] in ("case.opened", "run.started", "task.completed", "call.succeeded", "run.completed")
        }
        assert len(rows) > 8
        assert len(traces) == 1
        assert traces <= accepted
