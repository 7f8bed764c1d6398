"""What is done on a case: each action is one form, sent with the version its reader saw."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from litestar import Response

from app.cases import commands, proposals
from app.cases.schemas import Awaited, Code, Direction, Reached, Reason, Short, Snooze, Spoken, Text
from app.connectors.capabilities import capability
from app.connectors.commands import invoke_by_hand
from app.core.errors import Fault, FieldError, Invalid
from app.core.ids import new_id
from app.core.uow import UnitOfWork
from app.portal.forms import Form
from app.portal.ops import cases, options
from app.portal.ops.gathered import gather
from app.portal.pages import page_post
from app.portal.screens import Screen
from branding.formats import zone_of

Change = Callable[[UnitOfWork], Awaitable[Any]]


class NotAMoment(Invalid):
    """This isn't a date and a time."""

    status = 422


class NothingChosen(Invalid):
    """Choose an option, or say what is to be done."""

    status = 422


class Seen(msgspec.Struct, kw_only=True):
    """The version of the case its reader saw; without one nothing is compared."""

    version: int | None = None


class Reasoned(Seen, kw_only=True):
    """Why."""

    reason: Reason


class Freely(Seen, kw_only=True):
    """Why, where there is something to say."""

    reason: Reason | None = None


class Given(Freely, kw_only=True):
    """Whose the case is from now on; nobody's when left out."""

    owner_id: UUID | None = None


class Written(Seen, kw_only=True):
    """A comment, and whom it calls."""

    text: Text
    visible: bool = False
    mentions: list[UUID] = []


class Called(Seen, kw_only=True):
    """A word on the telephone; `rest` are the minutes the case is put aside for, or `most`."""

    who: Spoken
    direction: Direction = "out"
    outcome: Reached
    name: Short | None = None
    note: Reason | None = None
    next_step: Short | None = None
    rest: Annotated[str, msgspec.Meta(pattern=r"^(most|[0-9]{1,4})$")] | None = None


class PutAside(Seen, kw_only=True):
    """Who is awaited, until when by the reader's clock (left out: as late as may be), or until what."""

    awaits: Short
    until: str | None = None
    event: Awaited | None = None


class Planned(Seen, kw_only=True):
    """What happens next; nothing takes it back."""

    next_step: Short | None = None


class Ended(Seen, kw_only=True):
    """How and why it ended, and what proves it."""

    outcome: Code
    cause: Code
    evidence_call_id: UUID | None = None
    override_reason: Reason | None = None


class PutForward(Seen, kw_only=True):
    """An option a system offered, or a capability whose parameters stand in fields of their own."""

    choice: str | None = None
    capability: str | None = None
    note: Reason | None = None


async def _do(screen: Screen, form: Form, case_id: UUID, change: Change, *, do: str | None, done: str) -> Response[str]:
    return await screen.change(
        change, form, then=f"/ops/cases/{case_id}", done=done, again=lambda uow, wrong: cases.refused(screen, uow, case_id, wrong, do)
    )


@page_post("/ops/cases/{case_id:uuid}/acknowledge", area="ops", permission="cases.work")
async def acknowledge(screen: Screen, form: Form, case_id: UUID) -> Response[str]:
    """Somebody looks at it; the first-response clock stops."""

    async def change(uow: UnitOfWork) -> None:
        await commands.acknowledge(uow, case_id, expected=form.read(Seen).version)

    return await _do(screen, form, case_id, change, do=None, done="acknowledged")


@page_post("/ops/cases/{case_id:uuid}/take", area="ops", permission="cases.work")
async def take(screen: Screen, form: Form, case_id: UUID) -> Response[str]:
    """It is mine from now on; out of another's hands with a reason."""

    async def change(uow: UnitOfWork) -> None:
        given = form.read(Freely)
        await commands.take(uow, case_id, reason=given.reason, expected=given.version)

    return await _do(screen, form, case_id, change, do="assign", done="taken")


@page_post("/ops/cases/{case_id:uuid}/assign", area="ops", permission="cases.work")
async def assign(screen: Screen, form: Form, case_id: UUID) -> Response[str]:
    """Give the case to a colleague, or to nobody."""

    async def change(uow: UnitOfWork) -> None:
        given = form.read(Given)
        await commands.assign(uow, case_id, given.owner_id, reason=given.reason, expected=given.version)

    return await _do(screen, form, case_id, change, do="assign", done="assigned")


