"""What waits for a person's eyes: everyone finds their own, says they read it, and what is done settles."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.canonical import documents
from app.cases import approvals, commands, handover, inbox, messages, offers
from app.cases.commands.owning import OwnedByAnother, UnknownOwner
from app.cases.handover import HandoverToOneself
from app.cases.messages import Addressee, Draft
from app.cases.models import Case, InboxEntry
from app.core.errors import NotFound
from app.core.ids import new_id
from tests.integration.cases.test_desk import id_of, named
from tests.integration.cases.world import World, ago

OPTIONS = [{"id": "a", "label": "Tomorrow"}]


async def seen_by(world: World, actor: str, *, customer: UUID | None = None, unread: bool = False) -> list[tuple[str, str, bool]]:
    await world.work_off()
    async with world.act(actor, customer=customer) as uow:
        page = await inbox.entries(uow, unread_only=unread)
    return [(entry.kind, entry.title, entry.is_settled) for entry in page.items]


def hour() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


async def asked(world: World, case: Case, by: str) -> UUID:
    async with world.act(by) as uow:
        row = await approvals.request(
            uow,
            case_id=case.id,
            kind="expedite",
            amount_minor=90000,
            currency="EUR",
            subject={},
            key=str(new_id()),
            expires_at=hour(),
            requested_by=by,
        )
    return row.id


@pytest.mark.feature("M214", "M208")
class TestInbox:
    async def test_holds_mentions_assignments_breaches_and_approvals(self, world: World) -> None:
        ann, bob, eve = await named(world, "Ann"), await named(world, "Bob"), await named(world, "Eve", "approver")
        case = await world.opened(order="ORD-1", now=ago(minutes=29, seconds=59))
        async with world.act(ann) as uow:
            await commands.assign(uow, case.id, id_of(bob))
            await commands.comment(uow, case.id, "@bob have a look")
            await commands.comment(uow, case.id, "@ann remember the milk")
        approval = await asked(world, case, ann)
        async with world.act("system:clock", now=datetime.now(UTC) + timedelta(minutes=1)) as uow:
            [first] = [clock for clock in await world.clocks(case.id) if clock.kind == "first_response"]
            await commands.ring(uow, first.id)
        assert await seen_by(world, bob) == [
            ("breach", "The first response clock of Order ORD-1 missed the warehouse cutoff ran out", False),
            ("mention", "Ann mentioned you on Order ORD-1 missed the warehouse cutoff", False),
            ("assigned", "Ann gave you Order ORD-1 missed the warehouse cutoff", False),
        ]
        assert await seen_by(world, ann) == []
        assert await seen_by(world, eve) == [("approval", "Your approval is wanted on Order ORD-1 missed the warehouse cutoff", False)]
        async with world.act(eve) as uow:
            await approvals.decide(uow, approval, "approved")
        assert [entry[2] for entry in await seen_by(world, eve)] == [True]

    async def test_of_a_customers_people_holds_what_they_are_asked_and_told(self, world: World) -> None:
        carl, ann = await named(world, "Carl", "customer_user", customer=world.customer), await named(world, "Ann")
        other = await World.make(world.shell, world.tenant, slug="boreal")
        stranger = await named(world, "Sue", "customer_user", customer=other.customer)
        order = await world.order("ORD-1")
        case = await world.opened(order="ORD-1")
        async with world.act(ann) as uow:
            offer = await offers.make(uow, case_id=case.id, to={}, options=OPTIONS, default=None, expires_at=hour(), key="o1")
            await commands.comment(uow, case.id, "They always pay late.")
            await commands.comment(uow, case.id, "We are on it.", visible=True)
            await documents.require(uow, kind="compliance_certificate", customer_id=world.customer, order_id=order)
            await commands.resolve(uow, case.id, outcome="rerouted", cause="x", evidence_call_id=None, override_reason="y")
        title = "Order ORD-1 missed the warehouse cutoff"
        assert await seen_by(world, carl, customer=world.customer) == [
            ("resolved", f"Solved: {title}", False), ("document", "A document is needed: compliance certificate", False),
            ("comment", f"A message about {title}", False), ("offer", f"We need your choice: {title}", False),
        ]  # fmt: skip
        assert await seen_by(world, stranger, customer=other.customer) == []
        assert "by" not in (await world.rows(InboxEntry, kind="comment"))[0].facts
        assert (await world.rows(InboxEntry, kind="offer"))[0].subject_id == offer.id

    async def test_is_ones_own_to_read(self, world: World) -> None:
        ann, bob = await named(world, "Ann"), await named(world, "Bob")
        cases = [await world.opened(order=f"ORD-{n}") for n in range(3)]
        async with world.act(ann) as uow:
            for case in cases:
                await commands.assign(uow, case.id, id_of(bob))
        await world.work_off()
        async with world.act(bob) as uow:
            newest, *_ = (await inbox.entries(uow)).items
            assert str(await inbox.unread(uow)) == "3"
            await inbox.mark_read(uow, newest.id)
            assert str(await inbox.unread(uow)) == "2"
        with pytest.raises(NotFound):
            async with world.act(ann) as uow:
                await inbox.mark_read(uow, newest.id)
        async with world.act(bob) as uow:
            await inbox.mark_read(uow)
        assert await seen_by(world, bob, unread=True) == []
        assert len(await seen_by(world, bob)) == 3

    async def test_is_filled_once_however_often_it_is_told(self, world: World) -> None:
        ann, bob = await named(world, "Ann"), await named(world, "Bob")
        case = await world.opened(order="ORD-1")
        async with world.act(ann) as uow:
            await commands.assign(uow, case.id, id_of(bob))
        for _ in range(2):
            async with world.act() as uow:
                await inbox.fill(uow, await world.told("case.assigned"))
        assert len(await world.rows(InboxEntry)) == 1

    async def test_of_another_tenant_is_not_there(self, world: World, other_tenant: UUID) -> None:
        ann, bob = await named(world, "Ann"), await named(world, "Bob")
        case = await world.opened(order="ORD-1")
        async with world.act(ann) as uow:
            await commands.assign(uow, case.id, id_of(bob))
        await world.work_off()
        async with world.shell.unit_of_work(other_tenant, actor=bob) as uow:
            assert (await inbox.entries(uow)).items == []


@pytest.mark.feature("M208")
class TestHandover:
    async def test_note_is_made_from_open_clocks_rests_and_what_was_said(self, world: World) -> None:
        ann, bob = await named(world, "Ann"), await named(world, "Bob")
        late = await world.opened(order="ORD-1", now=ago(minutes=50))
        calm, resting, done, foreign = [await world.opened(order=f"ORD-{n}") for n in range(2, 6)]
        async with world.act(ann) as uow:
            for case in (late, calm, resting, done):
                await commands.take(uow, case.id)
            await commands.acknowledge(uow, calm.id)
            await commands.plan(uow, calm.id, "carrier options asked")
            await commands.snooze(uow, resting.id, awaits="DHL")
            await commands.resolve(uow, done.id, outcome="x", cause="y", evidence_call_id=None, override_reason="z")
        async with world.act(bob) as uow:
            await commands.take(uow, foreign.id)
            await commands.comment(uow, late.id, "The warehouse promised\n17:00.")
        async with world.act(ann) as uow:
            made = await handover.draft(uow)
        assert [line.case.id for line in made.lines] == [late.id, resting.id, calm.id]
        first, second, third = made.text.splitlines()
        assert first.startswith("1. Order ORD-1 missed the warehouse cutoff: first response is ")
        assert first.endswith(" minutes late; Bob: The warehouse promised 17:00.")
        assert "to first response; waiting for DHL until " in second
        assert third.endswith("to resolution; next: carrier options asked.")
        async with world.act(bob) as uow:
            assert [line.case.id for line in (await handover.draft(uow)).lines] == [foreign.id]

    async def test_gives_all_of_them_in_one_act_and_tells_who_gets_them(self, world: World) -> None:
        ann, bob = await named(world, "Ann"), await named(world, "Bob")
        cases = [await world.opened(order=f"ORD-{n}") for n in range(2)]
        async with world.act(ann) as uow:
            for case in cases:
                await commands.take(uow, case.id)
            row = await handover.hand_over(uow, id_of(bob), [case.id for case in cases], "Watch ORD-1.")
        assert {(await world.case(case.id)).owner_id for case in cases} == {id_of(bob)}
        assert await seen_by(world, bob) == [("handover", "Ann handed 2 cases over to you", False)]
        assert (await world.timeline_of(cases[0].id))[-1].title == "Ann handed it over to Bob"
        for actor in (ann, bob):
            async with world.act(actor) as uow:
                [given] = (await handover.given(uow)).items
            assert (given.id, given.note) == (row.id, "Watch ORD-1.")
            assert given.from_user is not None and given.to_user is not None
            assert (given.from_user.name, given.to_user.name) == ("Ann", "Bob")

    async def test_of_somebody_elses_case_or_to_nobody_changes_nothing(self, world: World) -> None:
        ann, bob, cid = [await named(world, name) for name in ("Ann", "Bob", "Cid")]
        theirs = await named(world, "Carl", "customer_user", customer=world.customer)
        mine, bobs = await world.opened(order="ORD-1"), await world.opened(order="ORD-2")
        for actor, case in ((ann, mine), (bob, bobs)):
            async with world.act(actor) as uow:
                await commands.take(uow, case.id)
        refusals: list[tuple[type[Exception], UUID, list[UUID]]] = [
            (OwnedByAnother, id_of(cid), [mine.id, bobs.id]), (HandoverToOneself, id_of(ann), [mine.id]), (UnknownOwner, id_of(theirs), [mine.id]),
            (UnknownOwner, new_id(), [mine.id]), (NotFound, id_of(cid), [mine.id, new_id()]),
        ]  # fmt: skip
        for refused, to, case_ids in refusals:
            with pytest.raises(refused):
                async with world.act(ann) as uow:
                    await handover.hand_over(uow, to, case_ids, "")
        assert (await world.case(mine.id)).owner_id == id_of(ann)
        assert await world.told("handover.made") == []


@pytest.mark.feature("M135", "M214")
class TestTouches:
    @pytest.mark.parametrize("verb", ["take", "next", "decline", "snooze", "plan", "call", "message", "hand over"])
    async def test_are_the_new_verbs_of_a_person_too(self, world: World, verb: str) -> None:
        ann, bob = await named(world, "Ann"), await named(world, "Bob")
        case = await world.opened(order="ORD-1")
        if verb == "hand over":
            async with world.act("run:1") as uow:
                await commands.assign(uow, case.id, id_of(ann))
        verbs: dict[str, Any] = {
            "take": lambda uow: commands.take(uow, case.id),
            "next": commands.next_case,
            "decline": lambda uow: commands.decline(uow, case.id),
            "snooze": lambda uow: commands.snooze(uow, case.id, awaits="DHL"),
            "plan": lambda uow: commands.plan(uow, case.id, "x"),
            "call": lambda uow: commands.log_call(uow, case.id, who="other", direction="in", outcome="reached"),
            "message": lambda uow: messages.send_held(uow, Draft([case.id], "x", "y", "counterparty", [Addressee("desk@dhl.test")])),
            "hand over": lambda uow: handover.hand_over(uow, id_of(bob), [case.id], ""),
        }
        assert (await world.case(case.id)).touched is False
        async with world.act(ann) as uow:
            await verbs[verb](uow)
        assert (await world.case(case.id)).touched is True

    async def test_are_none_of_clocks_and_carriers(self, world: World) -> None:
        case = await world.opened(order="ORD-1", now=ago(hours=9))
        async with world.act("run:1") as uow:
            await commands.snooze(uow, case.id, awaits="DHL", until=hour())
            await commands.unsnooze(uow, case.id)
        await world.work_off()
        assert (await world.case(case.id)).touched is False
