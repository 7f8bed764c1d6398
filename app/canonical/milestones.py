"""How far a shipment has come, as a pure join: any order and any number of the same reports give the same state.

A report moves the state only if its key (phase of the journey, time, codes) is greater than the one that made it. So a late report is
recorded and moves nothing, and a delivered shipment never travels again. Reports of trouble (`exception`) and of expectations
(`estimated`) tell no progress.
"""

from datetime import UTC, datetime
from typing import Literal

import msgspec

Kind = Literal["planned", "estimated", "actual"]

# Phases of the journey; inside one the latest report wins.
PHASES = {
    "acknowledged": 0, "booked": 0,
    "picked_up": 1, "departed": 1, "arrived": 1, "scanned": 1, "customs_arrived": 1, "customs_released": 1,
    "out_for_delivery": 2, "delivery_attempted": 2,
    "cancelled": 3,
    "delivered": 4,
    "returned": 5,
}  # fmt: skip
PROGRESS = frozenset(PHASES)
MILESTONES = PROGRESS | {"exception", "estimated"}
IN_TRANSIT = 1

_START = datetime(1, 1, 1, tzinfo=UTC)


class Report(msgspec.Struct, frozen=True):
    """One thing said about a shipment: at `at` (UTC) the milestone happened (`actual`), or is `planned` or `estimated` for `expected_at`."""

    milestone: str
    at: datetime
    kind: Kind = "actual"
    status_code: str = ""
    reason_code: str = ""
    expected_at: datetime | None = None


class State(msgspec.Struct, frozen=True):
    """Where a shipment is: the winning report's milestone, time and codes, the newest estimate, and when it was last heard of."""

    status: str = "planned"
    status_at: datetime | None = None
    status_code: str = ""
    reason_code: str = ""
    eta: datetime | None = None
    eta_reported_at: datetime | None = None
    last_seen_at: datetime | None = None


def advance(state: State, report: Report) -> tuple[State, bool]:
    """Join one report into the state; the flag says whether the status moved."""
    seen = max(state.last_seen_at or _START, report.at)
    state = _estimate(msgspec.structs.replace(state, last_seen_at=seen), report)
    if not _tells_progress(report) or _report_key(report) <= _state_key(state):
        return state, False
    moved = msgspec.structs.replace(
        state,
        status=report.milestone,
        status_at=report.at,
        status_code=report.status_code,
        reason_code=report.reason_code,
    )
    return moved, True


def is_stale(state: State, report: Report) -> bool:
    """The shipment has since moved on: what the report says was already overcome when it came."""
    if state.status_at is None or report.at >= state.status_at:
        return False
    if _tells_progress(report):
        return _report_key(report) < _state_key(state)
    return PHASES.get(state.status, -1) >= IN_TRANSIT


def _tells_progress(report: Report) -> bool:
    return report.kind == "actual" and report.milestone in PROGRESS


def _estimate(state: State, report: Report) -> State:
    """The newest estimate wins; of two given at the same time the later one, so that the order of arrival can't matter."""
    if report.expected_at is None:
        return state
    if (report.at, report.expected_at) <= (state.eta_reported_at or _START, state.eta or _START):
        return state
    return msgspec.structs.replace(state, eta=report.expected_at, eta_reported_at=report.at)


def _report_key(report: Report) -> tuple[int, datetime, str, str, str]:
    return PHASES[report.milestone], report.at, report.milestone, report.status_code, report.reason_code


def _state_key(state: State) -> tuple[int, datetime, str, str, str]:
    at = state.status_at or _START
    return PHASES.get(state.status, -1), at, state.status, state.status_code, state.reason_code
