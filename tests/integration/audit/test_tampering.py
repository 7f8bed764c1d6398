"""Tampering by a superuser: whoever passes the wall can change rows, and every way of doing so is found and named."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text as sql

from app.audit.anchor import AnchorFile
from app.audit.chain import Head, Link, evidence, extend, head_of
from app.audit.commands import append, verify
from app.audit.schemas import Report
from app.core.events import Event
from app.core.ids import new_id
from app.core.services import Shell
from tests.integration.tenants.conftest import make_customer

pytestmark = pytest.mark.feature("M146", "M120")
LENGTH = 12


class Chained:
    """A tenant with a partner's and a customer's chain, and the superuser who tampers with them."""

    def __init__(self, shell: Shell, tenant: UUID, customer: UUID, superuser: asyncpg.Connection) -> None:
        self.shell, self.tenant, self.customer, self.superuser = shell, tenant, customer, superuser
        self.directory = Path(shell.settings.anchor_dir)

    async def say(self, count: int) -> None:
        for n in range(count):
            async with self.shell.unit_of_work(self.tenant, actor="user:kim") as uow:
                uow.publish("test.done", customer_id=self.customer, data={"n": n}, key=f"case:{n}")

    async def anchor(self) -> None:
        """Write the heads down, as the appointment does when it is due."""
        await self.do(
            "update core.work set ready = true, due = now() - interval '1 second' where tenant_id = $1 and kind = 'anchor'", self.tenant
        )

    async def do(self, statement: str, *args: Any) -> None:
        await self.superuser.execute(statement, *args)

    async def place(self, seq: int) -> UUID:
        found = await self.superuser.fetchval(
            "select id from audit.audit_entry where tenant_id = $1 and customer_id = $2 and seq = $3", self.tenant, self.customer, seq
        )
        assert isinstance(found, UUID)
        return found

    async def verify(self, customer_id: UUID | None = None) -> Report:
        async with self.shell.unit_of_work(self.tenant, actor="system:test") as uow:
            return await verify(uow, self.directory, customer_id=customer_id)

    async def found(self) -> list[tuple[str, int]]:
        """What is named in the customer's chain; the partner's own must stay sound."""
        report = await self.verify()
        assert all(finding.customer_id == self.customer for finding in report.findings), report.findings
        assert report.holds == (not report.findings)
        return [(finding.what, finding.seq) for finding in report.findings]


@pytest.fixture
async def chained(shell: Shell, tenant: UUID, database, settle):  # type: ignore[no-untyped-def]
    customer = await make_customer(shell, tenant)
    superuser = await database.superuser()
    # As somebody who knows their way: no trigger and no foreign key stands in the way.
    await superuser.execute("set session_replication_role = replica")
    chained = Chained(shell, tenant, customer, superuser)
    await chained.say(LENGTH - 1)  # the customer's own creation is its first entry
    async with shell.unit_of_work(tenant, actor="user:kim") as uow:
        uow.publish("test.begun")
    await settle(tenant)
    await chained.anchor()
    await settle(tenant)
    yield chained
    await superuser.close()


class TestUntouched:
    async def test_chains_hold_and_say_how_far_they_are_anchored(self, chained: Chained) -> None:
        report = await chained.verify()
        assert report.holds and report.waiting == 0 and report.anchored_at is not None
        own = next(chain for chain in report.chains if chain.customer_id == chained.customer)
        assert (own.entries, own.anchored) == (LENGTH, LENGTH)

    async def test_one_customers_chain_is_verified_alone(self, chained: Chained, settle: Any) -> None:
        report = await chained.verify(chained.customer)
        assert report.holds and [chain.customer_id for chain in report.chains] == [chained.customer]

    async def test_events_not_delivered_yet_are_waiting_not_missing(self, chained: Chained) -> None:
        await chained.say(2)
        report = await chained.verify()
        assert report.holds and report.waiting >= 2


class TestEdit:
    @pytest.mark.parametrize(
        "change",
        [
            "envelope = jsonb_set(envelope, '{actor}', '\"user:innocent\"')",
            "envelope = jsonb_set(envelope, '{data,n}', '99')",
            "envelope = envelope - 'occurred_at'",
            "recorded_at = recorded_at - interval '1 day'",
            "type = 'test.undone'",
            "key = 'case:other'",
        ],
    )
    async def test_of_an_event_is_named(self, chained: Chained, change: str) -> None:
        await chained.do(f"update core.event set {change} where tenant_id = $1 and id = $2", chained.tenant, await chained.place(5))
        assert await chained.found() == [("edited", 5)]

    async def test_of_an_event_moved_to_nobody_is_named(self, chained: Chained) -> None:
        await chained.do(
            "update core.event set customer_id = null where tenant_id = $1 and id = $2", chained.tenant, await chained.place(5)
        )
        assert await chained.found() == [("edited", 5)]

    async def test_of_an_entry_is_named(self, chained: Chained) -> None:
        await chained.do(
            "update audit.audit_entry set hash = sha256(hash) where tenant_id = $1 and id = $2", chained.tenant, await chained.place(7)
        )
        assert ("edited", 7) in await chained.found()


class TestDelete:
    async def test_of_an_event_is_named(self, chained: Chained) -> None:
        await chained.do("delete from core.event where tenant_id = $1 and id = $2", chained.tenant, await chained.place(4))
        assert await chained.found() == [("deleted", 4)]

    async def test_of_event_and_entry_is_named(self, chained: Chained) -> None:
        gone = await chained.place(4)
        await chained.do("delete from core.event where tenant_id = $1 and id = $2", chained.tenant, gone)
        await chained.do("delete from audit.audit_entry where tenant_id = $1 and id = $2", chained.tenant, gone)
        assert await chained.found() == [("deleted", 4)]


class TestReorder:
    async def test_of_two_entries_is_named(self, chained: Chained) -> None:
        await chained.do(
            "update audit.audit_entry set seq = case seq when 4 then 5 else 4 end where tenant_id = $1 and customer_id = $2 and seq in (4, 5)",
            chained.tenant, chained.customer,
        )  # fmt: skip
        found = await chained.found()
        assert found and {what for what, _ in found} == {"reordered"}


class TestCutTail:
    async def _cut(self, chained: Chained) -> None:
        for seq in (LENGTH, LENGTH - 1):
            gone = await chained.place(seq)
            await chained.do("delete from core.event where tenant_id = $1 and id = $2", chained.tenant, gone)
            await chained.do("delete from audit.audit_entry where tenant_id = $1 and id = $2", chained.tenant, gone)

    async def test_is_named_by_the_head(self, chained: Chained) -> None:
        await self._cut(chained)
        assert await chained.found() == [("cut", LENGTH - 1)]

    async def test_with_the_head_set_back_is_named_by_the_anchor(self, chained: Chained) -> None:
        await self._cut(chained)
        await chained.do(
            """update audit.chain_head h set seq = e.seq, hash = e.hash, anchored_seq = e.seq from audit.audit_entry e
            where h.tenant_id = $1 and h.customer_id = $2 and e.tenant_id = $1 and e.customer_id = $2 and e.seq = $3""",
            chained.tenant, chained.customer, LENGTH - 2,
        )  # fmt: skip
        assert await chained.found() == [("cut", LENGTH - 1)]

    async def test_of_a_whole_chain_with_its_head_is_named_by_the_anchor(self, chained: Chained) -> None:
        await chained.do("delete from core.event where tenant_id = $1 and customer_id = $2", chained.tenant, chained.customer)
        for table in ("audit.audit_entry", "audit.chain_head"):
            await chained.do(f"delete from {table} where tenant_id = $1 and customer_id = $2", chained.tenant, chained.customer)
        assert await chained.found() == [("cut", 1)]


class TestRechain:
    async def test_with_the_products_own_arithmetic_is_named_by_the_anchor(self, chained: Chained) -> None:
        await self._forge(chained, 6)
        assert await chained.found() == [("rechained", LENGTH)]

    async def test_without_an_anchor_would_have_held(self, chained: Chained) -> None:
        """What the anchors are for: the same forgery passes where there is no file."""
        AnchorFile(chained.directory, chained.tenant).path.unlink()
        await self._forge(chained, 6)
        assert await chained.found() == []

    async def _forge(self, chained: Chained, seq: int) -> None:
        """Change an event and compute every link from there anew, and the head with them."""
        await chained.do(
            "update core.event set envelope = jsonb_set(envelope, '{actor}', '\"user:innocent\"') where tenant_id = $1 and id = $2",
            chained.tenant, await chained.place(seq),
        )  # fmt: skip
        head = await self._link(chained, seq - 1)
        for at in range(seq, LENGTH + 1):
            link = extend(head, await self._evidence(chained, at))
            await chained.do(
                "update audit.audit_entry set prev = $3, hash = $4 where tenant_id = $1 and id = $2",
                chained.tenant,
                link.event_id,
                link.prev,
                link.hash,
            )
            head = head_of(link)
        await chained.do(
            "update audit.chain_head set hash = $3 where tenant_id = $1 and customer_id = $2", chained.tenant, chained.customer, head.hash
        )

    async def _link(self, chained: Chained, seq: int) -> Head:
        row = await chained.superuser.fetchrow(
            "select * from audit.audit_entry where tenant_id = $1 and id = $2", chained.tenant, await chained.place(seq)
        )
        return head_of(Link(row["id"], row["seq"], row["prev"], row["hash"]))

    async def _evidence(self, chained: Chained, seq: int) -> dict[str, Any]:
        async with chained.shell.read(chained.tenant) as uow:
            found = await uow.session.execute(
                sql("select recorded_at, envelope from core.event where id = :id"), {"id": await chained.place(seq)}
            )
            row = found.one()
        return evidence(Event.read(chained.tenant, row.recorded_at, row.envelope))


class TestSlippedIn:
    async def test_event_that_no_chain_has_is_named_once_it_is_overdue(self, chained: Chained) -> None:
        await chained.do(
            """insert into core.event (tenant_id, id, customer_id, type, recorded_at, envelope)
            select tenant_id, $3, customer_id, type, now() - interval '1 hour', envelope from core.event
            where tenant_id = $1 and id = $2""",
            chained.tenant, await chained.place(3), new_id(),
        )  # fmt: skip
        assert await chained.found() == [("unchained", 0)]


class TestAnchorFileTampered:
    async def test_is_named(self, chained: Chained) -> None:
        path = AnchorFile(chained.directory, chained.tenant).path
        lines = path.read_text().splitlines()
        path.write_text("\n".join([lines[0].replace('"seq":', '"seq": '), *lines[1:]]) + "\n")
        report = await chained.verify()
        assert "anchor_edited" in {finding.what for finding in report.findings}


class TestAppend:
    async def test_chains_an_event_once_however_often_it_is_delivered(self, chained: Chained) -> None:
        async with chained.shell.read(chained.tenant) as uow:
            rows = (await uow.session.execute(sql("select recorded_at, envelope from core.event order by id"))).all()
        events = [Event.read(chained.tenant, row.recorded_at, row.envelope) for row in rows]
        async with chained.shell.unit_of_work(chained.tenant, actor="system:test") as uow:
            assert await append(uow, events) == 0
        assert await chained.found() == []

    async def test_keeps_one_order_when_batches_come_at_once(self, chained: Chained, settle: Any) -> None:
        """A retried batch runs beside the next one; the head's lock puts them in a row, and what both bring is chained once."""
        await chained.say(12)
        async with chained.shell.read(chained.tenant) as uow:
            rows = (await uow.session.execute(sql("select recorded_at, envelope from core.event order by id desc limit 12"))).all()
        events = [Event.read(chained.tenant, row.recorded_at, row.envelope) for row in rows]

        async def bring(batch: list[Event]) -> int:
            async with chained.shell.unit_of_work(chained.tenant, actor="system:test") as uow:
                return await append(uow, batch)

        brought = await asyncio.gather(bring(events[:8]), bring(events[4:]), bring(events[::-1]))
        assert sum(brought) == 12
        await settle(chained.tenant)
        assert await chained.found() == []

    async def test_makes_one_appointment_for_a_busy_chain_and_never_puts_it_off(self, chained: Chained, settle: Any) -> None:
        async def due() -> Any:
            return await chained.superuser.fetchval(
                "select due from core.work w join audit.chain_head h on h.id = w.subject where w.kind = 'anchor' and h.customer_id = $1",
                chained.customer,
            )

        await chained.say(1)
        await settle(chained.tenant)
        first = await due()
        await chained.say(3)
        await settle(chained.tenant)
        assert first is not None and await due() == first
        now = await chained.superuser.fetchval("select clock_timestamp()")
        assert (first - now).total_seconds() < 21


class TestAnchoring:
    async def test_leaves_no_chain_without_an_appointment_when_events_come_meanwhile(self, chained: Chained, settle: Any) -> None:
        for _ in range(3):
            await chained.say(2)
            await settle(chained.tenant)
            await chained.anchor()
            await settle(chained.tenant)
        unanchored = await chained.superuser.fetchval(
            """select count(*) from audit.chain_head h where tenant_id = $1 and seq > anchored_seq
            and not exists (select from core.work w where w.kind = 'anchor' and w.subject = h.id)""",
            chained.tenant,
        )
        assert unanchored == 0
