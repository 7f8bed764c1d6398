"""Figures equal what a hand counts in the log, open exactly their rows, and are a customer's own for a customer."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from sqlalchemy import select, text

from app.cases import commands as cases
from app.core.errors import Invalid, NotFound
from app.core.events import Event
from app.core.ids import new_id
from app.core.models import EventRow
from app.intelligence import commands, queries
from app.intelligence.filters import Filters, Place, of_the_last
from app.intelligence.kpis import KPIS
from app.intelligence.models import Act, CaseFact
from tests.conftest import make_tenant
from tests.integration.canonical.conftest import add_customer
from tests.integration.cases.world import World
from tests.integration.intelligence.story import NOW, TYPES, Story
from tests.integration.tenants.conftest import make_key

PERIOD = of_the_last(40, NOW + timedelta(days=1))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def told(shell):
    """The five weeks, once for all tests of this page, with everything delivered; nobody changes them."""
    world = await World.make(shell, await make_tenant(shell))
    story = Story(world, await add_customer(shell, world.tenant, "boreal"), seed=11)
    await story.tell(70)
    await world.work_off()
    return story


@pytest.fixture
def figure(told):
    """The figures of one question."""

    async def asked(name: str, *, by: Any = None, filters: Filters = PERIOD, customer: UUID | None = None) -> list[Any]:
        async with told.world.look(customer=customer) as uow:
            return (await queries.figures(uow, queries.kpi_named(uow, name), filters, by=by)).figures

    return asked


async def counted(database, tenant: UUID, query: str, *more: Any) -> list[Any]:
    """By hand: plain SQL over the log and the tables, past everything that figures are made with."""
    connection = await database.superuser()
    try:
        return await connection.fetch(query, tenant, *more)
    finally:
        await connection.close()


BY_HAND = """
select o.opened, o.customer_id::text as customer, o.type, coalesce(c.owner_id::text, 'none') as owner,
  to_char(date_trunc('week', o.opened at time zone 'America/New_York'), 'YYYY-MM-DD') as week, count(e.id) as touches
from (select key, customer_id, (envelope ->> 'occurred_at')::timestamptz as opened, envelope #>> '{data,exception,type}' as type
      from core.event where tenant_id = $1 and type = 'case.opened') o
join cases."case" c on c.tenant_id = $1 and 'case:' || c.id = o.key
left join core.event e on e.tenant_id = $1 and e.key = o.key and e.envelope ->> 'actor' ~ '^(user|key|link):'
  and e.type not in ('case.opened', 'case.grouped', 'case.reprioritised', 'case.waiting', 'case.continued', 'case.moved', 'deviation.recorded')
