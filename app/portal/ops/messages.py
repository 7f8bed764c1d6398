"""Messages about one case or many: who gets it is shown first, then it is held for ten seconds."""

from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from litestar import Response

from app.cases import cockpit, messages
from app.cases.messages import Addressee, Draft
from app.cases.models import HeldMessage
from app.core.errors import FieldError, Invalid
from app.core.uow import UnitOfWork
from app.portal.forms import Form
from app.portal.ops.wording import Wording
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen

MOST_CASES = 200


class Composed(msgspec.Struct, kw_only=True):
    """A message as its form brings it; addresses one a line."""

    case_ids: list[UUID]
    audience: messages.Audience = "customer"
    subject: messages.Subject
    text: messages.Body
    addresses: str | None = None


class AddressUnreadable(Invalid):
    """Write one address a line."""

    status = 422


def _draft(form: Form) -> Draft:
    given = form.read(Composed)
    lines = [line.strip() for line in (given.addresses or "").splitlines() if line.strip()] if given.audience == "counterparty" else []
    return Draft(given.case_ids, given.subject, given.text, given.audience, [_addressee(line) for line in lines])


def _addressee(line: str) -> Addressee:
    """`Marie Duval <marie@carrier.example>` or the bare address."""
    name, bracket, rest = line.rpartition("<")
    given = {"address": rest.rstrip(">").strip(), "name": name.strip().strip('"')} if bracket else {"address": line, "name": ""}
    try:
        return msgspec.convert(given, Addressee)
    except msgspec.ValidationError:
        raise AddressUnreadable(errors=[FieldError("/addresses", f"“{line[:80]}” is no address", "Write one address a line.")]) from None


@page_get("/ops/messages/new", area="ops", permission="cases.work")
async def compose(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """Write to the customers of one or many cases (`case=` for each), or to people outside."""
    return await _compose(screen, uow, Form([("case_ids", value) for value in parse_qs(screen.query).get("case", [])[:MOST_CASES]]))


async def _compose(screen: Screen, uow: UnitOfWork, form: Form, preview: messages.Preview | None = None) -> Response[str]:
    ids = [found for text in form.values("case_ids") if (found := _uuid(text))]
    lines = await cockpit.lines(uow, ids)
    titles = {line.id: line for line in lines}
    return screen.show("ops/message_new.html", lines=lines, titles=titles, preview=preview, form=form, w=Wording(screen))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@page_post("/ops/messages/preview", area="ops", permission="cases.work")
async def preview(screen: Screen, form: Form) -> Response[str]:
    """Show who gets it and who is left out and why; nothing is sent."""
    try:
        draft = _draft(form)
        async with screen.read() as uow:
            return await _compose(screen, uow, form, await messages.prepare(uow, draft))
    except Invalid as fault:
        return await screen.again(lambda uow, wrong: _compose(screen, uow, wrong), form.refused(fault), fault.status)


@page_post("/ops/messages", area="ops", permission="cases.work")
async def send(screen: Screen, form: Form) -> Response[str]:
    """Send it, ten seconds from now."""

    async def change(uow: UnitOfWork) -> UUID:
        return (await messages.send_held(uow, _draft(form))).id

    return await screen.change(
        change, form, then=lambda made: f"/ops/messages/{made}", again=lambda uow, wrong: _compose(screen, uow, wrong)
    )


@page_get("/ops/messages/{message_id:uuid}", area="ops", permission="cases.work")
async def show_message(screen: Screen, uow: UnitOfWork, message_id: UUID) -> Response[str]:
    """A message: held until when, called back, or how far its letters got."""
    return await _message(screen, uow, message_id)


async def _message(screen: Screen, uow: UnitOfWork, message_id: UUID, form: Form | None = None) -> Response[str]:
    view = await messages.view(uow, await uow.get(HeldMessage, message_id))
    return screen.show("ops/message.html", message=view, lines=await cockpit.lines(uow, view.case_ids), form=form, w=Wording(screen))


@page_post("/ops/messages/{message_id:uuid}/undo", area="ops", permission="cases.work")
async def call_back(screen: Screen, form: Form, message_id: UUID) -> Response[str]:
    """Call it back before it leaves."""

    async def change(uow: UnitOfWork) -> None:
        await messages.undo(uow, message_id)

    return await screen.change(
        change,
        form,
        then=f"/ops/messages/{message_id}",
        done="called_back",
        again=lambda uow, wrong: _message(screen, uow, message_id, wrong),
    )


ROUTES: list[Any] = [compose, preview, send, show_message, call_back]
