"""Signals and what is parked: every message as it came, what became of it, why something waits for a person, and trying again."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response
from litestar.params import Parameter

from app.cases import queries as cases
from app.core.errors import FieldError, Invalid
from app.core.events import Event
from app.core.parked import parked_work, retry_parked_work
from app.core.recent import events as events_of
from app.core.recent import history
from app.core.uow import UnitOfWork
from app.ingest import queries
from app.ingest.commands import mappings
from app.ingest.commands.attribution import WantedRule, add_rule
from app.ingest.commands.replay import replay_parked, replay_signal
from app.ingest.decode import Item
from app.ingest.schemas import Reason, ReplayMany, Tried
from app.portal.admin.choices import customer_of, offered
from app.portal.admin.showing import spoken, told
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from tenants.names import actor_names, customer_names

SHOWN = 50
LIST, PARKED = "/admin/signals", "/admin/parked"
SignalStatus = Literal["accepted", "mapped", "parked"]
Cursor = Annotated[str | None, Parameter(max_length=400)]
Word = Annotated[str | None, Parameter(max_length=100)]
MOST_BYTES = 8_000
SAID = {
    "signal.accepted": "Accepted and stored, exactly as it came", "signal.mapped": "Understood", "signal.parked": "Parked: it needs a person",
    "signal.replayed": "Asked to be tried again",
}  # fmt: skip
KINDS = {
    "signal": ("Reading a signal", f"{LIST}/"), "call": ("Finding out what became of a call", "/admin/calls/"),
    "run": ("Going on with a run", "/ops/runs/"), "notice": ("Sending a message", ""), "sla": ("Watching a case's clock", "/ops/cases/"),
    "deliver": ("Telling the rest of the house what happened", ""), "decide": ("Deciding on a missed promise", ""),
}  # fmt: skip


class NobodyChosen(Invalid):
    """Say which customer it belongs to."""

    status = 422

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("/customer", "is needed", "Choose one of the list.")])


class Attribute(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Whose a parked item is: the condition that says so from now on, and whether it holds for its source only."""

    when: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
    only_source: bool = False


@page_get(LIST, area="admin", permission="signals.read")
async def list_signals(
    screen: Screen, uow: UnitOfWork, source: Word = None, status: Word = None, since: Word = None, until: Word = None, cursor: Cursor = None
) -> Response[str]:
    """Signals, the newest first, narrowed by source, by what became of them and by when they came."""
    wanted = status if status in get_args(SignalStatus) else None
    zone = ZoneInfo(screen.zone)
    first, last = _midnight(since, zone), _midnight(until, zone)
    found = await queries.receipts(
        uow, source=source or None, status=wanted, cursor=cursor, limit=SHOWN, since=first, until=last + timedelta(days=1) if last else None
    )
    return screen.show(
        "admin/signals.html", found=found, sources=await queries.sources(uow), source=source or "", wanted=wanted, since=since or "", until=until or "",
        cursor=cursor, parked=sum((await queries.parked_counts(uow)).values()),
    )  # fmt: skip


def _midnight(day: str | None, zone: ZoneInfo) -> datetime | None:
    """When a day begins for the reader; nothing for what is no day."""
    try:
        return datetime.combine(date.fromisoformat(day), time(), zone) if day else None
    except ValueError:
        return None


@page_get(f"{LIST}/{{signal_id:uuid}}", area="admin", permission="signals.read")
async def show_signal(screen: Screen, uow: UnitOfWork, signal_id: UUID) -> Response[str]:
    """One message: what became of it first, then the message itself."""
    return await _one(screen, uow, Form(), signal_id)


@page_post(f"{LIST}/{{signal_id:uuid}}/replay", area="admin", permission="signals.replay")
async def replay(screen: Screen, form: Form, signal_id: UUID) -> Response[str]:
    """Try it again; what had its effect has none now."""

    async def change(uow: UnitOfWork) -> None:
        await replay_signal(uow, signal_id)

    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        return await _one(screen, uow, wrong, signal_id)

    return await screen.change(change, form, then=f"{LIST}/{signal_id}", done="replaying", again=again)


@page_get(PARKED, area="admin", permission="signals.read")
async def list_parked(screen: Screen, uow: UnitOfWork, reason: Word = None, source: Word = None, cursor: Cursor = None) -> Response[str]:
    """What needs a person: parked messages with why and what to do, and work that was given up."""
    return await _parked(screen, uow, Form(), reason, source, cursor)


@page_post(f"{PARKED}/replay", area="admin", permission="signals.replay")
async def replay_many(screen: Screen, form: Form) -> Response[str]:
    """Try again those that are ticked, or all of a reason or source."""
    back = f"{PARKED}?{form.value('back')}" if form.value("back") else PARKED

    async def change(uow: UnitOfWork) -> None:
        wanted = form.read(ReplayMany, only=("ids",) if form.value("which") != "all" else ("reason", "source"))
        if form.value("which") == "all" or wanted.ids:
            await replay_parked(uow, wanted)

    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        return await _parked(screen, uow, wrong, None, None, None)

    return await screen.change(change, form, then=back, done="replaying", again=again)