group by 1, 2, 3, 4, 5, o.key"""


class TestManualInterventions:
    pytestmark = pytest.mark.feature("M135")

    async def test_equal_a_hand_count_of_the_log(self, database, told, figure):
        log = await counted(database, told.world.tenant, BY_HAND)
        touches, opened = sum(row["touches"] for row in log), len(log)
        assert touches > 40
        (one,) = await figure("interventions")
        assert (one.count, one.of, one.value) == (touches, opened, round(touches * 100 / opened, 2))
        (average,) = await figure("touches")
        assert (average.value, average.count) == (round(touches / opened, 2), opened)

    @pytest.mark.parametrize("by", ["customer", "type", "owner", "week"])
    async def test_equal_it_by_group_too(self, database, told, figure, by):
        log = await counted(database, told.world.tenant, BY_HAND)
        touches, opened = Counter[str](), Counter[str]()
        for row in log:
            touches[row[by]] += row["touches"]
            opened[row[by]] += 1
        zoned = Filters(PERIOD.since - timedelta(days=1), PERIOD.until, "America/New_York")
        found = {one.group: (one.count, one.of) for one in await figure("interventions", by=by, filters=zoned)}
        assert found == {group: (touches[group], opened[group]) for group in opened}
        assert len(found) > 1

    async def test_are_as_many_as_what_a_person_did_and_no_more(self, shell, tenant):
        world = await World.make(shell, tenant)
        person, case = await world.person("operator"), await world.opened()
        async with world.act(person) as uow:
            await cases.acknowledge(uow, case.id)
            await cases.acknowledge(uow, case.id)
        async with world.act(person) as uow:
            await cases.resolve(uow, case.id, outcome="fixed", cause="late", evidence_call_id=None, override_reason="phone")
        await world.work_off()
        async with world.look() as uow:
            (one,) = (await queries.figures(uow, KPIS["interventions"], PERIOD)).figures
            assert (one.count, one.of) == (2, 1)
            assert {row.at for row in (await queries.rows(uow, KPIS["interventions"], PERIOD, Place())).items} == {case.opened_at}

    async def test_agree_with_what_the_case_says_of_itself(self, database, told):
        rows = await counted(
            database, told.world.tenant,
            'select c.touched, f.touches from cases."case" c join intelligence.case_fact f using (tenant_id, id) where c.tenant_id = $1',
        )  # fmt: skip
        assert len(rows) >= 70 and all(row["touched"] == (row["touches"] > 0) for row in rows)


class TestAutomation:
    pytestmark = pytest.mark.feature("M134")

    async def test_succeeded_where_nobody_touched_a_case_and_it_stayed_closed(self, database, told, figure):
        """Counted again by walking each case's events in order."""
        tenant, week = told.world.tenant, timedelta(days=7)
        async with told.world.look() as uow:
            rows = (await uow.execute(select(EventRow).where(EventRow.type.like("case.%")).order_by(EventRow.id))).scalars().all()
            events = [Event.read(tenant, row.recorded_at, row.envelope) for row in rows]
            now = uow.now
        histories: dict[str, list[Event]] = {}
        for event in events:
            histories.setdefault(event.key or "", []).append(event)
        followed = {f"case:{e.data['previous_id']}": e.occurred_at for e in events if e.type == "case.opened" and e.data.get("previous_id")}
        parts = Counter[str]()
        for key, history in histories.items():
            end = next((e for e in history if e.type == "case.resolved"), None)
            passive = ("case.opened", "case.reprioritised", "case.moved")
            hands = [e for e in history if e.actor.split(":")[0] in ("user", "key", "link") and e.type not in passive]
            back = [e.occurred_at for e in history if e.type == "case.reopened"] + [at for k, at in followed.items() if k == key]
            if end is None:
                parts["by_hand" if hands else "open"] += 1
            elif any(e.id <= end.id for e in hands):
                parts["by_hand"] += 1
            elif any(at <= end.occurred_at + week for at in back):
                parts["came_back"] += 1
            else:
                parts["pending" if end.occurred_at > now - week else "alone"] += 1
        (one,) = await figure("automation_rate")
        assert {part.name: part.count for part in one.parts if part.count} == dict(parts)
        decided = sum(parts.values()) - parts["pending"]
        assert (one.count, one.of, one.value) == (parts["alone"], decided, round(parts["alone"] * 100 / decided, 2))
        assert set(parts) == {"alone", "by_hand", "came_back", "open", "pending"}

    async def test_has_no_rate_where_nothing_is_decided(self, shell, tenant):
        async with shell.read(tenant) as uow:
            (one,) = (await queries.figures(uow, KPIS["automation_rate"], PERIOD)).figures
        assert (one.value, one.count, one.of) == (None, 0, 0)


class TestAging:
    pytestmark = pytest.mark.feature("M132", "M40")

    async def test_counts_every_unfinished_case_in_one_bucket_of_its_age(self, database, told, figure):
        rows = await counted(
            database, told.world.tenant, "select opened_at, customer_id::text as customer, coalesce(owner_id::text, 'none') as owner from cases.\"case\" where tenant_id = $1 and status <> 'resolved'"
        )  # fmt: skip
        (one,) = await figure("exceptions_open")
        assert one.value == one.count == len(rows) > 10
        hours = [(datetime.now(UTC) - row["opened_at"]).total_seconds() / 3600 for row in rows]
        bounds = {
            "under_1_hour": (0, 1),
            "under_4_hours": (1, 4),
            "under_1_day": (4, 24),
            "under_3_days": (24, 72),
            "under_7_days": (72, 168),
            "older": (168, 9e9),
        }
        assert {part.name: part.count for part in one.parts} == {
            name: sum(low <= h < high for h in hours) for name, (low, high) in bounds.items()
        }
        for by in ("customer", "owner"):
            assert {f.group: f.count for f in await figure("exceptions_open", by=by)} == Counter(row[by] for row in rows)

    async def test_is_not_narrowed_to_the_period(self, figure):
        (all_of_it,), (today,) = await figure("exceptions_open"), await figure("exceptions_open", filters=of_the_last(1, NOW))
        assert all_of_it.count == today.count


