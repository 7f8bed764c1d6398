"""The operator's hour: next, owned, acted; put aside, called, mentioned; nobody acts on what isn't so any more."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.cases import commands, handover, messages, presence, snoozing
from app.cases.commands.owning import OwnedByAnother, PersonNeeded, UnknownOwner
from app.cases.commands.speaking import CommentIsRead
from app.cases.mentions import MentionRefused, MentionUnclear
from app.cases.models import Case, CaseMention, CaseTalk
from app.cases.schemas import Snooze
from app.cases.snoozing import SnoozeInThePast, SnoozePastClock
from app.cases.telling import CaseChanged, ForTheWholeHouse
from app.core.errors import NotFound
from app.notifications.models import Notice
from tenants.models import User
from tests.integration.cases.test_queue import moved_by, shipped
from tests.integration.cases.world import World, ago


def id_of(actor: str) -> UUID:
    return UUID(actor.partition(":")[2])


async def named(world: World, name: str, role: str = "operator", *, customer: UUID | None = None) -> str:
    """A person with a name and an address to go by."""
    actor = await world.person(role, customer=customer)
    async with world.act() as uow:
        user = await uow.get(User, id_of(actor))
        user.name, user.email = name, f"{name.lower().replace(' ', '.')}@example.test"
        uow.publish("user.renamed", of=user)
    return actor


@pytest.mark.feature("M214")
class TestNextCase:
    async def test_gives_the_most_urgent_free_one_and_makes_it_mine(self, world: World) -> None:
        me, other = await world.person("operator"), await world.person("operator")
        calm, urgent, taken = [await world.opened(order=f"ORD-{n}", score=score) for n, score in enumerate((100, 800, 990))]
        async with world.act(other) as uow:
            await commands.take(uow, taken.id)
        got = []
        for _ in range(3):
            async with world.act(me) as uow:
                case = await commands.next_case(uow)
                got.append(case.id if case else None)
        assert got == [urgent.id, calm.id, None]
        assert (await world.case(urgent.id)).owner_id == id_of(me)

    async def test_never_gives_two_people_one_case(self, world: World) -> None:
        people = [await world.person("operator") for _ in range(8)]
        cases = {(await world.opened(order=f"ORD-{n}")).id for n in range(30)}

        async def work(actor: str) -> list[UUID]:
            got = []
            while True:
                async with world.act(actor) as uow:
                    case = await commands.next_case(uow)
                    if case is None:
                        return got
                    got.append(case.id)

        # Somebody who asks while the last free ones are held by others is told there is none; so all are asked until none is left.
        handed = [case for got in await asyncio.gather(*(work(actor) for actor in people * 2)) for case in got]
        handed += await work(people[0])
        assert len(handed) == len(set(handed))
        assert set(handed) == cases
        assert len(await world.told("case.assigned")) == 30

    async def test_passes_over_what_somebody_holds_and_what_rests(self, world: World) -> None:
        me = await world.person("operator")
        held, resting, free = [await world.opened(order=f"ORD-{n}", score=score) for n, score in enumerate((900, 800, 100))]
        async with world.act(me) as uow:
            await commands.snooze(uow, resting.id, awaits="DHL")
        async with world.act("run:1") as busy:
            await busy.get(Case, held.id, lock=True)
            async with world.act(me) as uow:
                case = await commands.next_case(uow)
            assert case is not None and case.id == free.id

    async def test_spares_who_gave_it_back_for_a_while_and_nobody_else(self, world: World) -> None:
        me, other = await world.person("operator"), await world.person("operator")
        case = await world.opened(order="ORD-1")
        async with world.act(me) as uow:
            await commands.next_case(uow)
            await commands.decline(uow, case.id, reason="I don't know this carrier.")
        async with world.act(me) as uow:
            assert await commands.next_case(uow) is None
        async with world.act(me, now=datetime.now(UTC) + timedelta(minutes=31)) as uow:
            assert (await commands.next_case(uow)) is not None
            await commands.decline(uow, case.id)
        async with world.act(other) as uow:
            assert (await commands.next_case(uow)) is not None
        with pytest.raises(OwnedByAnother):
            async with world.act(me) as uow:
                await commands.decline(uow, case.id)
        assert "operator gave it back: I don't know this carrier." in [entry.title for entry in await world.timeline_of(case.id)]

    async def test_is_for_who_serves_the_whole_house(self, world: World) -> None:
        me, case = await world.person("operator"), await world.opened(order="ORD-1")
        house: list[Callable[[Any], Awaitable[object]]] = [
            commands.next_case, lambda uow: commands.decline(uow, case.id), lambda uow: handover.draft(uow),
            lambda uow: commands.log_call(uow, case.id, who="other", direction="in", outcome="reached"),
            lambda uow: messages.prepare(uow, messages.Draft([case.id], "x", "y")),
        ]  # fmt: skip
        for verb in house:
            with pytest.raises(ForTheWholeHouse):
                async with world.act(me, customer=world.customer) as uow:
                    await verb(uow)
        async with world.act(me, customer=world.customer) as uow:
            await presence.mark(uow, case.id)
            await commands.take(uow, case.id)
            await commands.snooze(uow, case.id, awaits="DHL")
        assert (await world.case(case.id)).owner_id == id_of(me)

    async def test_is_for_people(self, world: World) -> None:
        await world.opened(order="ORD-1")
        for actor in ("run:1", "system:test"):
            with pytest.raises(PersonNeeded):
                async with world.act(actor) as uow:
                    await commands.next_case(uow)
        stranger = await world.person("customer_admin", customer=world.customer)
        with pytest.raises(UnknownOwner):
            async with world.act(stranger) as uow:
                await commands.next_case(uow)


@pytest.mark.feature("M208")
class TestTakeOver:
    async def test_out_of_anothers_hands_needs_a_reason(self, world: World) -> None:
        me, other, third = [await named(world, name) for name in ("Ann", "Bob", "Cid")]
        case = await world.opened(order="ORD-1")
        async with world.act(other) as uow:
            await commands.take(uow, case.id)
        for verb in (lambda uow: commands.take(uow, case.id), lambda uow: commands.assign(uow, case.id, id_of(third))):
            with pytest.raises(OwnedByAnother) as refused:
                async with world.act(me) as uow:
                    await verb(uow)
            assert refused.value.errors[0].remedy == "Bob works on it."
        async with world.act(me) as uow:
            await commands.take(uow, case.id, reason="Bob is ill.")
        assert (await world.case(case.id)).owner_id == id_of(me)
        assert (await world.timeline_of(case.id))[-1].title == "Ann owns it now: Bob is ill."

    async def test_from_nobody_or_oneself_or_by_a_workflow_does_not(self, world: World) -> None:
        me, other = await world.person("operator"), await world.person("operator")
        case = await world.opened(order="ORD-1")
        async with world.act(me) as uow:
            await commands.take(uow, case.id)
            await commands.assign(uow, case.id, id_of(other))
        async with world.act("run:1") as uow:
            await commands.assign(uow, case.id, None)
        assert (await world.case(case.id)).owner_id is None


@pytest.mark.feature("M214")
class TestSnooze:
    async def test_names_who_is_awaited_and_comes_back_in_time(self, world: World) -> None:
        me = await world.person("operator")
        case = await world.opened(order="ORD-1")
        until = datetime.now(UTC) + timedelta(seconds=1)
        async with world.act(me) as uow:
            await commands.snooze(uow, case.id, awaits="DHL's night desk", until=until)
        resting = await world.case(case.id)
        assert (resting.awaits, resting.snoozed_until, resting.snoozed_by) == ("DHL's night desk", until, me)
        async with world.act("system:clock", now=until - timedelta(milliseconds=1)) as uow:
            assert await commands.wake(uow, case.id) is False
        await asyncio.sleep(1.1)
        await world.work_off()
        back = await world.case(case.id)
        assert (back.snoozed_until, back.awaits) == (None, None)
        titles = [entry.title for entry in await world.timeline_of(case.id)]
        assert titles[-2:] == [
            f"Put aside until {until:%d %b %H:%M} UTC, waiting for DHL's night desk", "Back in the queue: waited long enough for DHL's night desk",
        ]  # fmt: skip

    async def test_never_outlasts_the_next_clock(self, world: World) -> None:
        case = await world.opened(order="ORD-1")
        async with world.look() as uow:
            latest = await snoozing.latest(uow, await uow.get(Case, case.id))
        assert latest - case.opened_at == timedelta(minutes=30)
        with pytest.raises(SnoozePastClock) as refused:
            async with world.act() as uow:
                await commands.snooze(uow, case.id, awaits="DHL", until=latest + timedelta(seconds=1))
        assert refused.value.latest == latest
        assert refused.value.extra == {"latest": latest.isoformat()}
        async with world.act() as uow:
            await commands.snooze(uow, case.id, awaits="DHL")
        assert (await world.case(case.id)).snoozed_until == latest

    async def test_ends_with_a_breach(self, world: World) -> None:
        case = await world.opened(order="ORD-1", now=ago(minutes=29, seconds=58))
        async with world.act() as uow:
            await commands.snooze(uow, case.id, awaits="DHL", event="carrier")
        await asyncio.sleep(2.1)
        await world.work_off()
        assert (await world.case(case.id)).snoozed_until is None

    async def test_is_cut_short_by_a_clock_that_starts_to_run_again(self, world: World) -> None:
        case = await world.opened(order="ORD-1")
        async with world.act("run:1") as uow:
            await commands.acknowledge(uow, case.id)
        await moved_by(world, case, "wait")
        async with world.act() as uow:
            await commands.snooze(uow, case.id, awaits="the customer", until=datetime.now(UTC) + timedelta(days=3))
        await moved_by(world, case, "answer")
        resting = await world.case(case.id)
        [resolution] = [clock for clock in await world.clocks(case.id) if clock.kind == "resolution"]
        assert resting.snoozed_until == resolution.due_at

    async def test_of_what_is_late_anyway_is_short(self, world: World) -> None:
        case = await world.opened(order="ORD-1", now=ago(hours=20))
        await world.work_off()
        async with world.act() as uow:
            assert await snoozing.latest(uow, await uow.get(Case, case.id)) == uow.now + timedelta(hours=4)
            with pytest.raises(SnoozeInThePast):
                await commands.snooze(uow, case.id, awaits="DHL", until=ago(seconds=1))

    async def test_ends_when_what_it_waits_for_happens(self, world: World) -> None:
        subjects = await shipped(world, "SHP-1", "DHL", "DE", "FR")
        case, another = await world.opened(order="ORD-1", subjects=subjects), await world.opened(order="ORD-2")
        async with world.act() as uow:
            for one in (case, another):
                await commands.snooze(uow, one.id, awaits="DHL", event="carrier")
        await world.work_off()
        assert (await world.case(case.id)).snoozed_until is not None
        await world.milestone("SHP-1", "departed")
        await world.work_off()
        assert (await world.case(case.id)).snoozed_until is None
        assert (await world.case(another.id)).snoozed_until is not None
        assert "Back in the queue: the carrier reported" in [entry.title for entry in await world.timeline_of(case.id)]

    async def test_does_not_end_by_ones_own_comment(self, world: World) -> None:
        me, other = await world.person("operator"), await world.person("operator")
        case = await world.opened(order="ORD-1")
        async with world.act(me) as uow:
            await commands.snooze(uow, case.id, awaits="a colleague", event="comment")
        async with world.act(me) as uow:
            await commands.comment(uow, case.id, "Any news?")
        await world.work_off()
        assert (await world.case(case.id)).snoozed_until is not None
        async with world.act(other) as uow:
            await commands.comment(uow, case.id, "Here it is.")
        await world.work_off()
        assert (await world.case(case.id)).snoozed_until is None

    async def test_is_over_with_the_case(self, world: World) -> None:
        case = await world.opened(order="ORD-1")
        async with world.act() as uow:
            await commands.snooze(uow, case.id, awaits="DHL")
            await commands.resolve(uow, case.id, outcome="x", cause="y", evidence_call_id=None, override_reason="z")
        assert (await world.case(case.id)).snoozed_until is None
        assert not await world.shell.boundary.dispatch("select 1 from core.work where tenant_id = $1 and kind = 'snooze'", world.tenant)


@pytest.mark.feature("M214")
class TestCallLog:
    async def test_is_one_act_with_what_comes_next(self, world: World) -> None:
        me = await named(world, "Ann")
        case = await world.opened(order="ORD-1")
        async with world.act(me) as uow:
            await commands.log_call(
                uow, case.id, who="carrier", direction="out", outcome="left_message", name="Maria", note="driver unknown",
                next_step="they call back", snooze=Snooze("Maria at DHL", datetime.now(UTC) + timedelta(minutes=10)),
            )  # fmt: skip
        after = await world.case(case.id)
        assert (after.next_step, after.awaits, after.touched) == ("they call back", "Maria at DHL", True)
        [talk] = await world.rows(CaseTalk, case_id=case.id)
        assert (talk.logged_by, talk.outcome) == (me, "left_message")
        called = [entry.title for entry in await world.timeline_of(case.id) if entry.type == "case.called"]
        assert called == ["Ann called Maria (the carrier) and left a message: driver unknown. Next: they call back"]
        assert "case.called" not in [entry.type for entry in await world.timeline_of(case.id, customer=world.customer)]

    async def test_notes_nothing_when_the_rest_is_refused(self, world: World) -> None:
        case = await world.opened(order="ORD-1")
        with pytest.raises(SnoozePastClock):
            async with world.act() as uow:
                await commands.log_call(
                    uow,
                    case.id,
                    who="other",
                    direction="in",
                    outcome="reached",
                    snooze=Snooze("them", datetime.now(UTC) + timedelta(days=1)),
                )
        assert await world.rows(CaseTalk) == []


@pytest.mark.feature("M214")
class TestMentions:
    async def test_reach_who_is_called_by_name_address_or_id(self, world: World) -> None:
        me, jane, bob, cid = [await named(world, name) for name in ("Ann Ash", "Jane Jay", "Bob Bee", "Cid Cox")]
        case = await world.opened(order="ORD-1")
        async with world.act(me) as uow:
            text = "@jane and @bob.bee@example.test, see @ 5pm; @nobody knows, mail me@example.test."
            row = await commands.comment(uow, case.id, text, mentions=[id_of(cid)])
        called = {mark.user_id for mark in await world.rows(CaseMention, comment_id=row.id)}
        assert called == {id_of(jane), id_of(bob), id_of(cid)}
        letters = await world.rows(Notice, template="mentioned")
        assert {letter.address for letter in letters} == {f"{name}@example.test" for name in ("jane.jay", "bob.bee", "cid.cox")}
        assert {letter.audience for letter in letters} == {"internal"}

    async def test_by_a_name_of_two_people_ask_which(self, world: World) -> None:
        for name in ("Jane Jay", "Jane Fox"):
            await named(world, name)
        case = await world.opened(order="ORD-1")
        with pytest.raises(MentionUnclear) as refused:
            async with world.act() as uow:
                await commands.comment(uow, case.id, "@jane, please.")
        assert "@jane.fox@example.test" in refused.value.errors[0].remedy

    async def test_never_call_the_customer_where_it_does_not_read(self, world: World) -> None:
        theirs = await named(world, "Carl Customer", "customer_user", customer=world.customer)
        case = await world.opened(order="ORD-1")
        for given in ({"text": "@carl.customer@example.test pays late"}, {"text": "see", "mentions": [id_of(theirs)]}):
            with pytest.raises(MentionRefused):
                async with world.act() as uow:
                    await commands.comment(uow, case.id, **given)  # type: ignore[arg-type]
        async with world.act() as uow:
            row = await commands.comment(uow, case.id, "@carl.customer@example.test, we are on it.", visible=True)
        assert [mark.user_id for mark in await world.rows(CaseMention, comment_id=row.id)] == [id_of(theirs)]
        assert [letter.audience for letter in await world.rows(Notice, template="mentioned")] == ["customer"]

    async def test_never_call_another_customers_person_or_one_who_may_see_no_case(self, world: World) -> None:
        other = await World.make(world.shell, world.tenant, slug="boreal")
        stranger = await named(world, "Sue Stranger", "customer_user", customer=other.customer)
        blind = await named(world, "Bea Blind", "no_such_role")
        case = await world.opened(order="ORD-1")
        for user in (stranger, blind):
            with pytest.raises(MentionRefused):
                async with world.act() as uow:
                    await commands.comment(uow, case.id, "see", visible=True, mentions=[id_of(user)])
        async with world.act() as uow:
            row = await commands.comment(uow, case.id, "@sue.stranger@example.test", visible=True)
        assert await world.rows(CaseMention, comment_id=row.id) == []

    async def test_cannot_be_kept_from_the_customer_by_who_works_in_its_scope_alone(self, world: World) -> None:
        """Somebody of the partner who serves one customer writes rows of that customer: a note they think inner would be read."""
        case, me = await world.opened(order="ORD-1"), await world.person("operator")
        with pytest.raises(CommentIsRead):
            async with world.act(me, customer=world.customer) as uow:
                await commands.comment(uow, case.id, "They always pay late.")
        async with world.act(me, customer=world.customer) as uow:
            row = await commands.comment(uow, case.id, "We are on it.", visible=True)
        assert row.customer_id == world.customer

    async def test_of_a_customer_are_words(self, world: World) -> None:
        await named(world, "Jane Jay")
        case = await world.opened(order="ORD-1")
        theirs = await world.person("customer_user", customer=world.customer)
        async with world.act(theirs, customer=world.customer) as uow:
            row = await commands.comment(uow, case.id, "@jane hurry up")
        assert await world.rows(CaseMention, comment_id=row.id) == []


Verb = Callable[[Any, UUID, int], Awaitable[object]]
VERBS: dict[str, Verb] = {
    "acknowledge": lambda uow, case, seen: commands.acknowledge(uow, case, expected=seen),
    "assign": lambda uow, case, seen: commands.assign(uow, case, None, expected=seen),
    "take": lambda uow, case, seen: commands.take(uow, case, expected=seen),
    "decline": lambda uow, case, seen: commands.decline(uow, case, expected=seen),
    "snooze": lambda uow, case, seen: commands.snooze(uow, case, awaits="DHL", expected=seen),
    "unsnooze": lambda uow, case, seen: commands.unsnooze(uow, case, expected=seen),
    "plan": lambda uow, case, seen: commands.plan(uow, case, "x", expected=seen),
    "comment": lambda uow, case, seen: commands.comment(uow, case, "x", expected=seen),
    "call": lambda uow, case, seen: commands.log_call(uow, case, who="other", direction="in", outcome="reached", expected=seen),
    "escalate": lambda uow, case, seen: commands.escalate(uow, case, "x", expected=seen),
    "resolve": lambda uow, case, seen: commands.resolve(
        uow, case, outcome="x", cause="y", evidence_call_id=None, override_reason="z", expected=seen
    ),
    "reopen": lambda uow, case, seen: commands.reopen(uow, case, "x", expected=seen),
}


@pytest.mark.feature("M208")
class TestStaleSubmit:
    async def test_of_any_verb_tells_what_changed_meanwhile_and_by_whom(self, world: World) -> None:
        me, other = await named(world, "Ann"), await named(world, "Bob")
        case = await world.opened(order="ORD-1")
        async with world.act(other) as uow:
            await commands.take(uow, case.id)
            await commands.plan(uow, case.id, "ask DHL")
        for verb in VERBS.values():
            with pytest.raises(CaseChanged) as refused:
                async with world.act(me) as uow:
                    await verb(uow, case.id, 1)
            assert (refused.value.version, refused.value.expected) == (3, 1)
            assert [(line.title, line.who) for line in refused.value.meanwhile] == [("Bob owns it now", "Bob"), ("Next: ask DHL", "Bob")]
        assert (await world.case(case.id)).version == 3

    @pytest.mark.parametrize("verb", sorted(set(VERBS) - {"assign", "unsnooze", "reopen"}))
    async def test_of_what_the_reader_saw_passes_and_moves_on(self, world: World, verb: str) -> None:
        me = await world.person("operator")
        case = await world.opened(order="ORD-1")
        async with world.act(me) as uow:
            await VERBS[verb](uow, case.id, 1)
        after = await world.case(case.id)
        said = [event for event in await world.told_of(case.id) if event.type.startswith("case.")]
        assert after.version == len(said) > 1
        assert said[-1].data["version"] == after.version


@pytest.mark.feature("M208")
class TestPresence:
    async def test_shows_who_else_is_on_a_case_for_a_while(self, world: World) -> None:
        me, other = await named(world, "Ann"), await named(world, "Bob")
        case, quiet = await world.opened(order="ORD-1"), await world.opened(order="ORD-2")
        for actor in (me, other):
            async with world.act(actor) as uow:
                await presence.mark(uow, case.id)
                await presence.mark(uow, case.id)
        assert await _on(world, me, case, quiet) == {case.id: ["Bob"]}
        assert await _on(world, me, case, after=46) == {}
        async with world.act(other) as uow:
            await presence.leave(uow, case.id)
        assert await _on(world, me, case) == {}
        assert await _on(world, other, case) == {case.id: ["Ann"]}
        assert (await world.case(case.id)).version == 1

    async def test_is_nobodys_business_outside(self, world: World, other_tenant: UUID) -> None:
        me = await world.person("operator")
        case = await world.opened(order="ORD-1")
        async with world.act(me) as uow:
            await presence.mark(uow, case.id)
        async with world.look(customer=world.customer) as uow:
            assert await presence.on(uow, [case.id]) == {}
        with pytest.raises(NotFound):
            async with world.shell.unit_of_work(other_tenant, actor=me) as uow:
                await presence.mark(uow, case.id)


async def _on(world: World, actor: str, *cases: Case, after: int = 0) -> dict[UUID, list[str]]:
    async with world.act(actor, now=datetime.now(UTC) + timedelta(seconds=after)) as uow:
        return {case: [person.name for person in people] for case, people in (await presence.on(uow, [case.id for case in cases])).items()}
