"""Events are recorded in the real tables: any order, any number, late or not, one end state."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.canonical import queries
from app.canonical.models import (
    Document,
    InventoryPosition,
    Milestone,
    Order,
    OrderLine,
    Party,
    Promise,
    Shipment,
    ShipmentParty,
    ShipmentReference,
)
from app.core.models import EventRow

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def order(hours: int = 0, number: str = "ORD-7731", type: str = "order.recorded", **data) -> dict:
    return {
        "type": type,
        "occurred_at": (NOON + timedelta(hours=hours)).isoformat(),
        "account": "ACME-01",
        "refs": {"order": number},
        "data": data,
    }


def scan(hours: int, status: str, reason: str = "NS", refs: dict | None = None, **data) -> dict:
    return {
        "type": "shipment.milestone_recorded", "occurred_at": (NOON + timedelta(hours=hours)).isoformat(), "refs": refs or {"shipment": "SHP-220"},
        "data": {"status_code": status, "reason_code": reason, **data},
    }  # fmt: skip


async def rows(shell, tenant, model, *where):
    async with shell.read(tenant) as uow:
        found = (await uow.execute(select(model).where(*where).order_by(model.id))).scalars().all()
        uow.session.expunge_all()
        return found


class TestOrders:
    @pytest.mark.feature("M58", "M62")
    async def test_keep_the_newest_word_of_each_field_and_their_lines(self, shell, tenant, tell):
        lines = [{"sku": "INS-10", "quantity": 40, "regulated": True}, {"sku": "GEL-2", "quantity": 5}]
        await tell(order(2, value_minor=4520000, currency="EUR", regulated=True, lines=lines))
        await tell(order(1, value_minor=1, priority="high", lines=lines[:1]))
        (row,) = await rows(shell, tenant, Order)
        assert (row.value_minor, row.priority, row.regulated, row.account) == (4520000, "high", True, "ACME-01")
        assert [(line.sku, line.quantity) for line in await rows(shell, tenant, OrderLine)] == [("INS-10", 40), ("GEL-2", 5)]
        await tell(order(3, lines=lines[1:]))
        assert [line.sku for line in await rows(shell, tenant, OrderLine)] == ["GEL-2"]

    @pytest.mark.feature("M58")
    async def test_say_what_changed_with_before_and_after_under_the_orders_key(self, tell):
        (first,) = await tell(order(value_minor=5))
        (second,) = await tell(order(1, value_minor=7))
        assert second.event.key == f"order:{first.order_id}" and second.order_id == first.order_id
        assert second.event.changes["value_minor"] == [5, 7]
        assert second.event.occurred_at == NOON + timedelta(hours=1)

    async def test_of_two_customers_are_two_orders_under_one_number(self, shell, tenant, tell, other_customer):
        (ours,) = await tell(order())
        (theirs,) = await tell(order(), customer_id=other_customer)
        assert ours.order_id != theirs.order_id
        async with shell.read(tenant, customer=other_customer) as uow:
            assert await uow.find(Order, ours.order_id) is None


class TestShipments:
    @pytest.mark.feature("M62")
    async def test_a_late_scan_is_kept_and_moves_nothing_back(self, shell, tenant, tell):
        await tell(scan(2, "AF"))
        (late,) = await tell(scan(0, "XB"))
        assert not late.moved
        (row,) = await rows(shell, tenant, Shipment)
        assert (row.status, row.status_at) == ("departed", NOON + timedelta(hours=2))
        assert [(m.milestone, m.moved) for m in await rows(shell, tenant, Milestone)] == [("departed", True), ("acknowledged", False)]

    @pytest.mark.feature("M62")
    async def test_any_order_with_duplicates_ends_in_the_same_state(self, shell, tenant, tell):
        stream = [
            scan(0, "XB"), scan(1, "AF", carrier="CPCC"), scan(2, "AG", estimated_at="2026-11-25T10:00:00Z"), scan(3, "X4"),
            scan(4, "AH", "AG"), scan(5, "SD", "AO"), scan(6, "D1"), order(1, status="released"), order(7, status="delivered"),
        ]  # fmt: skip
        ends = []
        for seed in range(4):
            name = f"S-{seed}"
            told = [
                {**event, "refs": {"order": f"O-{seed}"} | ({} if event["type"].startswith("order") else {"shipment": name})}
                for event in stream * 2
            ]
            if seed:
                random.Random(seed).shuffle(told)
            for event in told:
                await tell(event)
            (shipment,) = await rows(shell, tenant, Shipment, Shipment.number == name)
            (owner,) = await rows(shell, tenant, Order, Order.number == f"O-{seed}")
            kept = await rows(shell, tenant, Milestone, Milestone.shipment_id == shipment.id)
            ends.append(
                (shipment.status, shipment.status_at, shipment.eta, shipment.last_seen_at, shipment.carrier, owner.status, len(kept))
            )
        assert len(set(ends)) == 1
        assert ends[0][0] == "delivered" and ends[0][-1] == 7

    @pytest.mark.feature("M58")
    async def test_are_found_by_any_identifying_reference_and_called_by_the_best(self, shell, tenant, customer, tell):
        (first,) = await tell(scan(0, "AF", refs={"tracking": "1Z999", "bol": "B-7"}))
        (second,) = await tell(scan(1, "X4", refs={"shipment": "SHP-9", "tracking": "1z999", "order": "ORD-1"}))
        assert first.shipment_id == second.shipment_id and second.order_id is not None
        (row,) = await rows(shell, tenant, Shipment)
        assert row.number == "SHP-9" and row.order_id == second.order_id
        assert {ref.value for ref in await rows(shell, tenant, ShipmentReference)} == {"1Z999", "B-7", "SHP-9"}
        async with shell.read(tenant) as uow:
            assert {await queries.shipment_named(uow, customer, ref) for ref in ("shp-9", "1Z999", "b-7")} == {row.id}
            assert await queries.order_named(uow, customer, "ord-1") == row.order_id

    @pytest.mark.feature("M58")
    async def test_parties_and_places_of_the_same_words_are_written_once(self, shell, tenant, tell):
        parties = [{"role": "consignee", "name": "The  Terminator", "location": {"city": "DRILL", "country": "CA"}}]
        again = [{"role": "consignee", "name": "the terminator", "location": {"city": "Drill", "country": "CA"}}]
        await tell(scan(0, "XB", parties=parties), scan(1, "AF", parties=again), scan(2, "X4", refs={"shipment": "SHP-2"}, parties=again))
        assert [party.name for party in await rows(shell, tenant, Party)] == ["The  Terminator"]
        assert len(await rows(shell, tenant, ShipmentParty)) == 2


class TestStock:
    @pytest.mark.feature("M58", "M62")
    async def test_keeps_the_newest_count_of_an_article_at_a_site(self, shell, tenant, tell):
        def count(hours: int, **data) -> dict:
            return {
                "type": "inventory.recorded",
                "occurred_at": (NOON + timedelta(hours=hours)).isoformat(),
                "refs": {"sku": "INS-10"},
                "data": data,
            }

        await tell(count(2, site="BER", on_hand=10, available=4), count(1, site="BER", on_hand=99), count(1, site="HAM", on_hand=7))
        found = await rows(shell, tenant, InventoryPosition)
        assert {(row.site, row.on_hand, row.available) for row in found} == {("BER", 10, 4), ("HAM", 7, None)}


class TestPromises:
    @pytest.mark.feature("M20", "M62")
    async def test_follow_from_dates_and_move_with_them(self, shell, tenant, tell):
        await tell(order(0, ship_by="2030-01-01T18:00:00Z", deliver_by="2030-01-03T10:00:00Z"))
        (moved,) = await tell(order(1, ship_by="2030-01-02T18:00:00Z"))
        found = {row.name: row for row in await rows(shell, tenant, Promise)}
        assert found["ship"].due_at == datetime(2030, 1, 2, 18, tzinfo=UTC)
        assert (found["deliver"].status, found["deliver"].milestone) == ("open", "delivered")
        assert moved.event.changes["ship_by"] == ["2030-01-01T18:00:00+00:00", "2030-01-02T18:00:00+00:00"]

    @pytest.mark.feature("M19")
    async def test_a_step_in_time_keeps_one_even_when_heard_of_after_it_was_missed(self, shell, tenant, tell, settle):
        await tell(order(0, ship_by="2026-11-02T18:00:00+01:00"), scan(-9, "XB", refs={"shipment": "SHP-1", "order": "ORD-7731"}))
        await settle(tenant)
        (row,) = await rows(shell, tenant, Promise)
        assert row.status == "missed" and row.missed_at is not None
        await tell(scan(4, "AF", refs={"shipment": "SHP-1"}))
        (row,) = await rows(shell, tenant, Promise)
        assert (row.status, row.kept_at, row.missed_at) == ("kept", NOON + timedelta(hours=4), None)

    @pytest.mark.feature("M19")
    async def test_due_is_said_first_and_missed_only_after_the_grace(self, shell, tenant, tell, settle):
        now = datetime.now(UTC)
        promised = {
            "type": "promise.recorded", "occurred_at": NOON.isoformat(), "refs": {"promise": "linehaul", "shipment": "SHP-1"},
            "data": {"milestone": "departed", "due_at": (now - timedelta(minutes=5)).isoformat(), "grace_minutes": 60},
        }  # fmt: skip
        await tell(promised)
        await settle(tenant)
        (row,) = await rows(shell, tenant, Promise)
        assert row.status == "open"
        told = [event.type for event in await rows(shell, tenant, EventRow, EventRow.type.like("promise.%"))]
        assert told == ["promise.recorded", "promise.due"]
        await tell({**promised, "occurred_at": (NOON + timedelta(hours=1)).isoformat(), "data": promised["data"] | {"grace_minutes": 1}})
        await settle(tenant)
        (row,) = await rows(shell, tenant, Promise)
        assert (row.status, row.grace_minutes) == ("missed", 1)

    async def test_a_late_step_misses_one_and_says_so(self, shell, tenant, tell, database):
        await tell(order(0, deliver_by="2030-01-01T10:00:00Z"), scan(0, "AF", refs={"shipment": "SHP-1", "order": "ORD-7731"}))
        await tell({**scan(0, "D1", refs={"shipment": "SHP-1"}), "occurred_at": "2030-01-01T10:00:01Z"})
        (row,) = await rows(shell, tenant, Promise)
        assert row.status == "missed"
        connection = await database.superuser()
        types = [
            r["type"] for r in await connection.fetch("select type from core.event where tenant_id = $1 and type like 'promise.%'", tenant)
        ]
        await connection.close()
        assert types == ["promise.missed"]


class TestWorld:
    @pytest.mark.feature("M34")
    async def test_is_read_with_the_source_and_age_of_each_fact(self, shell, tenant, customer, tell):
        (told,) = await tell(order(0, value_minor=4520000, currency="EUR", ship_by="2030-01-01T18:00:00Z"))
        async with shell.read(tenant) as uow:
            facts = await queries.facts(uow, customer_id=customer, subjects={"order": str(told.order_id)}, now=uow.now)
        assert facts["order.value_minor"].value == 4520000
        assert facts["order.value_minor"].source == f"order:{told.order_id}"
        assert facts["order.value_minor"].observed_at == NOON
        assert facts["promise.name"].value == "ship" and facts["promise.minutes_left"].value > 0
        assert facts["customer.sla.first_response_minutes"].value == 30
        assert facts["document.verified"].value == []
        assert "customer.tier" not in facts

    async def test_another_customers_things_are_not_there(self, shell, tenant, other_customer, tell):
        (told,) = await tell(order(value_minor=1))
        async with shell.read(tenant) as uow:
            facts = await queries.facts(uow, customer_id=other_customer, subjects={"order": told.order_id}, now=uow.now)
        assert "order.number" not in facts

    async def test_reported_documents_are_known_but_prove_nothing(self, shell, tenant, customer, tell):
        event = {
            "type": "document.recorded",
            "occurred_at": NOON.isoformat(),
            "refs": {"order": "ORD-7731", "document": "C-1"},
            "data": {"kind": "compliance_certificate"},
        }
        (told,) = await tell(event)
        assert [row.status for row in await rows(shell, tenant, Document)] == ["reported"]
        async with shell.read(tenant) as uow:
            facts = await queries.facts(uow, customer_id=customer, subjects={"order": told.order_id}, now=uow.now)
        assert facts["document.verified"].value == []
