"""Calls: every recorded use of a connection, what was asked and answered, and a person's word on one that nobody answered."""

from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import Parameter

from app.connectors import commands, queries
from app.connectors.capabilities import capabilities
from app.connectors.models import Call
from app.connectors.redaction import struck
from app.connectors.schemas import Settlement
from app.core.errors import FieldError, Invalid, NotAllowed
from app.core.parsing import parse_json
from app.core.uow import UnitOfWork
from app.portal.admin.showing import spoken, told
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from tenants.names import actor_names, customer_names

SHOWN = 50
LIST = "/admin/calls"
CallStatus = Literal["sending", "done", "refused", "failed", "unknown"]
Cursor = Annotated[str | None, Parameter(max_length=400)]
Word = Annotated[str | None, Parameter(max_length=100)]
MEANING = {
    "done": ("ok", "It was done", "The other system answered and its answer is kept."),
    "refused": ("watch", "The other system refused it", "It understood and said no. Asking again would get the same answer until something changes there."),
    "failed": ("act", "It failed", "Nothing changed in the other system, as far as it can be known."),
    "unknown": ("act", "Nobody knows whether it took effect", "It left, and no answer came. The system is asked again from time to time; a person who asks somebody there can settle it now."),
    "sending": ("", "It is on its way", "An answer is awaited."),
}  # fmt: skip


@page_get(LIST, area="admin", permission="connections.read")
async def list_calls(
    screen: Screen, uow: UnitOfWork, status: Word = None, capability: Word = None, connection: UUID | None = None, case: UUID | None = None,
    cursor: Cursor = None,
) -> Response[str]:  # fmt: skip
    """Calls, the newest first, narrowed by outcome, by what was asked, and by connection."""
    state = status if status in get_args(CallStatus) else None
    asked = capability if capability in capabilities() else None
    found = await queries.calls(
        uow, cursor=cursor, limit=SHOWN, case_id=case, connection_id=connection, status=state, capability=asked
    )  # fmt: skip
    offered = (await queries.connections(uow, cursor=None, limit=200)).items
    names = await queries.names(uow, [call.connection_id for call in found.items] + ([connection] if connection else []))
    unsure = await queries.calls(uow, cursor=None, limit=1, status="unknown") if state != "unknown" else None
    return screen.show(
        "admin/calls.html", found=found, connections=names, offered=offered, capabilities=capabilities(), state=state, capability=asked,
        connection=connection, case=case, cursor=cursor, unsure=bool(unsure and unsure.items),
    )  # fmt: skip


@page_get(f"{LIST}/{{call_id:uuid}}", area="admin", permission="connections.read")
async def show_call(screen: Screen, uow: UnitOfWork, call_id: UUID) -> Response[str]:
    """One call: the outcome first, then everything that went out and came back."""
    return await _one(screen, uow, Form(), call_id)


@page_post(f"{LIST}/{{call_id:uuid}}/settle", area="admin", permission="connections.read")
async def settle_call(screen: Screen, form: Form, call_id: UUID) -> Response[str]:
    """Take a person's word for what became of it, with the reason: of whoever works on cases or looks after connections."""
    if not _may_settle(screen):
        raise NotAllowed()

    async def change(uow: UnitOfWork) -> None:
        settlement = form.read(Settlement, only=("outcome", "note"))
        await commands.settle(uow, call_id, msgspec.structs.replace(settlement, response=_response(form)))

    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        return await _one(screen, uow, wrong, call_id)

    return await screen.change(change, form, then=f"{LIST}/{call_id}", done="call_settled", again=again)


def _may_settle(screen: Screen) -> bool:
    return screen.reader.may("cases.work") or screen.reader.may("connections.write")


def _response(form: Form) -> Any:
    """What the other system said, typed in as JSON; nothing when it was left empty."""
    text = form.value("response").strip()
    if not text:
        return None
    try:
        return parse_json(text.encode())
    except Invalid as wrong:
        errors = [FieldError("/response", f"{e.pointer}: {e.detail}".removeprefix(": "), e.remedy) for e in wrong.errors]
        raise Invalid(wrong.detail, errors=errors, status=422) from wrong


async def _one(screen: Screen, uow: UnitOfWork, form: Form, call_id: UUID) -> Response[str]:
    call = queries.shown_call(await uow.get(Call, call_id))
    connections = await queries.names(uow, [call.connection_id])
    actors = [actor for actor in (call.actor, call.settled_by) if actor]
    people = {actor: spoken(actor) for actor in actors} | await actor_names(uow, actors)
    names = await customer_names(uow, [call.customer_id])
    return screen.show(
        "admin/call.html", form=form, call=call, connection=connections.get(call.connection_id, ""), people=people, names=names, meaning=MEANING,
        does=capabilities().get(call.capability), may_settle=_may_settle(screen), struck=struck, told=told,
    )  # fmt: skip


ROUTES: list[Any] = [list_calls, show_call, settle_call]