class TestFirstResponse:
    pytestmark = pytest.mark.feature("M133")

    async def test_runs_from_the_event_itself_to_the_first_act_of_each_hand(self, shell, tenant):
        world = await World.make(shell, tenant)
        happened, opened = NOW - timedelta(hours=5), NOW - timedelta(hours=4)
        async with world.act(now=opened) as uow:
            signal = uow.publish("order.cutoff_missed", occurred_at=happened, customer_id=world.customer)
        case = await world.opened(now=opened, event_id=str(signal.id))
        await world.opened(now=opened, order="ORD-2")
        person = await world.person("operator")
        for actor, minutes in (("system:clock", 1), (f"run:{new_id()}", 7), (f"key:{new_id()}", 15), (person, 30), (person, 90)):
            async with world.act(actor, now=opened + timedelta(minutes=minutes)) as uow:
                await cases.comment(uow, case.id, "So it is.")
        await world.work_off()
        async with world.look() as uow:
            by_person, by_run = (await queries.figures(uow, KPIS["first_response"], PERIOD)).figures
        assert (by_person.split, by_person.value, by_person.count) == ("person", 90, 1)
        assert (by_run.split, by_run.value, by_run.p90) == ("automation", 67, 67)
        assert {part.name: part.count for part in by_person.parts} == {"answered": 1, "waiting": 1, "closed": 0}

    async def test_is_the_median_of_what_each_case_waited(self, database, told, figure):
        rows = await counted(
            database, told.world.tenant,
            """select extract(epoch from min((e.envelope ->> 'occurred_at')::timestamptz) - c.opened_at)::bigint / 60 as minutes
               from cases."case" c join core.event e on e.tenant_id = c.tenant_id and e.key = 'case:' || c.id and e.envelope ->> 'actor' like 'user:%'
               where c.tenant_id = $1 group by c.id, c.opened_at order by 1""",
        )  # fmt: skip
        waited = [row["minutes"] for row in rows]
        person = (await figure("first_response"))[0]
        assert person.count == len(waited) > 10
        assert person.value == waited[(len(waited) + 1) // 2 - 1]


class TestNotices:
    pytestmark = pytest.mark.feature("M136")

    async def test_are_in_time_before_the_promise_is_over(self, shell, tenant, database):
        world = await World.make(shell, tenant)
        opened = NOW - timedelta(hours=6)
        told: dict[str, tuple[float | None, float | None]] = {
            "in_time": (2, 3), "late": (5, 3), "not_told": (None, 3), "no_promise": (1, None), "quiet": (None, None),
        }  # fmt: skip
        for number, (after, promised) in enumerate(told.values()):
            order = await world.order(f"ORD-{number}")
            if promised is not None:
                await _promise(database, world, order, opened + timedelta(hours=promised), opened)
            case = await world.opened(now=opened, order=f"ORD-{number}", subjects={"order": str(order)})
            if after is not None:
                await _delivered(database, world, case.id, opened + timedelta(hours=after))
                await _delivered(database, world, case.id, opened + timedelta(hours=after + 0.5))
                async with world.act("system:notice") as uow:
                    uow.publish("notice.delivered", customer_id=world.customer, data={"case_id": case.id})
        await world.work_off()
        async with world.look() as uow:
            (one,) = (await queries.figures(uow, KPIS["notice_timeliness"], PERIOD)).figures
        assert {part.name: part.count for part in one.parts} == dict.fromkeys(told, 1)
        assert (one.value, one.count, one.of, one.median) == (33.33, 1, 3, 120)


class TestServiceLevels:
    pytestmark = pytest.mark.feature("M137")

    async def test_are_kept_missed_or_still_running(self, database, told, figure):
        rows = await counted(
            database, told.world.tenant,
            """select kind, customer_id::text as customer, count(*) filter (where stopped_at <= due_at and breached_at is null) as met,
                 count(*) filter (where coalesce(stopped_at, clock_timestamp()) > due_at or breached_at is not null) as missed, count(*) as all
               from cases.case_clock where tenant_id = $1 group by 1, 2""",
        )  # fmt: skip
        by_customer = {(one.group, one.split): one for one in await figure("sla_adherence", by="customer")}
        assert len(by_customer) == len(rows) == 4
        for row in rows:
            one = by_customer[row["customer"], row["kind"]]
            assert (one.count, one.of) == (row["met"], row["met"] + row["missed"])
            assert sum(part.count for part in one.parts) == row["all"]
        whole = {one.split: one.count for one in await figure("sla_adherence")}
        assert whole == {kind: sum(row["met"] for row in rows if row["kind"] == kind) for kind in ("first_response", "resolution")}


class TestEveryFigure:
    pytestmark = pytest.mark.feature("M132", "M133", "M134", "M135", "M136", "M137")

    @pytest.mark.parametrize("by", [None, "customer", "type", "owner", "week"])
    @pytest.mark.parametrize("name", sorted(KPIS))
    async def test_opens_exactly_its_rows(self, told, name, by):
        zoned = Filters(PERIOD.since, PERIOD.until, "Asia/Kolkata")
        async with told.world.look() as uow:
            for one in (await queries.figures(uow, KPIS[name], zoned, by=by)).figures:
                asked = [(one.rows, one.count), *((part.rows, part.count) for part in one.parts)]
                for query, count in asked if by is None else asked[:2]:
                    found = await _all_rows(uow, KPIS[name], query)
                    assert len(found) == count == len(set(found)), (one, query)

    @pytest.mark.parametrize("name", sorted(name for name, kpi in KPIS.items() if kpi.dated))
    async def test_of_the_whole_is_the_same_counted_alone_or_from_its_weeks(self, told, name):
        zoned = Filters(PERIOD.since, PERIOD.until, "America/New_York")
        async with told.world.look() as uow:
            whole, weeks = await queries.with_weeks(uow, KPIS[name], zoned)
            assert whole == await queries.figures(uow, KPIS[name], zoned)
            alone = await queries.figures(uow, KPIS[name], zoned, by="week")
        assert [(f.group, f.split, f.value, f.count, f.of, f.rows) for f in weeks.figures] == [
            (f.group, f.split, f.value, f.count, f.of, f.rows) for f in alone.figures
        ]
        assert len({f.group for f in weeks.figures}) >= 5

    async def test_is_narrowed_by_customer_type_and_period(self, told, figure):
        customer, week = told.customers[1], Filters(NOW.date() - timedelta(days=14), NOW.date() - timedelta(days=8), "Europe/Berlin")
        for filters in (Filters(PERIOD.since, PERIOD.until, customer=customer), Filters(PERIOD.since, PERIOD.until, type=TYPES[0]), week):
            (one,) = await figure("touches", filters=filters)
            async with told.world.look() as uow:
                facts = (await uow.execute(select(CaseFact))).scalars().all()
            first, last = filters.bounds
            assert first.tzinfo == ZoneInfo(filters.zone)
            wanted = [
                fact for fact in facts
                if first <= fact.opened_at < last and filters.customer in (None, fact.customer_id) and filters.type in (None, fact.exception_type)
            ]  # fmt: skip
            assert one.count == len(wanted) > 0

    async def test_of_a_customer_is_of_its_own_cases(self, told, figure):
        for customer in told.customers:
            mine = await figure("first_response", customer=customer)
            picked = await figure("first_response", filters=Filters(PERIOD.since, PERIOD.until, customer=customer))
            assert [(one.split, one.value, one.count, one.of) for one in mine] == [
                (one.split, one.value, one.count, one.of) for one in picked
            ]
            assert mine[0].of > 0
        foreign = Filters(PERIOD.since, PERIOD.until, customer=told.customers[0])
        assert [one.count for one in await figure("first_response", filters=foreign, customer=told.customers[1])] == [0, 0]

    @pytest.mark.parametrize("name", ["touches", "interventions", "automation_rate"])
    async def test_of_the_partners_own_work_is_not_for_customers(self, told, figure, name):
        with pytest.raises(NotFound):
            await figure(name, customer=told.customers[0])
        async with told.world.look(customer=told.customers[0]) as uow:
            shown = await queries.report(uow, PERIOD)
            assert {kpi.name for kpi in shown.kpis} == {"exceptions_open", "first_response", "notice_timeliness", "sla_adherence"}
            assert not await uow.session.scalar(text("select has_table_privilege('intelligence.act', 'select')"))

    async def test_refuses_what_it_can_not_show(self, figure):
        for wrong in (
            Filters(NOW.date(), NOW.date() - timedelta(days=1)),
            Filters(NOW.date() - timedelta(days=400), NOW.date()),
            Filters(NOW.date(), NOW.date(), "Mars/Olympus"),
        ):
            with pytest.raises(Invalid):
                await figure("touches", filters=wrong)


async def _all_rows(uow: Any, kpi: Any, query: str) -> list[Any]:
    """Every page of the rows a query string opens, read as the interface reads it."""
    given: dict[str, Any] = dict(parse_qsl(query))
    filters = Filters(
        datetime.fromisoformat(given["since"]).date(), datetime.fromisoformat(given["until"]).date(), given["zone"],
        UUID(given["customer"]) if given.get("customer") else None, given.get("type"),
    )  # fmt: skip
    place, by = queries.place_of(kpi, owner=given.get("owner"), week=given.get("week"), split=given.get("split"), part=given.get("part"))
    found, cursor = [], None
    while True:
        page = await queries.rows(uow, kpi, filters, place, by=by, cursor=cursor, limit=7)
        found += [(row.id, row.split) for row in page.items]
        cursor = page.next
        if cursor is None:
            return found


async def _promise(database: Any, world: World, order: UUID, due: datetime, made: datetime) -> None:
    connection = await database.superuser()
    try:
        await connection.execute(
            """insert into canonical.promise (tenant_id, id, customer_id, order_id, name, milestone, due_at, grace_minutes, status, said_at, created_at, version)
               values ($1, $2, $3, $4, 'deliver', 'delivered', $5, 0, 'open', $6, $6, 1)""", world.tenant, new_id(), world.customer, order, due, made,
        )  # fmt: skip
    finally:
        await connection.close()


async def _delivered(database: Any, world: World, case: UUID, at: datetime) -> None:
    """A message to the customer that its mail server took."""
    connection = await database.superuser()
    try:
        await connection.execute(
            """insert into notifications.notice (tenant_id, id, customer_id, about_customer_id, case_id, key, channel, audience, template, address, address_key, context, status, queued_at, settled_at)
               values ($1, $2, $3, $3, $4, $5, 'email', 'customer', 'x', 'a@example.test', 'a@example.test', '{}', 'delivered', $6, $6)""",
            world.tenant, new_id(), world.customer, case, str(new_id()), at,
        )  # fmt: skip
    finally:
        await connection.close()


class TestFacts:
    pytestmark = pytest.mark.feature("M134", "M135")

    async def test_made_anew_from_the_log_are_the_same(self, told, shell):
        async def everything(uow: Any) -> list[Any]:
            found = []
            for model in (Act, CaseFact):
                rows = (await uow.execute(select(model).order_by(model.id))).scalars().all()
                found += [{c.name: getattr(row, c.name) for c in model.__table__.columns} for row in rows]
                uow.session.expunge_all()
            return found

        async with told.world.act() as uow:
            before = await everything(uow)
            await commands.rebuild(uow)
            assert await everything(uow) == before and len(before) > 140

    async def test_count_an_event_once_however_often_and_in_whatever_order_it_comes(self, told):
        async with told.world.act() as uow:
            before = {row.id: row.touches for row in (await uow.execute(select(CaseFact.id, CaseFact.touches))).all()}
            rows = (await uow.execute(select(EventRow).order_by(EventRow.id.desc()).limit(200))).scalars().all()
            await commands.fold(uow, [Event.read(row.tenant_id, row.recorded_at, row.envelope) for row in rows])
            assert {row.id: row.touches for row in (await uow.execute(select(CaseFact.id, CaseFact.touches))).all()} == before


class TestOverHttp:
    pytestmark = pytest.mark.feature("M137")

    async def test_figures_and_their_rows_are_answered(self, shell, told, client):
        _, key = await make_key(shell, told.world.tenant, roles=["operator"])
        headers = {"authorization": f"Bearer {key.text}"}
        answer = await client.get("/v1/kpis", params={"since": str(PERIOD.since), "until": str(PERIOD.until)}, headers=headers)
        assert answer.status_code == 200, answer.text
        shown = {kpi["name"]: kpi for kpi in answer.json()["kpis"]}
        assert set(shown) == set(KPIS)
        late = shown["sla_adherence"]["figures"][0]["parts"][1]
        listed = await client.get(f"/v1/kpis/sla_adherence/rows?{late['rows']}&limit=100", headers=headers)
        assert listed.status_code == 200, listed.text
        assert len(listed.json()["items"]) == late["count"] > 0
        assert listed.json()["items"][0]["case"].startswith("Order ORD-")
        by_week = await client.get("/v1/kpis/touches", params={"by": "week", "zone": "Europe/Berlin"}, headers=headers)
        assert [f["group"] for f in by_week.json()["figures"]] == sorted(f["group"] for f in by_week.json()["figures"])

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/v1/kpis?zone=Mars/Olympus", 400), ("/v1/kpis?since=2026-02-01&until=2026-01-01", 400), ("/v1/kpis/unknown", 404),
            ("/v1/kpis/touches/rows?part=unknown", 400), ("/v1/kpis/touches/rows?split=person", 400), ("/v1/kpis/touches/rows?cursor=xx", 400),
            ("/v1/kpis/touches/rows?owner=none&week=2026-01-05", 400), ("/v1/kpis/touches?by=moon", 400), ("/v1/kpis/touches/rows?week=2026-99-99", 400),
        ],
    )  # fmt: skip
    async def test_what_can_not_be_shown_is_refused(self, shell, told, client, path, status):
        _, key = await make_key(shell, told.world.tenant, roles=["analyst"])
        answer = await client.get(path, headers={"authorization": f"Bearer {key.text}"})
        assert answer.status_code == status, answer.text
