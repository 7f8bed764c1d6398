"""A case's page: the answer first, the evidence below, and every action as a form of its own."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, get_args
from urllib.parse import parse_qs
from uuid import UUID

from litestar import Response
from litestar.params import Parameter

from app.canonical.taxonomy import taxonomy
from app.cases import presence, queries, snoozing
from app.cases.happened import KINDS, Kind
from app.cases.models import Case
from app.cases.telling import CaseChanged
from app.connectors.capabilities import capability
from app.core.uow import UnitOfWork
from app.portal.forms import Form
from app.portal.ops import options
from app.portal.ops.gathered import Gathered, gather
from app.portal.ops.wording import Wording
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from branding.formats import zone_of
from tenants import names

Do = Literal["assign", "comment", "call", "propose", "snooze", "escalate", "plan", "resolve", "reopen", "decline"]
FIELDS: Final = {
    "reason": "Why", "text": "Text", "visible": "The customer reads it", "owner_id": "Owner", "awaits": "Who is awaited", "until": "Until",
    "event": "Or until", "next_step": "Next step", "outcome": "Outcome", "cause": "Cause", "evidence_call_id": "Look at the source",
    "override_reason": "Why without a look at the source", "who": "With whom", "name": "Name", "direction": "Direction", "note": "Note",
    "choice": "Option", "capability": "What", "mentions": "Calls", "rest": "Put aside for",
}  # fmt: skip


@page_get("/ops/cases/{case_id:uuid}", area="ops", permission="cases.read")
async def show_case(
    screen: Screen, uow: UnitOfWork, case_id: UUID, do: Annotated[str | None, Parameter(max_length=20)] = None,
    kind: Annotated[str | None, Parameter(max_length=20)] = None, cursor: Annotated[str | None, Parameter(max_length=400)] = None,
) -> Response[str]:  # fmt: skip
    """One case; `do` opens an action's form, `kind` narrows the timeline."""
    return await show(screen, uow, case_id, do=do, kind=kind, cursor=cursor)


async def show(
    screen: Screen, uow: UnitOfWork, case_id: UUID, *, do: str | None = None, kind: str | None = None, cursor: str | None = None,
    form: Form | None = None,
) -> Response[str]:  # fmt: skip
    """The page of a case, perhaps with the form of an action and what was wrong with it."""
    wanted: Kind | None = kind if kind in KINDS else None
    g = await gather(screen, uow, case_id, kind=wanted, cursor=cursor)
    action = do if do in get_args(Do) and screen.reader.may("cases.propose" if do == "propose" else "cases.work") else None
    return screen.show(
        "ops/case.html", g=g, case=g.case, line=g.case.line, do=action, kind=wanted, cursor=cursor, form=form, w=Wording(screen),
        **(await _panel(screen, uow, g, action) if action else {}),
    )  # fmt: skip


async def _panel(screen: Screen, uow: UnitOfWork, g: Gathered, action: str) -> dict[str, Any]:
    """What the form of an action offers to choose from."""
    if action in ("assign", "comment"):
        return {"people": await names.colleagues(uow)}
    if action in ("snooze", "call"):
        until = await snoozing.latest(uow, await uow.get(Case, g.case.id))
        return {
            "latest": until,
            "latest_local": local(screen, until),
            "soonest_local": local(screen, screen.now),
            "rests": rests(screen, until),
        }
    if action == "propose":
        given = parse_qs(screen.query).get("capability", [""])[-1]
        known = given if given in {each.name for each in options.effects()} else ""
        return {
            "offered": options.offered(g.calls), "effects": options.effects(), "capability": known,
            "fields": options.fields_of(capability(known)) if known else [], "known": subjects(g),
        }  # fmt: skip
    if action == "resolve":
        since = g.case.reopened_at or g.case.opened_at
        looks = [each for each in options.looks() if options.known_params(each, subjects(g))]
        return {"evidence": options.evidence(g.calls, since), "causes": causes(g), "looks": looks}
    return {}


def subjects(g: Gathered) -> dict[str, str | None]:
    """What the case is about, by the names parameters of capabilities have."""
    account = g.order.account if g.order else None
    return {"order": g.order.number if g.order else None, "shipment": g.shipment.number if g.shipment else None, "account": account}


def causes(g: Gathered) -> list[tuple[str, str]]:
    """The causes that make sense for this type of exception, each with its usual party."""
    known = taxonomy()
    kind = known.types.get(g.case.exception.type)
    codes = list(kind.reasons) if kind else sorted(known.reasons)
    return [
        (f"{known.responsible_for(kind.code, code) if kind else known.reasons[code].responsible}.{code}", known.reasons[code].title)
        for code in codes
        if code in known.reasons
    ]


RESTS: Final = {"15": "15 minutes", "30": "30 minutes", "60": "1 hour", "120": "2 hours", "240": "4 hours"}


def rests(screen: Screen, until: datetime) -> list[tuple[str, str]]:
    """The stretches of time for which a case may rest, as far as its next clock allows."""
    left = (until - screen.now).total_seconds() / 60
    return [(minutes, words) for minutes, words in RESTS.items() if int(minutes) <= left]


def local(screen: Screen, at: datetime) -> str:
    """A moment as a browser's field for date and time has it, in the reader's zone."""
    return f"{at.astimezone(zone_of(screen.zone)):%Y-%m-%dT%H:%M}"


@page_get("/ops/cases/{case_id:uuid}/changed", area="ops", permission="cases.read")
async def changed(screen: Screen, uow: UnitOfWork, case_id: UUID, version: int) -> Response[str]:
    """Whether the case moved on since its page was read, and who else is here: a piece the page asks for."""
    case = await uow.get(Case, case_id)
    others = (await presence.on(uow, [case_id])).get(case_id, [])
    return screen.fragment("ops/changed.html", case=case, behind=max(0, case.version - version), others=others)


@page_post("/ops/cases/{case_id:uuid}/here", area="ops", permission="cases.read")
async def here(screen: Screen, form: Form, case_id: UUID) -> Response[str]:
    """A beat of an open page: its reader is on this case."""
    async with screen.work() as uow:
        await presence.mark(uow, case_id)
    return Response("", status_code=204)


async def refused(screen: Screen, uow: UnitOfWork, case_id: UUID, form: Form, do: str | None) -> Response[str]:
    """The page of a case after an action was refused: what changed meanwhile beside what was typed, or the form with what was wrong."""
    if isinstance(form.fault, CaseChanged):
        return await _merge(screen, uow, case_id, form, form.fault)
    return await show(screen, uow, case_id, do=do, form=form)


async def _merge(screen: Screen, uow: UnitOfWork, case_id: UUID, form: Form, fault: CaseChanged) -> Response[str]:
    case = await queries.case(uow, case_id)
    owners = {str(person.id): person.name for person in await names.colleagues(uow)}
    typed = [
        (FIELDS.get(name, name.removeprefix(options.PREFIX).replace("_", " ").capitalize()), owners.get(value, value))
        for name, value in form.fields
        if name != "version" and value
    ]
    return screen.show(
        "ops/merge.html", case=case, line=case.line, fault=fault, typed=typed, form=form, action=screen.path, w=Wording(screen)
    )


ROUTES: list[Any] = [show_case, changed, here]
