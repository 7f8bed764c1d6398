"""Group commit: a burst shares commits, the bad row fails alone, and an answer means that it is durable."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.core.context import Context
from app.core.errors import Unavailable
from app.core.ids import new_id
from app.core.services import Shell
from app.ingest.arrival import Arrival
from app.ingest.lane import Lane, SignalRefused, TooMuchWaiting
from app.ingest.models import Receipt, Signal
from tests.conftest import make_tenant
from tests.integration.ingest.desk import Desk
from tests.services import Database

pytestmark = pytest.mark.feature("M1")


class Counting:
    """The boundary with its calls counted and, if asked, held back."""

    def __init__(self, shell: Shell) -> None:
        self.shell, self.calls, self.open = shell, list[int](), asyncio.Event()
        self.open.set()

    async def batch(self, context: Context, query: str, *args: Any) -> list[Any]:
        self.calls.append(len(args[0]))
        await self.open.wait()
        return await self.shell.boundary.batch(context, query, *args)


def arrival(tenant: UUID, number: int | str, **more: Any) -> Arrival:
    given = {"source": "wms", "kind": "webhook", "actor": "source:wms", "content_type": "application/json", "raw": str(number).encode()}
    return Arrival(tenant_id=tenant, sender_id=f"m-{number}", **{**given, **more})


@pytest.fixture
def counting(shell: Shell) -> Counting:
    return Counting(shell)


@pytest.fixture
def lane(shell: Shell, counting: Counting) -> Lane:
    return Lane(counting, now=shell.clock.now, ring=lambda: None)


class TestGroupCommit:
    async def test_commits_a_lone_message_at_once_and_a_burst_by_the_hundred(self, lane: Lane, counting: Counting, tenant: UUID) -> None:
        answers = await asyncio.gather(*(lane.accept(arrival(tenant, n)) for n in range(250)))
        assert len({a.id for a in answers}) == 250
        assert sum(counting.calls) == 250
        assert len(counting.calls) == 3
        assert max(counting.calls) == 100

    async def test_mixes_tenants_in_one_commit_and_keeps_their_rows_apart(self, lane: Lane, shell: Shell, counting: Counting) -> None:
        tenants = [await make_tenant(shell) for _ in range(20)]
        counting.open.clear()
        tasks = [asyncio.create_task(lane.accept(arrival(t, 1))) for t in tenants]
        await asyncio.sleep(0)
        counting.open.set()
        answers = await asyncio.gather(*tasks)
        assert len(counting.calls) <= 2
        for tenant, answer in zip(tenants, answers, strict=True):
            async with shell.read(tenant) as uow:
                assert (await uow.get(Signal, answer.id)).raw == b"1"
                others = [a.id for a in answers if a.id != answer.id]
                assert [await uow.find(Signal, i) for i in others] == [None] * 19

    async def test_writes_signal_receipt_event_and_work_together(self, lane: Lane, shell: Shell, tenant: UUID, database: Database) -> None:
        answer = await lane.accept(arrival(tenant, 1, raw=b"\x00\xff any bytes"))
        async with shell.read(tenant) as uow:
            assert (await uow.get(Signal, answer.id)).raw == b"\x00\xff any bytes"
            assert (await uow.get(Receipt, answer.id)).status == "accepted"
        root = await database.superuser()
        work = await root.fetch("select kind, subject, subjects from core.work where tenant_id = $1 order by kind", tenant)
        said = await root.fetch("select id, type, key from core.event where tenant_id = $1", tenant)
        await root.close()
        assert [(w["kind"], w["subject"]) for w in work if w["kind"] == "signal"] == [("signal", answer.id)]
        assert [(e["type"], e["key"]) for e in said] == [("signal.accepted", f"signal:{answer.id}")]
        assert [w["subjects"] for w in work if w["kind"] == "deliver"] == [[said[0]["id"]]]

    async def test_is_durable_whatever_the_server_defaults_to(self, lane: Lane, tenant: UUID, database: Database) -> None:
        root = await database.superuser()
        source = await root.fetchval("select prosrc from pg_proc where oid = 'ingest.accept'::regproc")
        await root.close()
        assert "set_config('synchronous_commit', 'on', true)" in source
        assert (await lane.accept(arrival(tenant, 1))).is_duplicate is False


class TestBadRow:
    async def test_never_fails_its_neighbours(self, lane: Lane, shell: Shell, counting: Counting, tenant: UUID) -> None:
        bad = arrival(tenant, "bad", content_type="text/\x00nul")
        wanted = (
            [lane.accept(arrival(tenant, n)) for n in range(9)]
            + [lane.accept(bad)]
            + [lane.accept(arrival(tenant, n)) for n in range(9, 19)]
        )
        answers = await asyncio.gather(*wanted, return_exceptions=True)
        assert isinstance(answers[9], SignalRefused)
        kept = [a for a in answers if not isinstance(a, BaseException)]
        assert len(kept) == 19
        async with shell.read(tenant) as uow:
            assert all([await uow.find(Signal, a.id) for a in kept])

    async def test_that_the_driver_refuses_never_fails_its_neighbours(self, lane: Lane, tenant: UUID) -> None:
        bad = arrival(tenant, "bad", content_type="\ud800")
        good, refused = await asyncio.gather(lane.accept(arrival(tenant, 1)), lane.accept(bad), return_exceptions=True)
        assert isinstance(refused, SignalRefused)
        assert not isinstance(good, BaseException)

    async def test_leaves_the_lane_working(self, lane: Lane, tenant: UUID) -> None:
        with pytest.raises(SignalRefused):
            await lane.accept(arrival(tenant, "bad", content_type="\x00"))
        assert (await lane.accept(arrival(tenant, 1))).is_duplicate is False


class TestSameMessage:
    async def test_gets_the_id_it_has_within_a_batch_and_later(self, lane: Lane, tenant: UUID) -> None:
        first = await asyncio.gather(*(lane.accept(arrival(tenant, 1)) for _ in range(5)))
        again = await lane.accept(arrival(tenant, 1))
        assert len({a.id for a in [*first, again]}) == 1
        assert sorted(a.is_duplicate for a in first) == [False, True, True, True, True]
        assert again.is_duplicate and again.is_same

    async def test_under_two_tenants_or_sources_is_two_messages(self, lane: Lane, tenant: UUID, other_tenant: UUID) -> None:
        answers = await asyncio.gather(
            lane.accept(arrival(tenant, 1)), lane.accept(arrival(other_tenant, 1)), lane.accept(arrival(tenant, 1, source="other"))
        )
        assert not any(a.is_duplicate for a in answers)

    async def test_id_with_other_content_is_told_apart(self, lane: Lane, tenant: UUID) -> None:
        await lane.accept(arrival(tenant, 1))
        other = await lane.accept(arrival(tenant, 1, raw=b"something else"))
        assert other.is_duplicate and not other.is_same

    async def test_in_many_lanes_at_once_is_stored_once(self, shell: Shell, desk: Desk) -> None:
        lanes = [Lane(shell.boundary, now=shell.clock.now, ring=lambda: None) for _ in range(4)]
        numbers = [n for n in range(60) for _ in range(4)]
        answers = await asyncio.gather(*(lanes[i % 4].accept(arrival(desk.tenant, n)) for i, n in enumerate(numbers)))
        assert len({a.id for a in answers}) == 60
        assert sum(not a.is_duplicate for a in answers) == 60
        assert await desk.count(Signal) == 60


class TestTrouble:
    async def test_with_the_database_is_told_to_everybody_who_waits(self, shell: Shell, tenant: UUID) -> None:
        class Away:
            async def batch(self, context: Context, query: str, *args: Any) -> list[Any]:
                raise Unavailable()

        lane = Lane(Away(), now=shell.clock.now, ring=lambda: None)
        answers = await asyncio.gather(*(lane.accept(arrival(tenant, n)) for n in range(5)), return_exceptions=True)
        assert [type(a) for a in answers] == [Unavailable] * 5

    async def test_of_one_requester_who_left_holds_up_nobody(self, lane: Lane, counting: Counting, tenant: UUID) -> None:
        counting.open.clear()
        leaving, staying = asyncio.create_task(lane.accept(arrival(tenant, 1))), asyncio.create_task(lane.accept(arrival(tenant, 2)))
        await asyncio.sleep(0.01)
        leaving.cancel()
        counting.open.set()
        assert (await staying).is_duplicate is False

    async def test_of_too_much_waiting_is_refused_at_the_door(
        self, lane: Lane, counting: Counting, tenant: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.ingest.lane.MOST_WAITING_BYTES", 100)
        counting.open.clear()
        first = asyncio.create_task(lane.accept(arrival(tenant, 1, raw=b"x" * 90)))
        await asyncio.sleep(0)
        with pytest.raises(TooMuchWaiting):
            await lane.accept(arrival(tenant, 2, raw=b"x" * 20))
        counting.open.set()
        await first
        assert (await lane.accept(arrival(tenant, 2, raw=b"x" * 20))).is_duplicate is False


class TestAcceptFunction:
    async def test_refuses_a_tenant_outside_its_signed_context(self, shell: Shell, tenant: UUID, other_tenant: UUID) -> None:
        class Narrow:
            async def batch(self, context: Context, query: str, *args: Any) -> list[Any]:
                return await shell.boundary.batch(Context.many([tenant], actor="system:ingest"), query, *args)

        lane = Lane(Narrow(), now=shell.clock.now, ring=lambda: None)
        with pytest.raises(SignalRefused):
            await lane.accept(arrival(other_tenant, 1))

    async def test_is_loud_without_a_context(self, database: Database) -> None:
        connection = await asyncpg.connect(database.url("detour_batch"))
        columns = [
            [new_id()],
            [new_id()],
            [None],
            [b"k"],
            [b"h"],
            ["s"],
            ["webhook"],
            [None],
            [""],
            ["{}"],
            [b""],
            [new_id()],
            [new_id()],
            [new_id()],
            ["{}"],
            [None],
        ]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(
                "select * from ingest.accept('', $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)", *columns
            )
        await connection.close()
