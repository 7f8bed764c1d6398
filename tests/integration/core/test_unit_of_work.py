"""The unit of work: what changed is said, what is said is delivered, what is leased is fenced."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text as sql
from sqlalchemy import update

from app.core.context import Context
from app.core.errors import NotFound
from app.core.ids import new_id
from app.core.listeners import Listeners, Now
from app.core.uow import LostLease, ReadOnly, SilentChange
from tenants.boundary import DatabaseBoundary
from tenants.models import Customer

pytestmark = pytest.mark.feature("M120", "M13")


def _customer(name="Acme"):
    own = new_id()
    return Customer(
        id=own,
        customer_id=own,
        slug=f"c{own.hex[-10:]}",
        name=name,
        sla={},
        locale="en",
        zone="UTC",
        status="active",
        created_at=datetime.now(UTC),
    )


async def _events(shell, tenant, type):
    async with shell.read(tenant) as uow:
        rows = await uow.execute(sql("select envelope from core.event where type = :type order by id"), {"type": type})
        return [r.envelope for r in rows]


class TestSaying:
    async def test_keeps_before_and_after_of_every_changed_column(self, shell, tenant):
        async with shell.unit_of_work(tenant, actor="user:ann") as uow:
            row = uow.add(_customer("Acme"))
            uow.publish("customer.created", of=row)
        async with shell.unit_of_work(tenant, actor="user:ann") as uow:
            same = await uow.get(Customer, row.id)
            same.name = "Acme Pharma"
            uow.publish("customer.changed", of=same, data={"why": "merger"})
        created = (await _events(shell, tenant, "customer.created"))[0]
        changed = (await _events(shell, tenant, "customer.changed"))[0]
        assert created["changes"]["name"] == [None, "Acme"]
        assert changed["changes"] == {"name": ["Acme", "Acme Pharma"]}
        assert changed["actor"] == "user:ann"
        assert changed["data"] == {"why": "merger"}

    async def test_a_change_without_an_event_is_not_committed(self, shell, tenant):
        with pytest.raises(SilentChange, match="Customer"):
            async with shell.unit_of_work(tenant, actor="user:ann") as uow:
                row = uow.add(_customer())
        async with shell.read(tenant) as uow:
            assert await uow.find(Customer, row.id) is None

    async def test_an_event_about_another_row_does_not_cover_it(self, shell, tenant):
        with pytest.raises(SilentChange):
            async with shell.unit_of_work(tenant, actor="user:ann") as uow:
                said, unsaid = uow.add(_customer()), uow.add(_customer())
                uow.publish("customer.created", of=said)
                assert unsaid

    async def test_a_bulk_statement_needs_an_event_too(self, shell, tenant):
        with pytest.raises(SilentChange, match="customer"):
            async with shell.unit_of_work(tenant, actor="user:ann") as uow:
                await uow.execute(update(Customer).values(name="x"))

    async def test_a_reader_can_not_write(self, shell, tenant):
        with pytest.raises(ReadOnly):
            async with shell.read(tenant) as uow:
                uow.publish("customer.created")

    async def test_a_foreign_row_and_a_missing_one_are_the_same(self, shell, tenant, other_tenant):
        async with shell.unit_of_work(tenant, actor="user:ann") as uow:
            row = uow.add(_customer())
            uow.publish("customer.created", of=row)
        for wanted in (row.id, new_id()):
            with pytest.raises(NotFound) as refusal:
                async with shell.read(other_tenant) as uow:
                    await uow.get(Customer, wanted)
            assert refusal.value.detail == NotFound().detail


class TestSavepoint:
    async def test_keeps_nothing_of_what_failed_inside(self, shell, tenant):
        async with shell.unit_of_work(tenant, actor="user:ann") as uow:
            kept = uow.add(_customer("kept"))
            uow.publish("customer.created", of=kept, data={"n": "kept"})
            with pytest.raises(ZeroDivisionError):
                async with uow.savepoint():
                    lost = uow.add(_customer("lost"))
                    uow.publish("customer.created", of=lost, data={"n": "lost"})
                    uow.work("test", subject=lost.id)
                    raise ZeroDivisionError
        assert [e["data"]["n"] for e in await _events(shell, tenant, "customer.created")] == ["kept"]


class TestNowListeners:
    async def test_run_in_the_same_transaction_and_fall_with_it(self, shell, tenant):
        async def refuse(uow, event):
            raise ZeroDivisionError

        boundary = DatabaseBoundary(shell.settings, Listeners(now=(Now("customer.created", refuse),)), shell.clock)
        with pytest.raises(ZeroDivisionError):
            async with boundary.unit_of_work(Context.one(tenant, actor="user:ann")) as uow:
                row = uow.add(_customer())
                uow.publish("customer.created", of=row)
        assert await _events(shell, tenant, "customer.created") == []
        await boundary.close()

    async def test_hear_what_other_listeners_say(self, shell, tenant):
        heard = []

        async def first(uow, event):
            uow.publish("second.said", data={"of": event.type})

        async def second(uow, event):
            heard.append(event.data["of"])

        boundary = DatabaseBoundary(shell.settings, Listeners(now=(Now("first.said", first), Now("second.*", second))), shell.clock)
        async with boundary.unit_of_work(Context.one(tenant, actor="user:ann")) as uow:
            uow.publish("first.said")
        assert heard == ["first.said"]
        await boundary.close()


class TestWork:
    async def _claim(self, shell, tenant, lease=timedelta(seconds=30)):
        token = new_id()
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            rows = await uow.execute(
                sql("select * from core.claim_work(array['test'], 10, :lease, :token)"), {"lease": lease, "token": token}
            )
            from app.core.services import WorkItem

            return [WorkItem(r.id, tenant, r.kind, r.subject, tuple(r.subjects or ()), token, r.version, r.tries) for r in rows]

    async def _add(self, shell, tenant, subject):
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            uow.work("test", subject=subject)

    async def test_is_leased_to_one(self, shell, tenant):
        await self._add(shell, tenant, new_id())
        assert len(await self._claim(shell, tenant)) == 1
        assert await self._claim(shell, tenant) == []

    async def test_a_late_finisher_is_refused_with_all_it_wrote(self, shell, tenant):
        await self._add(shell, tenant, new_id())
        (paused,) = await self._claim(shell, tenant, lease=timedelta(seconds=-1))
        (taken,) = await self._claim(shell, tenant)
        with pytest.raises(LostLease):
            async with shell.unit_of_work(tenant, actor="system:test") as uow:
                uow.publish("late.said")
                await uow.finish(paused)
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await uow.finish(taken)
        assert await _events(shell, tenant, "late.said") == []
        assert await self._claim(shell, tenant) == []

    async def test_asked_for_again_while_at_work_is_done_again(self, shell, tenant):
        subject = new_id()
        await self._add(shell, tenant, subject)
        (item,) = await self._claim(shell, tenant)
        await self._add(shell, tenant, subject)
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await uow.finish(item)
        assert len(await self._claim(shell, tenant)) == 1

    async def test_of_another_tenant_can_not_be_finished(self, shell, tenant, other_tenant):
        await self._add(shell, tenant, new_id())
        (item,) = await self._claim(shell, tenant)
        with pytest.raises(LostLease):
            async with shell.unit_of_work(other_tenant, actor="system:test") as uow:
                await uow.finish(item)
