"""Mappings: drafted, tried on stored messages, compared with what is in force, published. No deployment needed."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from app.core.errors import FieldError, Invalid
from app.core.paging import Page
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.ingest import queries
from app.ingest.commands import mappings as commands
from app.ingest.models import Mapping
from app.ingest.schemas import Diffed, DiffMapping, MappingView, Name, NewMapping, Tried, TryMapping

Limit = Annotated[int, Parameter(ge=1, le=200)]
_TAGS = ["mappings"]


class NothingToTry(Invalid):
    """Name a stored signal or give a payload to try the mapping on."""

    status = 422


@get("/v1/mappings", opt={"permission": "mappings.read"}, operation_id="listMappings", tags=_TAGS)
async def list_mappings(uow: UnitOfWork, name: Name | None = None, cursor: str | None = None, limit: Limit = 50) -> Page[MappingView]:
    """All versions, the newest first; of one mapping when named."""
    return await queries.mappings(uow, name=name, cursor=cursor, limit=limit)


@post("/v1/mappings", opt={"permission": "mappings.write"}, operation_id="draftMapping", tags=_TAGS)
async def draft(uow: UnitOfWork, shell: Shell, data: NewMapping) -> MappingView:
    """Keep a program as the next version, unpublished; errors name line and column."""
    return MappingView.of(await commands.draft_mapping(uow, shell, data))


@get("/v1/mappings/{mapping_id:uuid}", opt={"permission": "mappings.read"}, operation_id="getMapping", tags=_TAGS)
async def get_mapping(uow: UnitOfWork, mapping_id: UUID) -> MappingView:
    """One version."""
    return MappingView.of(await uow.get(Mapping, mapping_id))


@post(
    "/v1/mappings/{mapping_id:uuid}/publish",
    opt={"permission": "mappings.publish"},
    operation_id="publishMapping",
    tags=_TAGS,
    status_code=200,
)
async def publish(uow: UnitOfWork, mapping_id: UUID) -> MappingView:
    """Put a draft in force; the version before it retires."""
    return MappingView.of(await commands.publish_mapping(uow, await uow.get(Mapping, mapping_id, lock=True)))


@post(
    "/v1/mappings/{mapping_id:uuid}/roll-back",
    opt={"permission": "mappings.publish"},
    operation_id="rollBackMapping",
    tags=_TAGS,
    status_code=200,
)
async def roll_back(uow: UnitOfWork, mapping_id: UUID) -> MappingView:
    """Put a version that was in force before in force again."""
    return MappingView.of(await commands.roll_back_mapping(uow, await uow.get(Mapping, mapping_id, lock=True)))


@post("/v1/mappings/try", opt={"permission": "mappings.write"}, operation_id="tryMapping", tags=_TAGS, status_code=200)
async def try_mapping(uow: UnitOfWork, shell: Shell, data: TryMapping) -> list[Tried]:
    """What a program makes of a stored signal or a payload; nothing is kept."""
    if data.signal_id is not None:
        return await commands.try_on_signal(uow, shell, data.content, data.signal_id)
    if data.payload is msgspec.UNSET:
        raise NothingToTry(errors=[FieldError("/signal_id", "missing", "Give signal_id or payload.")])
    return await commands.try_on_payload(shell, data.content, data.payload)


@post("/v1/mappings/diff", opt={"permission": "mappings.write"}, operation_id="diffMapping", tags=_TAGS, status_code=200)
async def diff(uow: UnitOfWork, shell: Shell, data: DiffMapping) -> Diffed:
    """Which of the newest signals a program would read differently from the version in force."""
    return await commands.compare(uow, shell, data.content, data.name, data.customer_id, data.signals)


ROUTES = [list_mappings, draft, get_mapping, publish, roll_back, try_mapping, diff]
