"""What this room does when something is due."""

from app.connectors import commands
from app.core.services import Shell, WorkItem


async def reconcile_calls(shell: Shell, items: list[WorkItem]) -> None:
    """Work `call`: find out what became of calls that were never answered. One that fails does not keep the others from their turn."""
    failure: Exception | None = None
    for item in items:
        try:
            await commands.reconcile_call(shell, item)
        except Exception as error:  # one call's trouble must not keep the others waiting; raised below
            shell.log.warning("call.reconcile_failed", call=str(item.subject), error=type(error).__name__)
            failure = error
    if failure:
        raise failure
