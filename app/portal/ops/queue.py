"""The queue: cases by how urgent they are, in an order that stands still while one works on it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal, cast, get_args
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from litestar import Response

from app.cases import cockpit, commands, queries
from app.cases.board import Sort, Tab
from app.cases.queries import Filters
from app.cases.schemas import Reason
from app.core.errors import Invalid
from app.core.uow import UnitOfWork
from app.portal import queries as kept
from app.portal.forms import Form
from app.portal.ops import sheet
from app.portal.ops.wording import Wording
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen, is_local, url
from tenants import names as called

SHOWN = 50
MOST_TICKED = 200
LONGEST_CHOICE = 20
LONGEST_NAME = 32
SINCE: Final[Mapping[str, tuple[str, timedelta]]] = {
    "hour": ("the last hour", timedelta(hours=1)), "day": ("the last day", timedelta(days=1)), "week": ("the last 7 days", timedelta(days=7)),
    "month": ("the last 30 days", timedelta(days=30)),
}  # fmt: skip
_NARROWING = ("type", "customer", "carrier", "priority", "owner", "lane", "since")


class NothingTicked(Invalid):
    """Tick the cases this is for first."""

    status = 422


class Asked(msgspec.Struct, frozen=True):
    """What a queue's address asks for: tab, filters, order and place. `params` are what its links keep."""

    tab: Tab
    filters: Filters
    sort: Sort | None
    cursor: str | None
    params: dict[str, str]

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter is set."""
        return any(name in self.params for name in _NARROWING)

    @property
    def address(self) -> str:
        """The address of this list from its beginning."""
        return url("/ops", **self.params)


def asked(screen: Screen, query: str) -> Asked:
    """Read a queue's address; what can't be read narrows nothing."""
    given = {name: values[-1].strip() for name, values in parse_qs(query).items() if values[-1].strip()}
    tab = cast(Tab, given["tab"]) if given.get("tab") in get_args(Tab) else "queue"
    sort = cast(Sort, given["sort"]) if given.get("sort") in get_args(Sort) and tab != "resolved" else None
    origin, _, destination = given.get("lane", "").partition("-")
    owner: Any = "none" if given.get("owner") == "none" else _uuid(given.get("owner"))
    filters = Filters(
        type=given.get("type"), customer=_uuid(given.get("customer")), carrier=given.get("carrier"),
        priority=given["priority"] if given.get("priority") in ("P1", "P2", "P3", "P4") else None, owner=owner,
        origin=_country(origin), destination=_country(destination), since=screen.now - SINCE[given["since"]][1] if given.get("since") in SINCE else None,
    )  # fmt: skip
    params = {name: given[name] for name in ("tab", *_NARROWING, "sort") if name in given}
    return Asked(tab, filters, sort, given.get("cursor"), params)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _country(text: str) -> str | None:
    return text if len(text) == 2 and text.isalpha() else None


@page_get("/ops", area="ops", permission="cases.read")
async def show_queue(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """The queue with its tabs and filters; it holds its order until it is loaded again."""
    return await _queue(screen, uow, screen.query)


async def _queue(screen: Screen, uow: UnitOfWork, query: str, form: Form | None = None) -> Response[str]:
    wanted = asked(screen, query)
    page = await queries.board(uow, wanted.filters, tab=wanted.tab, sort=wanted.sort, cursor=wanted.cursor, limit=SHOWN)
    counts = await queries.tabs(uow, wanted.filters)
    known = await queries.facets(uow, None, tab=wanted.tab)
    w = Wording(screen)
    given = parse_qs(query)
    return screen.show(
        "ops/queue.html", form=form, asked=wanted, page=page, counts=counts, choices=_choices(known.counts, known.names, wanted, w), w=w,
        views=await kept.views(uow, screen.reader.principal, "/ops"),
        since=SINCE, tabs=_tabs(wanted, counts), all_ticked="all" in given.get("tick", ()), ticked=set(form.values("c")) if form else set(), none_free="next" in given.get("none", ()),
    )  # fmt: skip


def _tabs(wanted: Asked, counts: Mapping[Tab, Any]) -> list[tuple[str, str, str, bool]]:
    """The tabs: address, word, count, whether it is this one. Filters go along, the order of one list doesn't."""
    kept_along = {name: value for name, value in wanted.params.items() if name not in ("tab", "sort")}
    return [
        (url("/ops", tab="" if tab == "queue" else tab, **kept_along), tab.capitalize(), str(counts[tab]), tab == wanted.tab)
        for tab in get_args(Tab)
    ]