@page_post("/ops/cases/{case_id:uuid}/decline", area="ops", permission="cases.work")
async def decline(screen: Screen, form: Form, case_id: UUID) -> Response[str]:
    """Give it back; "next case" spares one from it for a while."""

    async def change(uow: UnitOfWork) -> None:
        given = form.read(Freely)
        await commands.decline(uow, case_id, reason=given.reason, expected=given.version)

    return await _do(screen, form, case_id, change, do="decline", done="declined")


@page_post("/ops/cases/{case_id:uuid}/comment", area="ops", permission="cases.work")
async def comment(screen: Screen, form: Form, case_id: UUID) -> Response[str]:
    """Write on the case, for colleagues or for the customer."""

    async def change(uow: UnitOfWork) -> None:
        given = form.read(Written)
        await commands.comment(uow, case_id, given.text, visible=given.visible, mentions=given.mentions, expected=given.version)

    done = "comment_sent" if form.has("visible", "true") else "comment_kept"
    return await _do(screen, form, case_id, change, do="comment", done=done)


@page_post("/ops/cases/{case_id:uuid}/call", area="ops", permission="cases.work")
async def log_call(screen: Screen, form: Form, case_id: UUID) -> Response[str]:
    """Note a call, what comes next, and perhaps put the case aside in the same act."""

    async def change(uow: UnitOfWork) -> None:
        given = form.read(Called)
        await commands.log_call(
            uow, case_id, who=given.who, direction=given.direction, outcome=given.outcome, name=given.name, note=given.note,
            next_step=given.next_step, snooze=_rest(given, uow.now), expected=given.version,
        )  # fmt: skip

    return await _do(screen, form, case_id, change, do="call", done="call_logged")


_WHOM: Final = {"customer": "the customer", "carrier": "the carrier", "warehouse": "the warehouse", "other": "somebody outside"}


def _rest(given: Called, now: datetime) -> Snooze | None:
    if given.rest is None:
        return None
    until = None if given.rest == "most" else now + timedelta(minutes=int(given.rest))
    return Snooze(awaits=given.name or _WHOM[given.who], until=until)


@page_post("/ops/cases/{case_id:uuid}/snooze", area="ops", permission="cases.work")
async def snooze(screen: Screen, form: Form, case_id: UUID) -> Response[str]:
    """Put the case aside until a time or an event, never past its next clock."""

    async def change(uow: UnitOfWork) -> None:
        given = form.read(PutAside)
        until = moment(given.until, screen.zone)
        await commands.snooze(uow, case_id, awaits=given.awaits, until=until, event=given.event, expected=given.version)

    return await _do(screen, form, case_id, change, do="snooze", done="snoozed")


def moment(text: str | None, zone: str) -> datetime | None:
    """A moment as a browser's field gives it, by the reader's clock; raises NotAMoment."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise NotAMoment(errors=[FieldError("/until", "isn't a date and a time", "Write it like 2026-11-23T16:05.")]) from None
    return found if found.tzinfo else found.replace(tzinfo=zone_of(zone))


@page_post("/ops/cases/{case_id:uuid}/unsnooze", area="ops", permission="cases.work")
async def unsnooze(screen: Screen, form: Form, case_id: UUID) -> Response[str]:
    """Take the case up again."""

    async def change(uow: UnitOfWork) -> None:
        await commands.unsnooze(uow, case_id, expected=form.read(Seen).version)

    return await _do(screen, form, case_id, change, do=None, done="woken")


@page_post("/ops/cases/{case_id:uuid}/plan", area="ops", permission="cases.work")
async def plan(screen: Screen, form: Form, case_id: UUID) -> Response[str]:
    """Say what happens next, for the queue's line."""

    async def change(uow: UnitOfWork) -> None:
        given = form.read(Planned)
        await commands.plan(uow, case_id, given.next_step, expected=given.version)

    return await _do(screen, form, case_id, change, do="plan", done="planned")


@page_post("/ops/cases/{case_id:uuid}/escalate", area="ops", permission="cases.work")
async def escalate(screen: Screen, form: Form, case_id: UUID) -> Response[str]:
    """Raise the case by one level."""

    async def change(uow: UnitOfWork) -> None:
        given = form.read(Reasoned)
        await commands.escalate(uow, case_id, given.reason, expected=given.version)

    return await _do(screen, form, case_id, change, do="escalate", done="escalated")


