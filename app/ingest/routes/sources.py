"""Sources: the ways in, their signing secrets and the addresses their senders post to."""

from datetime import timedelta
from uuid import UUID

from litestar import get, post, put

from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.ingest import queries
from app.ingest.commands import sources as commands
from app.ingest.directory import directory_of
from app.ingest.models import Source
from app.ingest.schemas import NewSource, RotateSource, SourceMapping, SourceView

_TAGS = ["sources"]


@get("/v1/sources", opt={"permission": "sources.read"}, operation_id="listSources", tags=_TAGS)
async def list_sources(uow: UnitOfWork) -> list[SourceView]:
    """All sources, by name."""
    return [SourceView.of(source) for source in await queries.sources(uow)]


@post("/v1/sources", opt={"permission": "sources.write"}, operation_id="createSource", tags=_TAGS)
async def create_source(uow: UnitOfWork, shell: Shell, data: NewSource) -> SourceView:
    """Set up a way in; `path` in the answer is where a signing sender posts."""
    return SourceView.of(await commands.create_source(uow, shell, data))


@get("/v1/sources/{source_id:uuid}", opt={"permission": "sources.read"}, operation_id="getSource", tags=_TAGS)
async def get_source(uow: UnitOfWork, source_id: UUID) -> SourceView:
    """One source; its secrets are never shown."""
    return SourceView.of(await uow.get(Source, source_id))


@post("/v1/sources/{source_id:uuid}/rotate", opt={"permission": "sources.write"}, operation_id="rotateSource", tags=_TAGS, status_code=200)
async def rotate(uow: UnitOfWork, shell: Shell, source_id: UUID, data: RotateSource) -> SourceView:
    """Take a new signing secret; the old one goes on verifying for the overlap."""
    source = await commands.source_by_id(uow, source_id)
    _forget_after(uow, shell, source)
    return SourceView.of(await commands.rotate_source(uow, shell, source, data.secret, timedelta(seconds=data.overlap_seconds)))


@post(
    "/v1/sources/{source_id:uuid}/disable", opt={"permission": "sources.write"}, operation_id="disableSource", tags=_TAGS, status_code=200
)
async def disable(uow: UnitOfWork, shell: Shell, source_id: UUID) -> SourceView:
    """Close a way in; what came through it stays."""
    source = await commands.source_by_id(uow, source_id)
    _forget_after(uow, shell, source)
    return SourceView.of(await commands.disable_source(uow, source))


@post("/v1/sources/{source_id:uuid}/enable", opt={"permission": "sources.write"}, operation_id="enableSource", tags=_TAGS, status_code=200)
async def enable(uow: UnitOfWork, shell: Shell, source_id: UUID) -> SourceView:
    """Open a closed way in again."""
    source = await commands.source_by_id(uow, source_id)
    _forget_after(uow, shell, source)
    return SourceView.of(await commands.enable_source(uow, source))


@put("/v1/sources/{source_id:uuid}/mapping", opt={"permission": "sources.write"}, operation_id="setSourceMapping", tags=_TAGS)
async def set_mapping(uow: UnitOfWork, shell: Shell, source_id: UUID, data: SourceMapping) -> SourceView:
    """Send what comes from now on through another mapping."""
    source = await commands.source_by_id(uow, source_id)
    _forget_after(uow, shell, source)
    return SourceView.of(await commands.set_mapping(uow, source, data.mapping))


def _forget_after(uow: UnitOfWork, shell: Shell, source: Source) -> None:
    tenant_id, name = source.tenant_id, source.name
    uow.after_commit(lambda: directory_of(shell).forget(tenant_id, name))


ROUTES = [list_sources, create_source, get_source, rotate, disable, enable, set_mapping]