def _choices(
    counts: Mapping[str, Mapping[str, int]], names: Mapping[str, str], wanted: Asked, w: Wording
) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """The filters: name, label, and their values with how many cases have them, the most frequent first."""
    said: dict[str, Callable[[str], str]] = {
        "type": w.exception, "customer": lambda value: names.get(value, "unknown"), "carrier": str, "priority": str,
        "owner": lambda value: "nobody" if value == "none" else names.get(value, "unknown"),
        "lane": lambda value: value.replace("-", " → ").replace("?", "unknown"),
    }  # fmt: skip
    made = []
    for name, words in said.items():
        found = {value: number for value, number in counts.get(name, {}).items() if value != "none" or name == "owner"}
        ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:LONGEST_CHOICE]
        ordered = sorted(found) if name == "priority" else [value for value, _ in ranked]
        chosen = wanted.params.get(name)
        if chosen and chosen not in ordered:
            ordered.append(chosen)
        made.append((name, name.capitalize(), [(value, f"{words(value)[:LONGEST_NAME]} ({found.get(value, 0)})") for value in ordered]))
    return made


@page_get("/ops/newer", area="ops", permission="cases.read")
async def newer(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """How many more urgent cases there are since the page was read: a piece the page asks for."""
    wanted = asked(screen, screen.query)
    as_of = parse_qs(screen.query).get("as_of", [""])[-1]
    if not as_of:
        return Response("", status_code=204)
    count = await queries.newer_than(uow, as_of, wanted.filters, tab=wanted.tab)
    return screen.fragment("ops/newer.html", count=count, address=wanted.address)


@page_get("/ops/keys", area="ops", permission="cases.read")
async def show_keys(screen: Screen) -> Response[str]:
    """Every key of the control tower on one page."""
    return screen.show("ops/keys.html")


@page_post("/ops/next", area="ops", permission="cases.work")
async def next_case(screen: Screen, form: Form) -> Response[str]:
    """Take the most urgent case nobody has, and open it."""

    async def change(uow: UnitOfWork) -> UUID | None:
        case = await commands.next_case(uow)
        return case.id if case else None

    return await screen.change(
        change, form, then=lambda found: f"/ops/cases/{found}?done=next_given" if found else "/ops?none=next",
        again=lambda uow, wrong: _queue(screen, uow, "", wrong),
    )  # fmt: skip


class Bulk(msgspec.Struct, kw_only=True):
    """What to do with the ticked cases, and the list they were ticked on."""

    do: Literal["ack", "give", "message", "export"]
    c: list[UUID] = []
    back: str = ""


@page_post("/ops/bulk", area="ops", permission="cases.work")
async def bulk(screen: Screen, form: Form) -> Response[Any]:
    """Acknowledge the ticked cases, or go on with them: give them away, write about them, take them home as a file."""
    given = form.read(Bulk)
    query = given.back.partition("?")[2] if is_local(given.back) else ""

    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        return await _queue(screen, uow, query, wrong)

    async def change(uow: UnitOfWork) -> None:
        for case_id in _ticked(given):
            await commands.acknowledge(uow, case_id)

    if given.do == "ack":
        return await screen.change(change, form, then=f"/ops?{query}" if query else "/ops", done="acknowledged", again=again)
    try:
        ids = _ticked(given)
    except Invalid as fault:
        return await screen.again(again, form.refused(fault), fault.status)
    if given.do == "export":
        return await _file(screen, ids)
    return screen.go(("/ops/messages/new?" if given.do == "message" else "/ops/give?") + "&".join(f"case={case_id}" for case_id in ids))


async def _file(screen: Screen, ids: Sequence[UUID]) -> Response[Any]:
    async with screen.read() as uow:
        content = sheet.of(await cockpit.lines(uow, ids), screen)
    return Response(
        content, media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="cases.csv"', "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )  # fmt: skip


class Away(msgspec.Struct, kw_only=True):
    """Whose the chosen cases are from now on, and why; nobody's without a name."""

    c: list[UUID]
    to: UUID | None = None
    reason: Reason | None = None


@page_get("/ops/give", area="ops", permission="cases.work")
async def show_give(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """Who gets the chosen cases (`case=` for each)."""
    return await _give(screen, uow, Form([("c", value) for value in parse_qs(screen.query).get("case", [])[:MOST_TICKED]]))


async def _give(screen: Screen, uow: UnitOfWork, form: Form) -> Response[str]:
    lines = await cockpit.lines(uow, [found for text in form.values("c") if (found := _uuid(text))])
    choices = [(str(person.id), person.name) for person in await called.colleagues(uow)]
    return screen.show("ops/give.html", lines=lines, choices=choices, form=form, w=Wording(screen))


@page_post("/ops/give", area="ops", permission="cases.work")
async def give(screen: Screen, form: Form) -> Response[str]:
    """Give the chosen cases to a colleague or to nobody, all or none."""

    async def change(uow: UnitOfWork) -> None:
        given = form.read(Away)
        # In the order of their ids: two people who give out the same cases never wait for each other in a circle.
        for case_id in sorted(set(given.c)):
            await commands.assign(uow, case_id, given.to, reason=given.reason)

    return await screen.change(change, form, then="/ops", done="cases_given", again=lambda uow, wrong: _give(screen, uow, wrong))


def _ticked(given: Bulk) -> Sequence[UUID]:
    if not given.c:
        raise NothingTicked()
    return sorted(set(given.c))[:MOST_TICKED]


ROUTES: list[Any] = [show_queue, newer, show_keys, next_case, bulk, show_give, give]
