"""The audit over HTTP."""

from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from app.audit import commands, queries
from app.audit.schemas import AuditView, Report, Verify
from app.core.paging import Page
from app.core.services import Shell
from app.core.uow import UnitOfWork

Limit = Annotated[int, Parameter(ge=1, le=200)]


@get("/v1/audit", opt={"permission": "audit.read"}, operation_id="listAudit", tags=["insight"])
async def list_audit(
    uow: UnitOfWork,
    customer_id: UUID | None = None,
    type: str | None = None,
    key: str | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[AuditView]:
    """The log, newest first."""
    return await queries.log(uow, queries.Wanted(customer_id=customer_id, type=type, key=key), cursor=cursor, limit=limit)


@post("/v1/audit/verify", opt={"permission": "audit.verify"}, operation_id="verifyAudit", tags=["insight"], status_code=200)
async def verify_audit(shell: Shell, uow: UnitOfWork, data: Verify) -> Report:
    """Compare log, chains and anchors, and name every disagreement."""
    return await commands.verify(uow, Path(shell.settings.anchor_dir), customer_id=data.customer_id)


ROUTES: list[Any] = [list_audit, verify_audit]
