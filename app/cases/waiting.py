"""Handing the ball to somebody outside and taking it back: the case's state and its resolution clock move together."""

from __future__ import annotations

from app.cases import clocks, status
from app.cases.models import Case
from app.cases.telling import tell
from app.core.uow import UnitOfWork


async def begin(uow: UnitOfWork, case: Case, reason: str) -> None:
    """From now on the case waits; nothing when it does already. Raises CaseAlreadyResolved."""
    target = status.moved(_state(case), "wait")
    if case.status != target:
        case.status = target
        paused = await clocks.pause(uow, case.id)
        await tell(uow, case, "waiting", {"reason": reason}, also=paused)


async def end(uow: UnitOfWork, case: Case) -> None:
    """The answer is there, or the time for it is over; nothing when the case doesn't wait."""
    if case.status != "waiting":
        return
    case.status = status.moved("waiting", "go_on", acknowledged=case.acknowledged_at is not None)
    resumed = await clocks.resume(uow, case.id)
    # Back in the queue it is news to who works there, whatever its place.
    case.surfaced_at = uow.now
    await tell(uow, case, "continued", also=resumed)


def _state(case: Case) -> status.Status:
    return case.status  # type: ignore[return-value]
