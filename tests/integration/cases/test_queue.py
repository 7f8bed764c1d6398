"""The queue: in an order that explains itself and stays while one works, narrowed by what its lines show."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from app.canonical.commands import record
from app.canonical.events import parse_event
from app.cases import approvals, commands, offers, ordering, queries, urgency, weights
from app.cases import board as tower
from app.cases.models import Case
from app.cases.queries import Filters, Tab
from app.cases.schemas import CaseRow
from app.cases.urgency import Weights
from app.cases.weights import WeightsChanged
from app.core.errors import Invalid
from app.core.ids import new_id
from tests.integration.cases.world import World, ago

OPTIONS = [{"id": "a", "label": "Tomorrow"}, {"id": "b", "label": "By courier"}]


async def board(world: World, actor: str = "system:test", tab: Tab | None = "queue", **filters: Any) -> list[CaseRow]:
    async with world.act(actor) as uow:
        return (await queries.board(uow, Filters(**filters), tab=tab)).items


def ids(rows: list[CaseRow]) -> list[UUID]:
    return [row.id for row in rows]


async def shipped(world: World, number: str, carrier: str, origin: str, destination: str, *, order: str | None = None) -> dict[str, str]:
    """A shipment with its carrier and lane; returns what a decision names of it."""
    told = {
        "type": "shipment.recorded", "occurred_at": datetime.now(UTC).isoformat(), "refs": {"shipment": number} | ({"order": order} if order else {}),
        "data": {"carrier": carrier, "origin": {"city": "Here", "country": origin}, "destination": {"city": "There", "country": destination}},
    }  # fmt: skip
    async with world.act() as uow:
        recorded = await record(uow, parse_event(told), signal_id=None, customer_id=world.customer)
    return {"shipment": str(recorded.shipment_id)} | ({"order": str(recorded.order_id)} if recorded.order_id else {})


@pytest.mark.feature("M4")
class TestOrder:
    async def test_follows_money_and_minutes_and_shows_why(self, world: World) -> None:
        gold = {"name": "customer.tier", "value": "gold", "source": "call:1", "observed_at": None, "age_seconds": 0}
        calm = await world.opened(order="ORD-1", score=100, minor=None)
        dear = await world.opened(order="ORD-2", score=100, minor=5_000_000, inputs=[gold])
        late = await world.opened(order="ORD-3", score=100, minor=None, now=ago(hours=10))
        rows = await board(world)
        assert ids(rows) == [late.id, dear.id, calm.id]
        why = rows[1].urgency
        assert why is not None
        assert {"€50,000.00 at risk", "gold tier", "nobody has answered yet"} <= {factor.text for factor in why.because}
        assert why.score == sum(factor.points for factor in why.because)

    @pytest.mark.parametrize("verb", ["acknowledge", "escalate", "ring", "reprioritise", "wait", "continue", "reopen"])
    async def test_moves_a_case_with_everything_that_counts(self, world: World, verb: str) -> None:
        case = await world.opened(order="ORD-1", now=ago(minutes=31))
        before = (await world.case(case.id)).urgent_at
        await moved_by(world, case, verb)
        after = await world.case(case.id)
        assert (after.urgent_at == before) == (verb == "continue"), "what was handed out and came back stands where it stood"
        async with world.look() as uow:
            clocks = (await weights.clocks_of(uow, [case.id]))[case.id]
            version, chosen = await weights.in_force(uow)
        assert (after.urgent_at, after.ranked_by) == (urgency.urgent_at(urgency.standing(after, clocks), chosen), version)

    async def test_is_kept_when_a_customers_own_command_moves_a_case(self, world: World) -> None:
        case = await world.opened(order="ORD-1")
        await moved_by(world, case, "wait")
        resting = (await world.case(case.id)).urgent_at
        [offer] = await world.rows(offers.Offer, case_id=case.id)
        async with world.act("user:c", customer=world.customer) as uow:
            await offers.answer(uow, offer.id, "a")
        await world.work_off()
        assert (await world.case(case.id)).urgent_at < resting


async def moved_by(world: World, case: Case, verb: str) -> None:
    """Lets happen to the case what moves it in the queue."""
    if verb == "ring":
        await world.work_off()
        return
    if verb == "continue":
        await moved_by(world, case, "wait")
    async with world.act("run:1") as uow:
        if verb == "acknowledge":
            await commands.acknowledge(uow, case.id)
        elif verb == "escalate":
            await commands.escalate(uow, case.id, "It burns.")
        elif verb == "wait":
            await offers.make(
                uow, case_id=case.id, to={}, options=OPTIONS, default=None, expires_at=uow.now + timedelta(hours=1), key=str(new_id())
            )
        elif verb in ("continue", "answer"):
            [offer] = await world.rows(offers.Offer, case_id=case.id)
            await offers.answer(uow, offer.id, "a")
        elif verb == "reopen":
            await commands.resolve(uow, case.id, outcome="x", cause="y", evidence_call_id=None, override_reason="z")
            await commands.reopen(uow, case.id, "It came back.")
    if verb == "reprioritise":
        await world.opened(order="ORD-1", score=990, level="P1")


@pytest.mark.feature("M40")
class TestTabs:
    async def test_divide_the_work(self, world: World) -> None:
        me = await world.person("operator")
        free, mine, waiting, resting, broken, done = [await world.opened(order=f"ORD-{n}") for n in range(6)]
        async with world.act(me) as uow:
            await commands.take(uow, mine.id)
            await commands.snooze(uow, resting.id, awaits="the carrier")
            await commands.resolve(uow, done.id, outcome="x", cause="y", evidence_call_id=None, override_reason="z")
        await moved_by(world, waiting, "wait")
        late = await world.opened(order="ORD-9", now=ago(hours=1))
        await world.work_off()
        seen = {tab: set(ids(await board(world, me, tab))) for tab in ("queue", "mine", "waiting", "breached", "resolved")}
        assert seen == {
            "queue": {free.id, mine.id, broken.id, late.id}, "mine": {mine.id}, "waiting": {waiting.id, resting.id}, "breached": {late.id},
            "resolved": {done.id},
        }  # fmt: skip
        async with world.act(me) as uow:
            counts = await queries.tabs(uow)
        assert {tab: str(count) for tab, count in counts.items()} == {
            "queue": "4",
            "mine": "1",
            "waiting": "2",
            "breached": "1",
            "resolved": "1",
        }

    async def test_of_finished_work_begin_with_the_latest_end_and_page(self, world: World) -> None:
        cases = [await world.opened(order=f"ORD-{n}") for n in range(3)]
        for minute, case in enumerate((cases[2], cases[0], cases[1])):
            async with world.act(now=datetime.now(UTC) + timedelta(minutes=minute)) as uow:
                await commands.resolve(uow, case.id, outcome="x", cause="y", evidence_call_id=None, override_reason="z")
        async with world.look() as uow:
            first = await queries.board(uow, tab="resolved", limit=2)
            rest = await queries.board(uow, tab="resolved", limit=2, cursor=first.next)
        assert ids(first.items + rest.items) == [cases[1].id, cases[0].id, cases[2].id]

    async def test_count_no_further_than_anybody_reads(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tower, "SHOWN", 2)
        for n in range(3):
            await world.opened(order=f"ORD-{n}")
        async with world.look() as uow:
            assert str((await queries.tabs(uow))["queue"]) == "2+"


@pytest.mark.feature("M40")
class TestFilters:
    async def test_narrow_by_carrier_lane_owner_reference_and_time(self, world: World) -> None:
        me = await world.person("operator")
        north = await world.opened(order="ORD-1", subjects=await shipped(world, "SHP-1", "DHL", "DE", "FR", order="ORD-1"))
        south = await world.opened(order="ORD-2", subjects=await shipped(world, "SHP-2", "UPS", "PL", "IT"), now=ago(hours=5))
        async with world.act(me) as uow:
            await commands.take(uow, south.id)
        assert ids(await board(world, carrier="DHL")) == [north.id]
        assert ids(await board(world, origin="pl", destination="it")) == [south.id]
        assert ids(await board(world, owner="none")) == [north.id]
        assert ids(await board(world, owner=UUID(me.partition(":")[2]))) == [south.id]
        assert ids(await board(world, ref="ord-1")) == [north.id]
        assert ids(await board(world, ref="SHP-2")) == [south.id]
        assert ids(await board(world, ref="SHP-3")) == []
        assert ids(await board(world, since=ago(hours=1))) == [north.id]
        with pytest.raises(Invalid):
            await board(world, ref="12")

    async def test_follow_a_shipment_to_another_carrier(self, world: World) -> None:
        case = await world.opened(order="ORD-1", subjects=await shipped(world, "SHP-1", "DHL", "DE", "FR"))
        await shipped(world, "SHP-1", "UPS", "DE", "ES")
        await world.work_off()
        assert ids(await board(world, carrier="DHL")) == []
        assert ids(await board(world, carrier="UPS", destination="ES")) == [case.id]
        assert "Now with UPS, DE to ES" in [entry.title for entry in await world.timeline(case.id)]

    async def test_know_a_shipment_by_the_order_it_carries(self, world: World) -> None:
        subjects = await shipped(world, "SHP-1", "DHL", "DE", "FR", order="ORD-1")
        case = await world.opened(order="ORD-1", subjects={"order": subjects["order"]})
        assert ids(await board(world, carrier="DHL", origin="DE")) == [case.id]

    async def test_are_counted_beside_the_list(self, world: World) -> None:
        await world.opened(order="ORD-1", level="P1", subjects=await shipped(world, "SHP-1", "DHL", "DE", "FR"))
        await world.opened(order="ORD-2", level="P2")
        async with world.look() as uow:
            facets = await queries.facets(uow, tab="queue")
            narrowed = await queries.facets(uow, Filters(carrier="DHL"), tab="queue")
        assert facets.is_complete
        assert facets.counts["carrier"] == {"DHL": 1, "none": 1}
        assert facets.counts["lane"] == {"DE-FR": 1}
        assert facets.names[str(world.customer)] == "Acme"
        assert narrowed.counts["priority"] == {"P1": 1}


@pytest.mark.feature("M40")
class TestLine:
    async def test_tells_all_that_a_decision_needs(self, world: World) -> None:
        me = await world.person("operator")
        case = await world.opened(order="ORD-1", subjects=await shipped(world, "SHP-1", "DHL", "DE", "FR", order="ORD-1"))
        async with world.act(me) as uow:
            await commands.take(uow, case.id)
        [row] = await board(world)
        assert (row.order, row.shipment, row.customer, row.carrier) == ("ORD-1", "SHP-1", "Acme", "DHL")
        assert row.origin is not None and row.destination is not None
        assert (row.origin.city, row.destination.country) == ("Here", "FR")
        assert row.owner is not None and row.owner.name == "operator"
        assert row.clock is not None and (row.clock.kind, row.clock.state) == ("first_response", "running")
        assert row.version == 2

    async def test_says_what_happens_next(self, world: World) -> None:
        case = await world.opened(order="ORD-1")
        steps = []

        async def look(do: Callable[[Any], Any]) -> None:
            async with world.act("run:1") as uow:
                await do(uow)
            [row] = [row for row in await board(world, tab=None) if row.id == case.id]
            steps.append(row.next_step.text if row.next_step else None)

        hour = datetime.now(UTC) + timedelta(hours=1)
        await look(lambda uow: commands.acknowledge(uow, case.id))
        await look(lambda uow: offers.make(uow, case_id=case.id, to={}, options=OPTIONS, default="a", expires_at=hour, key=str(new_id())))
        await look(
            lambda uow: approvals.request(
                uow, case_id=case.id, kind="expedite", amount_minor=None, currency=None, subject={}, key=str(new_id()), expires_at=hour
            )
        )
        await look(lambda uow: commands.plan(uow, case.id, "carrier options asked"))
        await look(lambda uow: commands.snooze(uow, case.id, awaits="DHL"))
        assert steps == [
            None, "the offer is answered; without an answer: Tomorrow", "somebody with the role approver decides", "carrier options asked",
            "waiting for DHL",
        ]  # fmt: skip

    async def test_keeps_the_partners_business_from_the_customer(self, world: World) -> None:
        me = await world.person("operator")
        case = await world.opened(order="ORD-1", minor=5_000_000, subjects=await shipped(world, "SHP-1", "DHL", "DE", "FR"))
        async with world.act(me) as uow:
            await commands.take(uow, case.id)
            await commands.snooze(uow, case.id, awaits="somebody slow")
        async with world.look(customer=world.customer) as uow:
            [row] = (await queries.board(uow)).items
            view = await queries.case(uow, case.id)
        told = msgspec.to_builtins(row)
        assert set(told) == {
            "id", "status", "says", "title", "type", "priority", "opened_at", "customer_id", "due_at", "shipment_id", "shipment", "origin", "destination",
        }  # fmt: skip
        assert (view.line, view.version) == (None, 0)


@pytest.mark.feature("M214")
class TestFrozenOrder:
    async def test_tells_how_many_more_urgent_ones_arrived(self, world: World) -> None:
        shown = [await world.opened(order=f"ORD-{n}", score=500) for n in range(4)]
        async with world.look() as uow:
            page = await queries.board(uow, tab="queue", limit=2)
        await world.opened(order="ORD-8", score=990)
        await world.opened(order="ORD-9", score=0)
        async with world.act("run:1") as uow:
            await commands.escalate(uow, shown[3].id, "It burns.")
        async with world.look() as uow:
            news = await queries.newer_than(uow, page.as_of)
            assert str(news) == "2"
            assert str(await queries.newer_than(uow, page.as_of, Filters(priority="P4"))) == "0"
            again = await queries.board(uow, tab="queue", limit=2)
            assert str(await queries.newer_than(uow, again.as_of)) == "0"

    async def test_is_no_news_of_what_became_less_urgent(self, world: World) -> None:
        case = await world.opened(order="ORD-1")
        await world.opened(order="ORD-2")
        async with world.look() as uow:
            page = await queries.board(uow, tab="queue")
        async with world.act("run:1") as uow:
            await commands.acknowledge(uow, case.id)
        async with world.look() as uow:
            assert (await queries.newer_than(uow, page.as_of)).number == 0

    async def test_hears_of_who_comes_back_from_rest(self, world: World) -> None:
        case = await world.opened(order="ORD-1")
        async with world.act("run:1") as uow:
            await commands.snooze(uow, case.id, awaits="DHL")
        async with world.look() as uow:
            page = await queries.board(uow, tab="queue")
        async with world.act("run:1") as uow:
            await commands.unsnooze(uow, case.id)
        async with world.look() as uow:
            assert (await queries.newer_than(uow, page.as_of)).number == 1

    async def test_refuses_a_token_no_page_gave(self, world: World) -> None:
        async with world.look() as uow:
            for wrong in ("x", "W10", "WzEsMl0"):
                with pytest.raises(Invalid):
                    await queries.newer_than(uow, wrong)


@pytest.mark.feature("M4")
class TestWeights:
    async def test_put_every_case_in_its_new_place(self, world: World) -> None:
        tiers = [{"name": "customer.tier", "value": "gold", "source": "call:1", "observed_at": None, "age_seconds": 0}]
        gold = await world.opened(order="ORD-1", score=0, minor=None, inputs=tiers)
        dear = await world.opened(order="ORD-2", score=0, minor=5_000_000)
        assert ids(await board(world)) == [dear.id, gold.id]
        admin = await world.person("partner_admin")
        wanted = msgspec.structs.replace(Weights(), tier={"gold": 2000})
        async with world.act(admin) as uow:
            trial = await weights.tried(uow, wanted)
            seen = await weights.put(uow, wanted, note="Gold first.")
        assert [(move.case_id, move.before, move.after) for move in trial.top] == [(gold.id, 2, 1), (dear.id, 1, 2)]
        assert (trial.tried, trial.moved) == (2, 2)
        assert (seen.version, seen.is_settled, seen.note, seen.made_by) == (1, False, "Gold first.", admin)
        await world.work_off()
        assert ids(await board(world)) == [gold.id, dear.id]
        async with world.look() as uow:
            assert (await weights.view(uow)).is_settled
        [changed] = await world.told("queue_weights.changed")
        assert changed.changes["content"][1]["tier"] == {"gold": 2000}
        assert len(await world.told("queue_weights.applied")) == 1

    async def test_reach_every_case_however_many_and_take_turns(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ordering, "BATCH", 2)
        monkeypatch.setattr(ordering, "BATCHES", 2)
        cases = [await world.opened(order=f"ORD-{n}") for n in range(11)]
        async with world.act() as uow:
            await weights.put(uow, msgspec.structs.replace(Weights(), unanswered=500))
        await world.work_off()
        assert {(await world.case(case.id)).ranked_by for case in cases} == {1}
        async with world.act(now=datetime.now(UTC) + timedelta(minutes=1)) as uow:
            # The second pass comes by itself and ends.
            rows = await world.shell.boundary.dispatch(
                "select due from core.work where tenant_id = $1 and kind = 'queue_order'", world.tenant
            )
        assert len(rows) == 1

    async def test_are_versions_that_say_nothing_when_nothing_changed(self, world: World) -> None:
        async with world.act() as uow:
            assert (await weights.put(uow, Weights())).version == 0
            assert (await weights.put(uow, Weights(regulated=1))).version == 1
            assert (await weights.put(uow, Weights(regulated=1))).version == 1
        assert len(await world.told("queue_weights.changed")) == 1

    async def test_are_not_written_over_unseen(self, world: World) -> None:
        async with world.act() as uow:
            await weights.put(uow, Weights(regulated=1), expected=0)
        with pytest.raises(WeightsChanged):
            async with world.act() as uow:
                await weights.put(uow, Weights(regulated=2), expected=0)

    async def test_of_one_partner_are_not_anothers(self, world: World, other_tenant: UUID) -> None:
        async with world.act() as uow:
            await weights.put(uow, Weights(regulated=1))
        async with world.shell.read(other_tenant) as uow:
            assert (await weights.view(uow)).version == 0
