"""The queue at size: a page reads its own rows and nothing is counted."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import Engine, event

from app.core.paging import encode_cursor
from tests.integration.cases.test_routes import Caller, caller
from tests.integration.cases.world import World
from tests.services import Database


@pytest.fixture
async def operator(world: World, client: httpx.AsyncClient) -> Caller:
    return await caller(world, client, "operator")


async def _many(world: World, database: Database, number: int) -> None:
    connection = await database.superuser()
    try:
        await connection.execute(
            """insert into cases."case" (tenant_id, id, customer_id, title, exception_type, priority_level, priority_score,
            priority_provisional, group_key, decision_id, opened_at, urgent_at) select $1, gen_random_uuid(), $2, 'Late', 'cutoff.missed', 'P2',
            n * 7919 % 1000, false, n, gen_random_uuid(), now(), n * 7919 % 1000 from generate_series(1, $3::bigint) as n""",
            world.tenant, world.customer, number,
        )  # fmt: skip
        await connection.execute('analyze cases."case"')
    finally:
        await connection.close()


@contextmanager
def _said() -> Iterator[list[tuple[str, Any]]]:
    """Every statement that goes to the database meanwhile, with its parameters."""
    said: list[tuple[str, Any]] = []

    def listen(_: Any, __: Any, statement: str, given: Any, *more: Any) -> None:
        said.append((statement, given))

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", listen)


def _most_rows(plan: dict[str, Any]) -> int:
    """The most rows any step of a plan read, those it threw away included."""
    read = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    return int(max([read, *(_most_rows(step) for step in plan.get("Plans", ()))]))


class TestQueue:
    @pytest.mark.parametrize("query", [{}, {"status": "all"}, {"sort": "time"}, {"cursor": encode_cursor([500, UUID(int=2**127)])}])
    async def test_reads_a_page_and_counts_nothing_however_many_there_are(
        self, world: World, operator: Caller, database: Database, query: dict[str, str]
    ) -> None:
        await _many(world, database, 5000)
        with _said() as said:
            page = (await operator.get("/v1/cases", limit=10, **query)).json()
        assert len(page["items"]) == 10
        assert page["next"] is not None
        assert not [statement for statement, _ in said if re.search(r"\b(count|sum)\s*\(|\boffset\b", statement, re.IGNORECASE)]
        [(statement, given)] = [each for each in said if 'FROM cases."case"' in each[0]]
        async with world.look() as uow:
            connection = await uow.session.connection()
            plan = (await connection.exec_driver_sql(f"explain (analyze, format json) {statement}", given)).scalar_one()
        assert _most_rows(plan[0]["Plan"]) <= 11
