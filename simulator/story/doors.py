"""The way in for whoever wants to look around afterwards: a fresh sign-in link for one person of each kind, through the mailbox."""

from collections.abc import Iterable
from dataclasses import dataclass

from simulator.story.book import StoryBroken
from simulator.story.cast import CASTS, Cast
from simulator.story.client import Outside
from simulator.story.provision import ask_for_link


@dataclass(frozen=True)
class Door:
    """A partner's portal: who comes in, under which address, by which link."""

    cast: Cast
    people: tuple[tuple[str, str, str], ...]


def doors(partners: Iterable[str], base_url: str, outside: Outside) -> list[Door]:
    """Ask for everybody's link, as they would themselves; somebody whose letter doesn't come is named without one."""
    return [
        Door(cast, tuple((who, email, _link(cast, email, base_url, outside)) for who, email in _kinds(cast)))
        for cast in map(CASTS.__getitem__, partners)
    ]


def _kinds(cast: Cast) -> tuple[tuple[str, str], ...]:
    return ("customer", cast.contact), ("operator", cast.operator), ("approver", cast.approver), ("partner admin", cast.admin)


def _link(cast: Cast, email: str, base_url: str, outside: Outside) -> str:
    try:
        return ask_for_link(base_url, outside, cast.host, email)
    except StoryBroken:
        return f"ask for a link at http://{cast.host}/sign-in"
