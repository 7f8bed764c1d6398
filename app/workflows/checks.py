"""What a save checks beyond the document itself: that jq accepts every expression, and that every host has a connection."""

from uuid import UUID

from app.core.errors import FieldError
from app.core.sandbox import Sandbox, SandboxLimit, SandboxRefused
from app.core.uow import UnitOfWork
from app.workflows import web
from app.workflows.definition import Definition
from app.workflows.dsl import InvalidWorkflow
from app.workflows.reader import MAX_FINDINGS


async def check(uow: UnitOfWork, sandbox: Sandbox, definition: Definition, customer_id: UUID | None) -> None:
    """Raises InvalidWorkflow with every expression jq refuses and every endpoint no connection goes to."""
    found = await _expressions(sandbox, definition) + await _endpoints(uow, definition, customer_id)
    if found:
        raise InvalidWorkflow(errors=found[:MAX_FINDINGS])


async def _expressions(sandbox: Sandbox, definition: Definition) -> list[FieldError]:
    found = []
    for each in definition.programs:
        try:
            await sandbox.check_jq(each.text, each.variables)
        except (SandboxRefused, SandboxLimit) as error:
            found.append(
                FieldError(each.pointer, f"is no jq that can run here: {error.detail}", f"it may use ${', $'.join(each.variables)}")
            )
    return found


async def _endpoints(uow: UnitOfWork, definition: Definition, customer_id: UUID | None) -> list[FieldError]:
    if not any(each.host for each in definition.endpoints):
        return []
    known = await web.hosts(uow, customer_id)
    missing = [each for each in definition.endpoints if each.host and each.host not in known]
    return [
        FieldError(each.pointer, f"goes to {each.host}, and no connection does", "make a connection to that host first") for each in missing
    ]
