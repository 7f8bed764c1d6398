"""The steps of a notice's delivery, each one change with its event: attempt, deliver, defer, lose sight, fail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.core.uow import UnitOfWork
from app.notifications.commands.send import about
from app.notifications.links import issue
from app.notifications.mail import Letter
from app.notifications.models import Notice
from app.notifications.schemas import LinkSpec, Rendered

# Seconds until the next try; a day in all, then the notice has failed.
BACK_OFF = (5, 15, 30, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600)


@dataclass(frozen=True)
class Issued:
    """A link that stands in the letter, with the token only the letter holds."""

    spec: LinkSpec
    token: str


@dataclass(frozen=True)
class Prepared:
    """A letter ready to go. `rendered` (tokens blotted out) and `links` are there when it was made just now, not reopened."""

    letter: Letter
    locale: str
    rendered: Rendered | None = None
    links: Sequence[Issued] = ()


async def attempt(uow: UnitOfWork, notice: Notice, prepared: Prepared, sealed: bytes | None) -> None:
    """Record that the letter is about to be handed over; on the first try also the links in it and the letter itself, sealed."""
    if prepared.rendered:
        said = prepared.rendered
        notice.spoken, notice.subject, notice.body_text, notice.body_html = prepared.locale, said.subject, said.text, said.html
        notice.message_id, notice.sealed_letter = prepared.letter.message_id, sealed
        for issued in prepared.links:
            await _issue(uow, notice, issued, prepared.locale)
    notice.status, notice.attempts = "sending", notice.attempts + 1
    _note(uow, notice, "attempted")


def delivered(uow: UnitOfWork, notice: Notice, answer: str) -> None:
    """The receiving server has taken the letter."""
    _settle(uow, notice, "delivered")
    _note(uow, notice, "delivered", heard=answer)


def failed(uow: UnitOfWork, notice: Notice, reason: str, code: int | None = None) -> None:
    """The letter will not arrive, and nobody will try again. With a code the reason is a server's words."""
    _settle(uow, notice, "failed")
    notice.failure = reason[:1000]
    _note(uow, notice, "failed", heard=reason, code=code, reason=reason if code is None else None)


def deferred(uow: UnitOfWork, notice: Notice, reason: str, code: int | None = None) -> None:
    """Nothing was handed over; try again later, or fail when the tries are used up."""
    _again(uow, notice, "queued", "deferred", reason, code)


def lost_sight(uow: UnitOfWork, notice: Notice, reason: str) -> None:
    """The letter may or may not have been taken; it goes out again under the same Message-ID, so a receiver can drop the copy."""
    _again(uow, notice, "unknown", "unknown", reason, None)


def interrupted(uow: UnitOfWork, notice: Notice) -> None:
    """A worker died between handing over and writing down: say so before the next try."""
    notice.status = "unknown"
    _note(uow, notice, "unknown", heard="The worker stopped while handing the letter over.")


def _again(uow: UnitOfWork, notice: Notice, status: str, word: str, heard: str, code: int | None) -> None:
    tries = len([tried for tried in notice.tries if tried["outcome"] in ("deferred", "unknown")])
    if tries >= len(BACK_OFF):
        _settle(uow, notice, "failed")
        notice.failure = f"Given up after {tries + 1} tries: {heard}"[:1000]
        _note(uow, notice, "failed", heard=heard, code=code, reason=f"Given up after {tries + 1} tries.")
        return
    due = uow.now + timedelta(seconds=BACK_OFF[tries])
    notice.status = status
    _note(uow, notice, word, heard=heard, code=code, retry_at=due.isoformat())
    uow.work("notice", subject=notice.id, due=due, cls="human")


def _settle(uow: UnitOfWork, notice: Notice, status: str) -> None:
    notice.status, notice.settled_at = status, uow.now
    notice.sealed_letter = notice.sealed_context = None


def _note(uow: UnitOfWork, notice: Notice, outcome: str, *, heard: str = "", **told: Any) -> None:
    """Write down one step. What a mail server said (`heard`) stays with the notice: events go to people who never heard of it."""
    given = {name: value for name, value in told.items() if value is not None}
    if outcome != "attempted":
        notice.tries = [*notice.tries, {"at": uow.now.isoformat(), "outcome": outcome, "heard": heard[:300], **given}]
    uow.publish(f"notice.{outcome}", of=notice, key=f"notice:{notice.id}", data={**about(notice), **given})


async def _issue(uow: UnitOfWork, notice: Notice, issued: Issued, locale: str) -> None:
    spec = issued.spec
    await issue(
        uow, kind=spec.kind, subject_id=spec.subject_id, case_id=notice.case_id, customer_id=notice.about_customer_id, to=spec.to or notice.address,
        expires_at=spec.expires_at, payload=spec.payload, token=issued.token, notice_id=notice.id, locale=locale, zone=notice.zone,
    )  # fmt: skip
