"""Journeys with what was chosen for them: an arrival somebody arranged is what is expected until a carrier says otherwise."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from app.canonical import journeys
from app.canonical.journeys import Journey
from app.cases import following
from app.cases.following import Choice
from app.core.uow import UnitOfWork


class Followed(msgspec.Struct, frozen=True):
    """An order or shipment as the reader follows it; `choice` is the option that holds, None when there was none."""

    journey: Journey
    choice: Choice | None


async def follow(uow: UnitOfWork, found: Sequence[Journey], *, may_see_cases: bool) -> list[Followed]:
    """These journeys, each with the option that holds for it or for its order."""
    ids = {id for journey in found for id in (journey.id, journey.order_id, *journey.shipments) if id}
    chosen = await following.chosen_for(uow, ids) if may_see_cases else {}
    return [_with(journey, _holds(journey, chosen), uow) for journey in found]


def _holds(journey: Journey, chosen: Mapping[UUID, Choice]) -> Choice | None:
    mine = [chosen[id] for id in (journey.id, journey.order_id, *journey.shipments) if id is not None and id in chosen]
    return max(mine, key=lambda choice: choice.chosen_at, default=None)


def _with(journey: Journey, choice: Choice | None, uow: UnitOfWork) -> Followed:
    if choice is None or choice.arrives_at is None:
        return Followed(journey, choice)
    return Followed(journeys.expecting(journey, choice.arrives_at, uow.now), choice)
