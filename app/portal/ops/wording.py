"""The control tower's plain words: what codes mean, what a fact's value says, where it comes from."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from app.canonical.requirements import document_types
from app.canonical.taxonomy import taxonomy
from app.cases.schemas import Amount, ApprovalView, Factor, Urgency
from app.cases.timeline import Entry
from app.connectors.capabilities import capabilities
from app.connectors.redaction import struck
from app.policies.facts import vocabulary
from app.portal.screens import Screen
from branding.formats import zone_of

Mark = tuple[str, str, str]
"""Kind of chip, its sign, its word: a state is never colour alone."""

STATUS: Final[Mapping[str, Mark]] = {
    "open": ("act", "○", "New"), "acknowledged": ("info", "◐", "In work"), "waiting": ("watch", "‖", "Waiting"), "resolved": ("ok", "✓", "Resolved"),
}  # fmt: skip
RUN: Final[Mapping[str, Mark]] = {
    "running": ("info", "◐", "Running"), "suspended": ("watch", "‖", "Suspended"), "completed": ("ok", "✓", "Completed"),
    "faulted": ("act", "✕", "Failed"), "cancelled": ("quiet", "⊘", "Cancelled"),
}  # fmt: skip
STEP: Final[Mapping[str, Mark]] = {
    "todo": ("todo", "○", "not begun"), "running": ("running", "◐", "running"), "waiting": ("waiting", "‖", "waiting"), "done": ("done", "✓", "done"),
    "failed": ("failed", "✕", "failed"), "skipped": ("skipped", "↷", "passed over"), "cancelled": ("skipped", "⊘", "cancelled"),
}  # fmt: skip
TASK: Final[Mapping[str, Mark]] = {
    "completed": ("ok", "✓", "Done"), "faulted": ("act", "✕", "Failed"), "skipped": ("quiet", "↷", "Passed over"),
    "cancelled": ("quiet", "⊘", "Cancelled"), "retried": ("watch", "↻", "Failed, tried again"),
}  # fmt: skip
APPROVAL: Final[Mapping[str, Mark]] = {
    "requested": ("watch", "◔", "Waits for a decision"), "approved": ("ok", "✓", "Approved"), "refused": ("act", "✕", "Refused"),
    "expired": ("quiet", "⊘", "Expired"),
}  # fmt: skip
OFFER: Final[Mapping[str, Mark]] = {
    "open": ("watch", "◔", "Waits for an answer"), "answered": ("ok", "✓", "Answered"), "expired": ("quiet", "⊘", "Expired without an answer"),
}  # fmt: skip
NOTICE: Final[Mapping[str, Mark]] = {
    "queued": ("info", "◔", "On its way"), "sending": ("info", "◐", "Being sent"), "delivered": ("ok", "✓", "Delivered"),
    "failed": ("act", "✕", "Not delivered"), "unknown": ("watch", "?", "Not known whether it arrived"),
}  # fmt: skip
CALL: Final[Mapping[str, Mark]] = {
    "sending": ("info", "◐", "Being asked"), "done": ("ok", "✓", "Answered"), "refused": ("act", "✕", "Refused"), "failed": ("act", "✕", "Failed"),
    "unknown": ("watch", "?", "Not known"),
}  # fmt: skip
DOCUMENT: Final[Mapping[str, Mark]] = {
    "required": ("watch", "◔", "Needed"), "uploaded": ("info", "◐", "Being checked"), "refused": ("act", "✕", "Refused"),
    "verified": ("ok", "✓", "Verified"), "reported": ("quiet", "●", "Said to exist"),
}  # fmt: skip
CLOCKS: Final = {"first_response": "first response", "resolution": "resolution"}
AWAITED: Final = {
    "answer": "the offer is answered", "approval": "the approval is decided", "document": "a document arrives", "carrier": "the carrier reports",
    "comment": "somebody comments", "signal": "another signal joins",
}  # fmt: skip
OUTCOMES: Final = {
    "rerouted": "Sent another way", "delivered": "Delivered after all", "rescheduled": "New date agreed", "replaced": "Replaced", "refunded": "Paid back",
    "cancelled": "Order cancelled", "returned": "Sent back", "documents_completed": "Papers completed", "corrected": "Data corrected",
    "no_action_needed": "Nothing had to be done", "duplicate": "The same as another case",
}  # fmt: skip
_SOURCES: Final = {
    "order": "order record", "shipment": "shipment record", "customer": "customer's contract", "signal": "signal received", "call": "answer of a system",
    "inventory": "stock count", "event": "event", "clock": "clock", "case": "this case", "document": "document",
}  # fmt: skip
_HUMPS = re.compile(r"(?<=[a-z0-9])([A-Z])")
_FACTS: Final = {
    "order.value_minor": "Order value", "order.currency": "Currency", "promise.minutes_left": "Time left until the promise",
    "order.penalty_minor": "Penalty for being late, by contract", "shipment.weight_grams": "Weight", "options.dearest_minor": "Dearest option",
    "document.missing": "Documents still needed", "options.count": "Options offered", "inventory.alternatives": "Other sites with stock",
}  # fmt: skip
_PARAMETERS: Final = {"amount_minor": "Amount", "option_id": "Option", "promised_at": "Promised at"}
_CENTS = re.compile(r"[.,]00(?!\d)")
_MONEY = re.compile(r"_minor$")


class Wording:
    """Words for one reader: times in their zone, money and numbers as they write them."""

    status, run, step, task, approval, offer, notice, document, call = STATUS, RUN, STEP, TASK, APPROVAL, OFFER, NOTICE, DOCUMENT, CALL
    outcomes, awaited = OUTCOMES, AWAITED

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def exception(self, code: str) -> str:
        """What went wrong, by its type."""
        known = taxonomy().types.get(code)
        return known.title if known else code.replace(".", " ").replace("_", " ").capitalize()

    def described(self, code: str) -> str:
        """The same in a sentence; nothing for a type of the partner's own."""
        known = taxonomy().types.get(code)
        return known.description if known else ""

    def reason(self, code: str | None) -> str:
        """Why it happened, by its code."""
        if not code:
            return "unknown"
        known = taxonomy().reasons.get(code.partition(".")[2] or code) or taxonomy().reasons.get(code)
        return known.title if known else code.replace("_", " ").replace(".", ": ")

    def outcome(self, code: str | None) -> str:
        """How it ended, by its code."""
        return OUTCOMES.get(code or "", (code or "unknown").replace("_", " ").replace(".", ": ").capitalize())

    def capability(self, name: str) -> str:
        """What a capability does."""
        known = capabilities().get(name)
        return known.summary.rstrip(".") if known else name

    def clock(self, kind: str) -> str:
        """Which promise a clock is of."""
        return CLOCKS.get(kind, kind.replace("_", " "))

    def paper(self, kind: str) -> str:
        """What a document is called."""
        known = document_types().get(kind)
        return known.title if known else kind.replace("_", " ")

    def told(self, entry: Entry) -> str:
        """A line of the timeline without codes: capabilities and outcomes by their words."""
        title, code = entry.title, entry.facts.get("capability")
        if isinstance(code, str) and code in title:
            said = self.capability(code)
            title = title.replace(code, said[:1].lower() + said[1:])
        outcome = entry.facts.get("outcome")
        return title.replace(str(outcome), self.outcome(str(outcome)).lower()) if entry.type == "case.resolved" and outcome else title

    def named(self, name: str) -> str:
        """A step's name as words: `takeNextDeparture` is `Take next departure`."""
        words = _HUMPS.sub(r" \1", name).replace("_", " ").replace("-", " ").strip()
        return words[:1].upper() + words[1:].lower()

    def parameter(self, name: str) -> str:
        """A parameter's name as words."""
        return _PARAMETERS.get(name, self.named(name))

    def fact(self, name: str) -> str:
        """What a fact means."""
        known = vocabulary().get(name)
        if name in _FACTS:
            return _FACTS[name]
        return known.meaning if known else name.replace("_", " ").replace(".", " · ")

    def source(self, address: str) -> str:
        """Where a fact was taken from, in words."""
        kind = address.partition(":")[0]
        return _SOURCES.get(kind, kind.replace("_", " ") or "unknown")

    def value(self, name: str, value: Any, currency: str | None = None) -> str:
        """A fact's value as people read it."""
        if value is None or value == "" or value == []:
            return "unknown" if value is None else "none"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if value == 0 and _MONEY.search(name):
            return "none"
        if isinstance(value, int) and _MONEY.search(name):
            return self._screen.money(value, currency) if currency else f"{self._screen.number(value / 100, 2)} (currency unknown)"
        if isinstance(value, int) and name.endswith(("minutes", "minutes_left")):
            return f"{self.span(timedelta(minutes=abs(value)))}{' late' if value < 0 else ''}"
        if isinstance(value, int) and name.endswith("_grams"):
            return f"{self._screen.number(value / 1000, 1)} kg"
        if isinstance(value, int | float):
            return self._screen.number(value, 0 if isinstance(value, int) else 2)
        if isinstance(value, list):
            return ", ".join(self.value(name, item) for item in value)
        moment = _moment(value)
        return self._screen.when(moment) if moment else str(value)

    def plain(self, value: Any) -> str:
        """Data for people who want to see it as it was, without secrets; cut where it gets long."""
        text = orjson.dumps(struck(value), option=orjson.OPT_INDENT_2, default=str).decode()
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… {len(text) - LONGEST} more characters"

    def took(self, milliseconds: int | None) -> str:
        """How long something took."""
        if milliseconds is None:
            return ""
        if milliseconds < 1000:
            return f"{milliseconds} ms"
        if milliseconds < 60_000:
            return f"{milliseconds / 1000:.1f} s"
        return self.span(timedelta(milliseconds=milliseconds))

    def span(self, span: timedelta) -> str:
        """A stretch of time in its two largest units."""
        minutes = max(0, int(span.total_seconds() // 60))
        days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
        parts = [f"{number} {unit}" for number, unit in ((days, "d"), (hours, "h"), (rest, "min")) if number]
        return " ".join(parts[:2]) or "under a minute"

    def aged(self, at: str | datetime) -> str:
        """How old a fact is, from the moment it was observed."""
        moment = _moment(at) if isinstance(at, str) else at
        return f"{self.span(self._screen.now - moment)} old" if moment else ""

    def asks(self, approval: ApprovalView) -> str:
        """What an approval lets happen, in a few words."""
        what = approval.subject.get("capability")
        said = self.capability(str(what)) if what else approval.kind.replace("_", " ").capitalize()
        return f"{said}: {self._screen.money(approval.amount.minor, approval.amount.currency)}" if approval.amount else said

    def at_seconds(self, at: datetime) -> str:
        """A time of day to the second, by the reader's clock."""
        return f"{at.astimezone(zone_of(self._screen.zone)):%H:%M:%S}"

    def gist(self, urgency: Urgency) -> str:
        """What puts a case in its place, in a few words: what stands in no column of its own, the heaviest first."""
        found = [_gist(factor) for factor in urgency.because if factor.name not in ("time", "money") and factor.points]
        return " · ".join(found) or "time alone"

    def whole(self, amount: Amount) -> str:
        """An amount without its cents, for a line that compares amounts."""
        text = self._screen.money(amount.minor, amount.currency)
        return _CENTS.sub("", text) if amount.minor % 100 == 0 else text

    def iso(self, at: datetime) -> str:
        """A moment for scripts, to the second."""
        return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

    def listed(self, words: Iterable[str]) -> str:
        """Words one after the other as a sentence has them."""
        each = list(words)
        return each[0] if len(each) == 1 else f"{', '.join(each[:-1])} and {each[-1]}" if each else ""


LONGEST: Final = 4000
_GISTS: Final = {"breached": "promise broken", "regulated": "regulated", "unanswered": "no answer yet", "waiting": "others have the ball"}


def _gist(factor: Factor) -> str:
    if factor.name in _GISTS:
        return _GISTS[factor.name]
    said = _CENTS.sub("", factor.text.removesuffix(" times"))
    return said.partition(" by policy")[0].replace("contract ", "").replace("escalated ", "escalated ×")


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) < 16 or value[4:5] != "-":
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else None
