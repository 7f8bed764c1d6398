"""What happened, as a plain timeline: a case's events, what carriers reported, what people wrote; the newest first."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from app.canonical.schemas import MilestoneView
from app.cases.following import Said
from app.cases.timeline import Entry
from app.portal.home.telling import Teller

SHOWN = 60
_GOOD = ("case.resolved", "document.verified", "offer.answered")
_BAD = ("case.opened", "document.refused", "offer.expired", "order.cutoff_missed", "case.reopened")
_TROUBLE = ("delivery_attempted", "exception", "cancelled", "returned")


class Line(msgspec.Struct, frozen=True):
    """One line: when, what in the reader's words, and in somebody's own words where they said something."""

    at: datetime
    words: Any
    kind: str = ""
    zone: str = ""
    said: str = ""


def told(*parts: Iterable[Line]) -> list[Line]:
    """All of these lines in one story, the newest first."""
    return sorted((line for part in parts for line in part), key=lambda line: line.at, reverse=True)[:SHOWN]


def of_case(tell: Teller, entries: Sequence[Entry]) -> list[Line]:
    """The events of a case these pages have words for; what was written on it comes from of_comments."""
    lines = []
    for entry in entries:
        key = f"event_{entry.type.replace('.', '_')}"
        if entry.type != "case.commented" and tell.knows(key):
            kind = "ok" if entry.type in _GOOD else "act" if entry.type in _BAD else ""
            lines.append(Line(entry.occurred_at, tell.screen.say(key, **_facts(tell, entry)), kind))
    return lines


def of_comments(tell: Teller, comments: Sequence[Said]) -> list[Line]:
    """What people wrote, with who they are: a colleague's name, or the service's."""
    ours = tell.screen.look.brand.voice.name if tell.screen.look.brand else ""
    return [Line(c.at, tell.screen.say("wrote", name=c.author if c.is_own else ours), "info", said=c.text) for c in comments]


def of_reports(tell: Teller, reports: Sequence[MilestoneView]) -> list[Line]:
    """What carriers reported."""
    return [_report(tell, report) for report in reports]


def _report(tell: Teller, report: MilestoneView) -> Line:
    name = f"milestone_{report.milestone}" if report.kind == "actual" else f"milestone_{report.kind}"
    words, place = tell.one_of(name, "milestone_other"), tell.place(report.location)
    if report.kind != "actual" and report.expected_at:
        words = tell.screen.say("report_expects", time=tell.screen.when(report.expected_at))
    if place:
        words = tell.screen.say("report_at", what=words, place=place)
    kind = "act" if report.milestone in _TROUBLE else "ok" if report.milestone == "delivered" else ""
    return Line(report.at, words, kind, tell.zone(report.location), report.description or "")


def _facts(tell: Teller, entry: Entry) -> dict[str, Any]:
    """The facts a sentence may name, in the reader's words."""
    facts = entry.facts
    return {
        "choice": facts.get("option_label") or "", "document": tell.paper(str(facts.get("kind") or ""), str(facts.get("kind") or "").replace("_", " ")),
        "outcome": tell.outcome(facts.get("outcome")),
    }  # fmt: skip
