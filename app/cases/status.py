"""What state a case is in, and which verb may move it.

    open ──acknowledge──▶ acknowledged ──wait──▶ waiting ──go_on──▶ acknowledged
      │ ╰──────────wait──────────────────────────▶ │ ╰──go_on──▶ open (nobody acknowledged it)
      ╰──────────────── resolve ────────────────▶ resolved ──reopen──▶ open

*open*: nobody has said they look at it. *acknowledged*: somebody has; the first-response clock stands. *waiting*: the customer or a
counterparty has an offer in hand; the resolution clock pauses. *resolved*: the end, with outcome and cause. There is no further "closed":
what must stay untouched is the timeline, and that can't be changed anyway.
"""

from __future__ import annotations

from typing import Final, Literal

from app.core.errors import Conflict

Status = Literal["open", "acknowledged", "waiting", "resolved"]
Verb = Literal["acknowledge", "wait", "go_on", "resolve", "reopen"]

LIVE: Final[tuple[Status, ...]] = ("open", "acknowledged", "waiting")
"""The states of unfinished work; at most one case of a group is in one of them."""

_MOVES: Final[dict[Verb, dict[Status, Status]]] = {
    "acknowledge": {"open": "acknowledged", "acknowledged": "acknowledged", "waiting": "waiting"},
    "wait": {"open": "waiting", "acknowledged": "waiting", "waiting": "waiting"},
    "go_on": {"open": "open", "acknowledged": "acknowledged", "waiting": "acknowledged"},
    "resolve": {"open": "resolved", "acknowledged": "resolved", "waiting": "resolved"},
    "reopen": {"resolved": "open"},
}


class CaseAlreadyResolved(Conflict):
    """This case is resolved; reopen it before adding work."""


class CaseNotResolved(Conflict):
    """Only a resolved case can be reopened."""


def moved(status: Status, verb: Verb, *, acknowledged: bool = False) -> Status:
    """The state `verb` leads to. `acknowledged` says whether somebody took the case before it went waiting.

    Raises CaseAlreadyResolved or CaseNotResolved.
    """
    target = _MOVES[verb].get(status)
    if target is None:
        raise CaseNotResolved() if verb == "reopen" else CaseAlreadyResolved()
    return "open" if verb == "go_on" and status == "waiting" and not acknowledged else target
