"""Accept what comes in: one message becomes one stored signal, durable before its sender is answered."""

from typing import cast

from app.core import telemetry
from app.core.errors import Conflict
from app.core.services import Shell
from app.ingest.arrival import Accepted, Arrival
from app.ingest.lane import Lane
from app.ingest.schemas import Receipt


class UsedSenderId(Conflict):
    """A message with this id was accepted before and said something else; give every message an id of its own."""


async def accept_signal(shell: Shell, arrival: Arrival) -> Receipt:
    """Store `arrival` once and return its receipt; the same message again gets the id it has.

    Works without Redis. Raises UsedSenderId, SignalRefused, or Unavailable while nothing can be stored.
    """
    accepted = await lane_of(shell).accept(arrival)
    receipt = receipt_of(accepted)
    telemetry.SIGNALS.labels("duplicate" if accepted.is_duplicate else "accepted").inc()
    if not accepted.is_same:
        raise UsedSenderId(extra={"receipt": receipt.id})
    return receipt


def receipt_of(accepted: Accepted) -> Receipt:
    """Return what the sender is told."""
    return Receipt(id=accepted.id, status_url=f"/v1/signals/{accepted.id}", duplicate=accepted.is_duplicate)


def lane_of(shell: Shell) -> Lane:
    """Return this process's lane."""
    lane = shell.extras.get("ingest.lane")
    if lane is None:
        lane = shell.extras["ingest.lane"] = Lane(shell.boundary, now=shell.clock.now, ring=shell.doorbell.ring)
    return cast(Lane, lane)
