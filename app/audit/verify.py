"""Verification: find where log, chain and anchors disagree, and say what was done.

The chain alone shows an edited, deleted or reordered event. Whoever owns the database can also cut a chain's tail or
compute a whole new one; the heads anchored outside it show those, up to the last anchor.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import msgspec

from app.audit.chain import Head, Link, link_of

What = Literal["edited", "deleted", "reordered", "cut", "rechained", "unchained", "anchor_edited"]
_MOST = 1000


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One disagreement: what was done, in whose chain (null: the partner's own), at which place and to which event."""

    what: What
    customer_id: UUID | None
    seq: int
    event_id: UUID | None
    detail: str


@dataclass
class Verifier:
    """Checks one chain, fed in order of place; `finish` gives the findings.

    Memory grows with what is wrong, not with the chain; after a thousand findings the rest is not looked at closely.
    """

    customer_id: UUID | None
    start: Head
    anchors: Mapping[int, bytes] = field(default_factory=dict)
    _last: Head = field(init=False)
    _findings: list[Finding] = field(init=False, default_factory=list)
    _broken: list[tuple[Link, Mapping[str, Any]]] = field(init=False, default_factory=list)
    _sound: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        self._last = self.start

    @property
    def checked(self) -> int:
        """The place reached so far."""
        return self._last.seq

    def feed(self, link: Link, event: Mapping[str, Any] | None) -> None:
        """Check the next link against the event it binds (None: the log has no such event) and what came before it."""
        if link.seq > self._last.seq + 1:
            self._say("deleted", self._last.seq + 1, None, f"Entries {self._last.seq + 1} to {link.seq - 1} are missing.")
        elif event is None:
            self._say("deleted", link.seq, link.event_id, "The chain has this event, the log has not.")
        elif link.prev != self._last.hash or link.hash != link_of(link.prev, event, link.seq):
            self._suspect(link, event)
        elif link.hash != self.anchors.get(link.seq, link.hash) and self._sound:
            self._say("rechained", link.seq, link.event_id, "The link is sound but not the one that was anchored.")
        self._last = Head(link.seq, link.hash)

    def finish(self, head: Head | None) -> list[Finding]:
        """Return all findings; `head` is where the database says the chain ends."""
        self._judge_suspects()
        self._judge_end(head)
        return sorted(self._findings, key=lambda finding: finding.seq)

    def _suspect(self, link: Link, event: Mapping[str, Any]) -> None:
        self._sound = False
        if len(self._broken) < _MOST:
            self._broken.append((link, event))

    def _judge_suspects(self) -> None:
        hashes = {link.hash: link.seq for link, _ in self._broken}
        for link, event in self._broken:
            if hashes.get(link.prev, link.seq) != link.seq or self._fits_elsewhere(link, event):
                self._say("reordered", link.seq, link.event_id, "This entry stood at another place of the chain.")
            elif link.hash == link_of(link.prev, event, link.seq):
                self._say("edited", link.seq - 1, None, "This entry was rewritten: the next one doesn't follow from it.")
            else:
                self._say("edited", link.seq, link.event_id, "The event's content is not what was chained.")

    def _fits_elsewhere(self, link: Link, event: Mapping[str, Any]) -> bool:
        """Tell whether the link is the true one for this event at another suspect's place, or for another suspect's event at this one."""
        others = [(other.seq, content) for other, content in self._broken[:100] if other is not link]
        fitting = ((link_of(link.prev, event, seq), link_of(link.prev, content, link.seq)) for seq, content in others)
        return any(link.hash in pair for pair in fitting)

    def _judge_end(self, head: Head | None) -> None:
        anchored = max(self.anchors, default=0)
        end = max(anchored, head.seq if head else 0)
        if self._last.seq < end:
            self._say("cut", self._last.seq + 1, None, f"The chain ends at {self._last.seq}; it is known to have reached {end}.")
        elif head is not None and head.seq < self._last.seq:
            self._say("cut", head.seq + 1, None, f"The head was set back to {head.seq}; entries reach {self._last.seq}.")
        elif head is not None and head.hash != self._last.hash:
            self._say("edited", head.seq, None, "The head is not the last link.")

    def _say(self, what: What, seq: int, event_id: UUID | None, detail: str) -> None:
        if what == "rechained":
            self._sound = False
        if len(self._findings) < _MOST:
            self._findings.append(Finding(what=what, customer_id=self.customer_id, seq=seq, event_id=event_id, detail=detail))
