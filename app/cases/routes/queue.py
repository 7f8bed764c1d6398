"""The queue over HTTP: its pages, tabs, facets, what arrived since, the next case, and the weights of its order."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from litestar import get, post, put
from litestar.params import Parameter

from app.cases import board, commands, queries, weights
from app.cases.queries import Filters, Sort, Tab
from app.cases.routes.parts import READ, WORK, IfMatch, Limit, version_of
from app.cases.schemas import Board, Facets, Newer, NextCase, Reason, Tabs
from app.cases.urgency import Weights
from app.cases.weights import Trial, WeightsView
from app.core.uow import UnitOfWork

TypeFilter = Annotated[str | None, Parameter(pattern=r"^[a-z][a-z0-9_.]{0,79}$")]
StateFilter = Literal["live", "all", "open", "acknowledged", "waiting", "resolved"]
_ID: Final = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
Owner = Annotated[str | None, Parameter(pattern=f"^(?:none|{_ID})$", description="A user's id, or none.")]
Country = Annotated[str | None, Parameter(pattern=r"^[A-Za-z]{2}$")]
Carrier = Annotated[str | None, Parameter(min_length=1, max_length=100)]
Reference = Annotated[str | None, Parameter(min_length=3, max_length=100)]
Level = Literal["P1", "P2", "P3", "P4"] | None
WEIGHTS: Final[dict[str, Any]] = {"opt": {"permission": "policies.write"}, "tags": ["cases"], "status_code": 200}


class NewWeights(msgspec.Struct, forbid_unknown_fields=True):
    """The weights that shall hold, and why."""

    weights: Weights
    note: Reason | None = None


class TryWeights(msgspec.Struct, forbid_unknown_fields=True):
    """Weights to look at before they hold."""

    weights: Weights


def _owner(given: str | None) -> UUID | Literal["none"] | None:
    return "none" if given == "none" else UUID(given) if given else None


@get("/v1/cases", operation_id="listCases", **READ)
async def list_cases(
    uow: UnitOfWork, tab: Tab | None = None, status: StateFilter = "live", type: TypeFilter = None, customer: UUID | None = None,
    owner: Owner = None, priority: Level = None, breached: bool | None = None, carrier: Carrier = None, origin: Country = None,
    destination: Country = None, ref: Reference = None, since: datetime | None = None, sort: Sort | None = None, cursor: str | None = None,
    limit: Limit = 50,
) -> Board:  # fmt: skip
    """The queue, the most urgent first; finished cases come by their end, `all` the newest first."""
    wanted = Filters(status, type, customer, _owner(owner), priority, breached, carrier, origin, destination, ref, since)
    return await queries.board(uow, wanted, tab=tab, sort=sort, cursor=cursor, limit=limit)


@get("/v1/cases/facets", operation_id="countCases", **READ)
async def count_cases(
    uow: UnitOfWork, tab: Tab | None = None, type: TypeFilter = None, customer: UUID | None = None, owner: Owner = None, priority: Level = None,
    carrier: Carrier = None, origin: Country = None, destination: Country = None, since: datetime | None = None,
) -> Facets:  # fmt: skip
    """How the unfinished cases (or those of a tab) divide by status, type, priority, breach, customer, carrier, owner and lane."""
    wanted = Filters("live", type, customer, _owner(owner), priority, None, carrier, origin, destination, None, since)
    return await queries.facets(uow, wanted, tab=tab)


@get("/v1/cases/tabs", operation_id="countTabs", **READ)
async def count_tabs(uow: UnitOfWork) -> Tabs:
    """How many cases each tab of the queue holds, up to 500 each."""
    return Tabs({str(tab): count for tab, count in (await queries.tabs(uow)).items()})


@get("/v1/cases/newer", operation_id="countNewerCases", **READ)
async def count_newer(
    uow: UnitOfWork, as_of: Annotated[str, Parameter(max_length=300)], tab: Tab | None = None, type: TypeFilter = None,
    customer: UUID | None = None, owner: Owner = None, priority: Level = None, carrier: Carrier = None, origin: Country = None,
    destination: Country = None,
) -> Newer:  # fmt: skip
    """How many more urgent cases arrived since the page that gave `as_of` was read."""
    wanted = Filters("live", type, customer, _owner(owner), priority, None, carrier, origin, destination)
    return Newer(await queries.newer_than(uow, as_of, wanted, tab=tab))


@post("/v1/cases/next", operation_id="takeNextCase", **WORK)
async def next_case(uow: UnitOfWork) -> NextCase:
    """The most urgent case that nobody owns, yours from now on; two who ask at once never get the same."""
    case = await commands.next_case(uow)
    if case is None:
        return NextCase(None, "Nothing is waiting for an owner.")
    await uow.settle()
    await uow.session.flush()
    return NextCase((await board.lines(uow, [case]))[0], "It is yours.")


@get("/v1/queue-weights", operation_id="getQueueWeights", opt={"permission": "policies.read"}, tags=["cases"])
async def get_weights(uow: UnitOfWork) -> WeightsView:
    """What each factor weighs in the queue's order."""
    return await weights.view(uow)


@put("/v1/queue-weights", operation_id="setQueueWeights", **WEIGHTS)
async def set_weights(uow: UnitOfWork, data: NewWeights, if_match: IfMatch = None) -> WeightsView:
    """Let new weights hold; every case moves to its new place within moments. If-Match: the version they were read at."""
    return await weights.put(uow, data.weights, note=data.note, expected=version_of(if_match))


@post("/v1/queue-weights/try", operation_id="tryQueueWeights", **WEIGHTS)
async def try_weights(uow: UnitOfWork, data: TryWeights) -> Trial:
    """How the front of the queue would stand by other weights; nothing changes."""
    return await weights.tried(uow, data.weights)


ROUTES = [list_cases, count_cases, count_tabs, count_newer, next_case, get_weights, set_weights, try_weights]
