"""When somebody wants to be written to: pure rules over what they chose.

A choice with a deadline and a link to sign in always go at once: silence would decide something, or keep somebody out. Everything else may wait
for the end of the reader's quiet hours, and news and mentions may stay in the inbox alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

Topic = Literal["decisions", "documents", "updates", "mentions"]
Wish = Literal["now", "later", "never"]
MAY: Final[dict[str, tuple[Wish, ...]]] = {
    "decisions": ("now",), "documents": ("now", "later"), "updates": ("now", "later", "never"), "mentions": ("now", "later", "never"),
}  # fmt: skip
"""What can be wished for each topic; one choice is none."""


class Quiet(msgspec.Struct, frozen=True):
    """Hours of the day in which nobody wants to be disturbed; `until` before `start` means over midnight."""

    start: time
    until: time
    zone: str


def topic_of(template: str, links: Iterable[str], *, is_sealed: bool) -> Topic | None:
    """What a notice is about, by what can be done from it; None for one that must go whatever its reader wishes."""
    kinds = set(links)
    if is_sealed or template == "sign-in":
        return None
    if "offer" in kinds:
        return "decisions"
    if "document" in kinds:
        return "documents"
    return "mentions" if template == "mentioned" else "updates"


def leaves_at(wish: Wish, quiet: Quiet | None, now: datetime) -> datetime | None:
    """When a mail goes out: the end of the quiet hours for one that can wait and falls into them; None for at once."""
    if wish != "later" or quiet is None or quiet.start == quiet.until:
        return None
    here = now.astimezone(ZoneInfo(quiet.zone))
    end = here.replace(hour=quiet.until.hour, minute=quiet.until.minute, second=0, microsecond=0)
    if quiet.start < quiet.until:
        is_quiet = quiet.start <= here.time() < quiet.until
    else:
        is_quiet = here.time() >= quiet.start or here.time() < quiet.until
        end = end + timedelta(days=1) if here.time() >= quiet.start else end
    return end.astimezone(now.tzinfo) if is_quiet else None
