"""What happens to a case when nobody does anything: the moments ahead, the first one first. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from app.cases.schemas import ApprovalView, CaseView, OfferView
from app.workflows.diagram import StepMark

_CLOCKS: Final = {"first_response": "The first-response promise is broken", "resolution": "The resolution promise is broken"}


class Ahead(msgspec.Struct, frozen=True):
    """Something that happens by itself, and when; without a moment it holds already."""

    at: datetime | None
    text: str


def ahead(
    case: CaseView, approvals: Iterable[ApprovalView], offers: Iterable[OfferView], steps: Sequence[StepMark], now: datetime
) -> list[Ahead]:
    """The moments ahead of a case, the nearest first; nothing for one that is over."""
    if case.status == "resolved":
        return []
    found = [
        *_clocks(case, now),
        *_rest(case),
        *map(_offer, _open(offers, "open")),
        *map(_approval, _open(approvals, "requested")),
        *_run(steps),
    ]
    return sorted((one for one in found if one.at and one.at > now), key=lambda one: one.at or now)


def _open(rows: Iterable[Any], status: str) -> list[Any]:
    return [row for row in rows if row.status == status]


def _clocks(case: CaseView, now: datetime) -> Iterable[Ahead]:
    for clock in case.clocks:
        if clock.state == "running" and clock.due_at > now:
            yield Ahead(clock.due_at, f"{_CLOCKS.get(clock.kind, 'A promise is broken')}, and the case is escalated.")


def _rest(case: CaseView) -> Iterable[Ahead]:
    line = case.line
    if line is not None and line.snoozed_until is not None:
        yield Ahead(line.snoozed_until, "The case comes back into the queue.")


def _offer(row: OfferView) -> Ahead:
    default = next((str(option.get("label") or option.get("id")) for option in row.options if option.get("id") == row.default), None)
    return Ahead(
        row.expires_at, f"Without an answer “{default}” is taken." if default else "The offer ends; nothing is chosen for the customer."
    )


def _approval(row: ApprovalView) -> Ahead:
    return Ahead(row.expires_at, "The approval expires and has to be asked for again.")


def _run(steps: Sequence[StepMark]) -> Iterable[Ahead]:
    for mark in steps:
        if mark.due is not None and mark.standing in ("waiting", "running") and not any(lane.steps for lane in mark.lanes):
            yield Ahead(mark.due, f"The workflow goes on behind “{mark.name}”.")
        for lane in mark.lanes:
            yield from _run(lane.steps)
