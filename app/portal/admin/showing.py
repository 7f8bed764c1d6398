"""What the console's pages of configuration show alike: values as text, owners and people by name, findings with their places."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from app.core.errors import Fault, FieldError
from app.core.events import plain
from app.core.uow import UnitOfWork
from tenants.names import actor_names, customer_names

MOST_SHOWN = 16_000
_PLACE = re.compile(r"^(?:line (\d+))(?:, column (\d+))?(?:: )?")


class Found(msgspec.Struct, frozen=True):
    """One thing wrong with a text, and where."""

    detail: str
    line: int = 1
    column: int = 1
    pointer: str = ""
    remedy: str = ""


def told(value: Any) -> str:
    """A value as text for people to read: indented, its beginning only when it is long."""
    text = value if isinstance(value, str) else json.dumps(plain(value), indent=2, ensure_ascii=False)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}\n… {len(text) - MOST_SHOWN:,} more characters"


def found_in(fault: Fault) -> list[Found]:
    """What a refused text is refused for, each with the line it names; in the order of the lines."""
    line, column = fault.extra.get("line"), fault.extra.get("column")
    if isinstance(line, int):
        return [Found(fault.detail, line, column if isinstance(column, int) else 1)]
    return sorted((_found(error) for error in fault.errors or (FieldError("", fault.detail),)), key=lambda each: (each.line, each.column))


def _found(error: FieldError) -> Found:
    """An error whose place stands before its words, or instead of its pointer."""
    for text, is_pointer in ((error.detail, False), (error.pointer, True)):
        if place := _PLACE.match(text):
            detail = error.detail if is_pointer else text[place.end() :]
            return Found(detail, int(place[1]), int(place[2] or 1), "" if is_pointer else error.pointer, error.remedy)
    return Found(error.detail, 1, 1, error.pointer, error.remedy)


async def people_of(uow: UnitOfWork, rows: Iterable[Any]) -> dict[str, str]:
    """What those who made these versions are called, by actor; programs and keys by what they are."""
    actors = {row.created_by for row in rows}
    return {actor: spoken(actor) for actor in actors} | await actor_names(uow, actors)


def spoken(actor: str) -> str:
    """An actor who is nobody with a name."""
    kind, _, name = actor.partition(":")
    known = {"key": "an API key", "run": "a workflow", "link": "a signed link", "user": "somebody", "system": f"the system ({name})"}
    return known.get(kind, actor)


async def owners_of(uow: UnitOfWork, rows: Sequence[Any]) -> dict[UUID, str]:
    """What the customers are called that own or are meant by these rows."""
    return await customer_names(uow, (row.customer_id for row in rows))