@page_post("/ops/cases/{case_id:uuid}/resolve", area="ops", permission="cases.work")
async def resolve(screen: Screen, form: Form, case_id: UUID) -> Response[str]:
    """End the case with outcome, cause and proof."""

    async def change(uow: UnitOfWork) -> None:
        given = form.read(Ended)
        await commands.resolve(
            uow, case_id, outcome=given.outcome, cause=given.cause, evidence_call_id=given.evidence_call_id,
            override_reason=None if given.evidence_call_id else given.override_reason, expected=given.version,
        )  # fmt: skip

    return await _do(screen, form, case_id, change, do="resolve", done="resolved")


@page_post("/ops/cases/{case_id:uuid}/reopen", area="ops", permission="cases.work")
async def reopen(screen: Screen, form: Form, case_id: UUID) -> Response[str]:
    """Take a resolved case up again."""

    async def change(uow: UnitOfWork) -> None:
        given = form.read(Reasoned)
        await commands.reopen(uow, case_id, given.reason, expected=given.version)

    return await _do(screen, form, case_id, change, do="reopen", done="reopened")


@page_post("/ops/cases/{case_id:uuid}/propose", area="ops", permission="cases.propose")
async def propose(screen: Screen, form: Form, case_id: UUID) -> Response[str]:
    """Put an effect forward; where a limit says so, an approval is asked for at once."""

    async def change(uow: UnitOfWork) -> bool:
        given = form.read(PutForward)
        name, params = await _wanted(screen, uow, case_id, given, form)
        _, asked = await proposals.propose(
            screen.shell, uow, case_id, capability=name, params=params, note=given.note, expected=given.version
        )
        return bool(asked)

    here = f"/ops/cases/{case_id}"
    return await screen.change(
        change, form, then=lambda asked: f"{here}?done={'proposed_asked' if asked else 'proposed'}",
        again=lambda uow, wrong: cases.refused(screen, uow, case_id, wrong, "propose"),
    )  # fmt: skip


async def _wanted(screen: Screen, uow: UnitOfWork, case_id: UUID, given: PutForward, form: Form) -> tuple[str, dict[str, Any]]:
    if given.choice:
        gathered = await gather(screen, uow, case_id, kind=None, cursor=None)
        option = options.chosen(options.offered(gathered.calls), given.choice)
        return option.capability, option.params
    if not given.capability:
        raise NothingChosen(errors=[FieldError("/choice", "nothing was chosen", "Choose one of the options.")])
    wanted = capability(given.capability)
    params = options.params_of(given.capability, form)
    try:
        wanted.check_params(params)
    except Invalid as fault:
        raise _at_fields(fault) from None
    return given.capability, params


def _at_fields(fault: Fault) -> Fault:
    """The same refusal, pointing at this form's fields."""
    wrong = [FieldError(error.pointer.replace("/params/", f"/{options.PREFIX}"), error.detail, error.remedy) for error in fault.errors]
    return Invalid(fault.detail, errors=wrong, status=422)


@page_post("/ops/cases/{case_id:uuid}/look", area="ops", permission="cases.work")
async def look(screen: Screen, form: Form, case_id: UUID) -> Response[str]:
    """Look at a source again now; the answer can prove the case's end."""
    name: Literal["resolve"] = "resolve"
    try:
        wanted = capability(form.value("capability"))
        if wanted.effect:
            raise NothingChosen("Only a look at a source proves anything; this would change something.")
        async with screen.read() as uow:
            gathered = await gather(screen, uow, case_id, kind=None, cursor=None)
        params = options.known_params(wanted, cases.subjects(gathered))
        who = screen.reader.principal
        outcome = await invoke_by_hand(
            screen.shell, tenant=who.tenant, actor=who.actor, customer_id=gathered.case.customer_id, case_id=case_id, capability=wanted.name,
            params=params, effect_key=f"look:{case_id}:{form.once or new_id()}",
        )  # fmt: skip
    except Fault as fault:
        if fault.status >= 500:
            raise
        return await screen.again(lambda uow, wrong: cases.refused(screen, uow, case_id, wrong, name), form.refused(fault), fault.status)
    return screen.go(f"/ops/cases/{case_id}?do=resolve", done="looked" if outcome.status == "done" else "look_failed")


ROUTES: list[Any] = [
    acknowledge, take, assign, decline, comment, log_call, snooze, unsnooze, plan, escalate, resolve, reopen, propose, look,
]  # fmt: skip
