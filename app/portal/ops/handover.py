"""The end of a shift: what one holds, a note made of it, and whose it is from then on."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response
from litestar.params import Parameter

from app.cases import cockpit, handover
from app.cases.schemas import HandOver
from app.core.uow import UnitOfWork
from app.portal.forms import Form
from app.portal.ops.wording import Wording
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from tenants import names


@page_get("/ops/handover", area="ops", permission="cases.work")
async def show_handover(screen: Screen, uow: UnitOfWork, cursor: Annotated[str | None, Parameter(max_length=400)] = None) -> Response[str]:
    """The note generated from one's open cases by their clocks, to be changed and handed over; and earlier ones."""
    return await _handover(screen, uow, cursor=cursor)


async def _handover(screen: Screen, uow: UnitOfWork, *, cursor: str | None = None, form: Form | None = None) -> Response[str]:
    made = await handover.draft(uow, screen.reader.principal.user_id)
    choices = [(str(person.id), person.name) for person in await names.colleagues(uow) if person.id != screen.reader.principal.user_id]
    given = await handover.given(uow, cursor=cursor, limit=20)
    return screen.show("ops/handover.html", draft=made, choices=choices, given=given, cursor=cursor, form=form, w=Wording(screen))


@page_get("/ops/handover/{handover_id:uuid}", area="ops", permission="cases.work")
async def show_given(screen: Screen, uow: UnitOfWork, handover_id: UUID) -> Response[str]:
    """A shift as it was handed over, with its cases as they stand now."""
    shift = await handover.one(uow, handover_id)
    return screen.show("ops/shift.html", shift=shift, lines=await cockpit.lines(uow, shift.case_ids), w=Wording(screen))


@page_post("/ops/handover", area="ops", permission="cases.work")
async def hand_over(screen: Screen, form: Form) -> Response[str]:
    """Give the ticked cases to a colleague with the note, all or none."""

    async def change(uow: UnitOfWork) -> UUID:
        given = form.read(HandOver)
        return (await handover.hand_over(uow, given.to_user, given.case_ids, given.note)).id

    return await screen.change(
        change,
        form,
        then=lambda made: f"/ops/handover/{made}",
        done="handed_over",
        again=lambda uow, wrong: _handover(screen, uow, form=wrong),
    )


ROUTES: list[Any] = [show_handover, show_given, hand_over]
