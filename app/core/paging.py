"""Keyset pages: a cursor is the last row's sort key, so a page costs the same wherever it lies."""

import base64
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import msgspec
import orjson
from sqlalchemy import Select, SQLColumnExpression, tuple_

from app.core.errors import FieldError, Invalid
from app.core.events import plain
from app.core.uow import UnitOfWork

T = TypeVar("T")

# The cursor of the page this request answers with; the edge makes a Link header of it.
next_cursor: ContextVar[str | None] = ContextVar("next_cursor", default=None)


def next_link(path: str, query: str, cursor: str) -> str:
    """The address of the next page: this one's with another cursor."""
    kept = [(k, v) for k, v in parse_qsl(query, keep_blank_values=True) if k != "cursor"]
    return f"{path}?{urlencode([*kept, ('cursor', cursor)])}"


class Page(msgspec.Struct, Generic[T]):
    """Some items and the cursor of the next ones; `next` is null on the last page."""

    items: list[T]
    next: str | None = None


def encode_cursor(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([plain(v) for v in values])).decode().rstrip("=")


def decode_cursor(cursor: str, kinds: Sequence[type]) -> list[Any]:
    """The sort key a cursor holds; raises Invalid naming `cursor` when it isn't one of ours."""
    try:
        raw = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(raw, list) or len(raw) != len(kinds):
            raise ValueError
        return [_convert(v, k) for v, k in zip(raw, kinds, strict=True)]
    except (ValueError, TypeError):
        raise Invalid(
            "The cursor is not one this list gave.",
            errors=[FieldError("cursor", "not a cursor of this list", "Start without one, then take `next` as it came.")],
        ) from None


def _convert(value: Any, kind: type) -> Any:
    if kind is UUID:
        return UUID(value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    if (
        not isinstance(value, kind)
        or (isinstance(value, int) and not -(2**63) <= value < 2**63)
        or (isinstance(value, str) and "\0" in value)
    ):
        raise ValueError
    return value


async def page(
    uow: UnitOfWork,
    query: Select[Any],
    *,
    by: Sequence[tuple[SQLColumnExpression[Any], type]],
    cursor: str | None,
    limit: int,
    view: Callable[[Any], T],
    descending: bool = True,
) -> Page[T]:
    """Run `query` ordered by the columns `by` (unique together, not null), from after `cursor`, `limit` rows; `view` shapes each.

    A row is the ORM instance when the query selects one entity, else the row tuple.
    """
    columns = [c for c, _ in by]
    if cursor:
        after = decode_cursor(cursor, [k for _, k in by])
        key = tuple_(*columns)
        query = query.where(key < tuple_(*after) if descending else key > tuple_(*after))
    query = query.order_by(*[c.desc() if descending else c.asc() for c in columns]).limit(limit + 1).add_columns(*columns)
    rows = (await uow.execute(query)).all()
    shown = rows[:limit]
    width = len(columns)
    more = encode_cursor(shown[-1][-width:]) if len(rows) > limit else None
    next_cursor.set(more)
    return Page([view(r[0] if len(r) == width + 1 else r) for r in shown], more)