@page_get(f"{PARKED}/{{parked_id:uuid}}", area="admin", permission="signals.read")
async def show_parked(screen: Screen, uow: UnitOfWork, parked_id: UUID) -> Response[str]:
    """One parked item: why, how it looks to the mapping that is in force now, and the way out."""
    return await _item(screen, uow, Form(), parked_id)


@page_post(f"{PARKED}/{{parked_id:uuid}}/attribute", area="admin", permission="customers.write")
async def attribute(screen: Screen, form: Form, parked_id: UUID) -> Response[str]:
    """Keep a rule that says whose such items are, and try everything again that nobody's rule claimed."""

    async def change(uow: UnitOfWork) -> None:
        item = await queries.parked_item(uow, parked_id)
        wanted = form.read(Attribute, only=("when", "only_source"))
        customer = await customer_of(uow, form)
        if customer is None:
            raise NobodyChosen()
        await add_rule(uow, screen.shell, customer, WantedRule(wanted.when, item.source if wanted.only_source else None))
        await replay_parked(uow, ReplayMany(reason="unattributed", source=item.source))

    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        return await _item(screen, uow, wrong, parked_id)

    return await screen.change(change, form, then=PARKED, done="attributed", again=again)


@page_post(f"{PARKED}/work/{{work_id:uuid}}/retry", area="admin", permission="signals.replay")
async def retry_work(screen: Screen, form: Form, work_id: UUID) -> Response[str]:
    """Let work that was given up be tried again."""

    async def change(uow: UnitOfWork) -> None:
        await retry_parked_work(uow, work_id)

    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        return await _parked(screen, uow, wrong, None, None, None)

    return await screen.change(change, form, then=f"{PARKED}#work", done="work_retried", again=again)


async def _one(screen: Screen, uow: UnitOfWork, form: Form, signal_id: UUID) -> Response[str]:
    receipt, signal = await queries.receipt(uow, signal_id), await queries.raw_signal(uow, signal_id)
    past = await history(uow, f"signal:{signal_id}", limit=20)
    became = await events_of(uow, _ids(past, "became"))
    raw = bytes(signal.raw)
    return screen.show(
        "admin/signal.html", form=form, row=receipt, signal=signal, size=len(raw), text=_text(raw), cut=len(raw) > MOST_BYTES, past=past, said=SAID,
        became=became, cases=await cases.of_decisions(uow, _ids(past, "decided")), people=await _people(uow, past),
        names=await customer_names(uow, [receipt.customer_id]), items=[_label(item) for item in await mappings.items_of(uow, signal_id)],
    )  # fmt: skip


def _label(item: Item) -> dict[str, Any]:
    return {"index": item.index, "label": item.label, "value": told(item.value)[:MOST_BYTES], "problem": item.problem}


def _text(raw: bytes) -> str:
    """The beginning of a message as text; what is no text shows as its escapes."""
    return raw[:MOST_BYTES].decode("utf-8", "backslashreplace").replace("\x00", "\\x00")


def _ids(past: Sequence[Event], name: str) -> list[UUID]:
    return [UUID(one) for event in past for one in event.data.get(name, ())]


async def _people(uow: UnitOfWork, past: Sequence[Event]) -> dict[str, str]:
    actors = {event.actor for event in past}
    return {actor: spoken(actor) for actor in actors} | await actor_names(uow, actors)


async def _parked(screen: Screen, uow: UnitOfWork, form: Form, reason: str | None, source: str | None, cursor: str | None) -> Response[str]:
    wanted = reason if reason in get_args(Reason) else None
    found = await queries.parked(uow, reason=wanted, source=source or None, cursor=cursor, limit=SHOWN)
    return screen.show(
        "admin/parked.html", form=form, found=found, counts=await queries.parked_counts(uow), reason=wanted, source=source or "", cursor=cursor,
        sources=await queries.sources(uow), work=await parked_work(uow) if screen.reader.may("signals.replay") else [], kinds=KINDS,
    )  # fmt: skip


async def _item(screen: Screen, uow: UnitOfWork, form: Form, parked_id: UUID) -> Response[str]:
    row = await queries.parked_item(uow, parked_id)
    signal = await queries.stored_signal(uow, row.signal_id)
    mapping = await queries.published_mapping(uow, signal.mapping, signal.customer_id) if signal.mapping else None
    tried = await mappings.try_on_signal(uow, screen.shell, mapping.content, row.signal_id) if mapping else []
    mine = tried[row.item] if row.item < len(tried) else None
    more = await offered(uow)
    return screen.show(
        "admin/parked_item.html", form=form if form.problem else Form.of({"when": _rule(mine)}), row=row, signal=signal, mapping=mapping, tried=mine,
        customers=more["customers"], told=told,
    )  # fmt: skip


def _rule(tried: Tried | None) -> str:
    """The condition that would claim what this item says: its account, which is how sources name customers."""
    account = next((event.get("account") for event in tried.events if event.get("account")), None) if tried else None
    return f'event.account == "{_quoted(account)}"' if account else ""


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


ROUTES: list[Any] = [list_signals, show_signal, replay, list_parked, replay_many, show_parked, attribute, retry_work]
